"""Validation as Laravel words it: what a field must be, and the sentence for each way in which it is not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, cast, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import hints_of
from tallystick.api.growcrm.forms import Fields, listed
from tallystick.values.errors import Absent, Invalid

INVALID: Final = "The given data was invalid."
LONGEST: Final = 10_000
"""Characters of a text that says no length itself: what the largest column of the record holds."""


class Whole(int):
    """A whole number, also as text."""

    @classmethod
    def read(cls, given: object) -> int:
        """The number, or ValueError with Laravel's words."""
        text = str(given).strip()
        if isinstance(given, bool) or not isinstance(given, int | str) or not _WHOLE.fullmatch(text):
            raise ValueError("must be an integer.")
        return int(text)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[+-]?\d{1,18}$"}]}


class Numeric(Decimal):
    """A number as PHP's `is_numeric` takes it."""

    least: ClassVar[Decimal | None] = None
    most: ClassVar[Decimal] = Decimal(1_000_000_000)

    @classmethod
    def read(cls, given: object) -> Decimal:
        """The number, or ValueError with Laravel's words."""
        text = str(given).strip()
        if isinstance(given, bool) or not isinstance(given, int | Decimal | str) or not _NUMERIC.fullmatch(text):
            raise ValueError("must be a number.")
        number = Decimal(text)
        if cls.least is not None and number < cls.least:
            raise ValueError(f"must be at least {cls.least:f}.")
        if abs(number) > cls.most:
            raise ValueError(f"must not be greater than {cls.most:f}.")
        return number

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        number: dict[str, Any] = {"type": "number", "maximum": float(cls.most)}
        if cls.least is not None:
            number["minimum"] = float(cls.least)
        return {"anyOf": [number, {"type": "string", "pattern": r"^[+-]?\d+(\.\d+)?$"}]}


class AtLeastNothing(Numeric):
    """A number that is not negative."""

    least: ClassVar[Decimal | None] = Decimal(0)


class Amount(AtLeastNothing):
    """Money: kept with four decimals at most, shown with two."""

    @classmethod
    def read(cls, given: object) -> Decimal:
        """The amount, or ValueError with Laravel's words."""
        number = super().read(given)
        if number != round(number, 4):
            raise ValueError("must not have more than 4 decimal places.")
        return number


class Flag(int):
    """A box that is ticked or not: `on`, `yes`, `true`, `1`, or their opposites. Empty is not ticked."""

    @classmethod
    def read(cls, given: object) -> bool:
        """Whether it is ticked, or ValueError with Laravel's words."""
        word = str(given).strip().lower() if isinstance(given, bool | int | str) else "?"
        if word in ("on", "yes", "true", "1", "checked"):
            return True
        if word in ("off", "no", "false", "0"):
            return False
        raise ValueError("field must be true or false.")

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"enum": ["on", "yes", "true", "1", "off", "no", "false", "0", True, False]}


_WHOLE: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMERIC: Final = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?", re.ASCII)
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
_UNTRIMMED: Final = frozenset({"password", "password_confirmation", "current_password"})


def facts_of(struct: type[Struct], given: Fields, required: tuple[str, ...]) -> Fields:
    """The fields that were given, converted by the types of a struct. Raises Invalid that names every wrong one.

    Unknown fields are ignored, texts are trimmed, and an empty one is null, as Laravel has it.
    """
    wrong: dict[str, str] = {}
    facts: Fields = {}
    hints = hints_of(struct)
    for name in struct.__struct_fields__:
        hint = hints[name]
        value = _trimmed(given[name], name) if name in given else UNSET
        if value is UNSET or value is None or (name in required and value in ({}, [])):
            if name in required:
                wrong[name] = "field is required."
            elif value is None and type(None) in get_args(hint):
                facts[name] = None
            continue
        _read(name, value, hint, facts, wrong)
    if wrong:
        raise Invalid(INVALID, fields={name: sentence(name, why) for name, why in wrong.items()})
    return facts


def sentence(name: str, why: str) -> str:
    """`task_id`, "must be an integer." → "The task id must be an integer."

    A `why` that says what it is about stays a sentence of its own. The name stands in `{}` where it is not in front.
    """
    words = name.replace("_", " ")
    if "{}" in why:
        return why.replace("{}", words)
    return f"The {words} {why}" if why.startswith(_OF_THE_FIELD) else why[:1].upper() + why[1:]


@contextlib.contextmanager
def in_terms_of(names: Mapping[str, str]) -> Generator[None]:
    """What the domain says of its own names is said of the names that the client used."""
    try:
        yield
    except Invalid as refusal:
        told = {
            names.get(name, name): _SELECTED if isinstance(refusal, Absent) else why
            for name, why in refusal.fields.items()
        }
        raise Invalid(INVALID, fields={name: sentence(name, _ended(why)) for name, why in told.items()}) from refusal


def selected(name: str) -> Invalid:
    """The refusal of an id in a body that nothing has."""
    return Invalid(INVALID, fields={name: sentence(name, _SELECTED)})


def wrong(name: str, why: str) -> Invalid:
    """The refusal of one field."""
    return Invalid(INVALID, fields={name: sentence(name, why)})


def day(value: object) -> date:
    """The day of a date or a timestamp, as it is written. Raises ValueError with Laravel's words."""
    found = _DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        return msgspec.convert(found[1] if found else None, date)
    except msgspec.ValidationError:
        raise ValueError("is not a valid date.") from None


_OF_THE_FIELD: Final = ("must", "may", "is ", "has ", "field ", "cannot")
_SELECTED: Final = "The selected {} is invalid."


def _ended(why: str) -> str:
    return why if why.endswith(".") else f"{why}."


def _trimmed(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return (value if name in _UNTRIMMED else value.strip()) or None
    if isinstance(value, dict):
        return {key: _trimmed(part) for key, part in cast("Fields", value).items()}
    if isinstance(value, list):
        return [_trimmed(part) for part in cast("list[Any]", value)]
    return value


def _read(name: str, value: Any, hint: Any, facts: Fields, wrong: dict[str, str]) -> None:
    """One value by its type: into the facts, or with a reason under its dotted name."""
    kinds = [kind for kind in get_args(hint) if kind not in (UnsetType, type(None))] if _is_union(hint) else [hint]
    kind = kinds[0]
    origin = get_origin(kind)
    if origin is list:
        items = listed(value)
        if items is None:
            wrong[name] = "must be an array."
            return
        (inner,) = get_args(kind)
        found: Fields = {}
        for place, item in enumerate(items):
            if item is not None:  # a form has no other way to say that a list is empty
                _read(f"{name}.{place}", item, inner, found, wrong)
        facts[name] = list(found.values())
    elif isinstance(kind, type) and issubclass(kind, Struct):
        if not isinstance(value, dict):
            wrong[name] = "must be an array."
            return
        part: Fields = {}
        for field, inner in hints_of(kind).items():
            given = cast("Fields", value).get(field)
            if given is not None:
                _read(f"{name}.{field}", given, inner, part, wrong)
        facts[name] = {path.rpartition(".")[2]: one for path, one in part.items()}
    else:
        try:
            facts[name] = _plain(value, kind)
        except ValueError as reason:
            wrong[name] = str(reason)


def _is_union(hint: Any) -> bool:
    return UnsetType in get_args(hint) or type(None) in get_args(hint)


def _plain(value: Any, kind: Any) -> Any:
    """A value that is not made of others. Raises ValueError with Laravel's words."""
    longest = LONGEST
    email = False
    while get_origin(kind) is not None and get_origin(kind) is not Literal:  # Annotated
        kind, *more = get_args(kind)
        for meta in more:
            if isinstance(meta, Meta):
                longest = meta.max_length or longest
                email = (meta.extra_json_schema or {}).get("format") == "email"
    if get_origin(kind) is Literal:
        if str(value).lower() not in get_args(kind):
            raise ValueError(_SELECTED)
        return str(value).lower()
    if kind is date:
        return day(value)
    if kind is str:
        return _text(value, longest, email=email)
    return kind.read(value)


def _text(value: object, longest: int, *, email: bool) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("must be a string.")  # noqa: TRY004 - becomes a 422
    text = str(value)
    if "\x00" in text:
        raise ValueError("must not contain the NUL character.")
    if len(text) > longest:
        raise ValueError(f"must not be greater than {longest} characters.")
    if email and not _EMAIL.fullmatch(text):
        raise ValueError("must be a valid email address.")
    return text
