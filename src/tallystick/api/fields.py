"""What may stand in a body or a query: bounded numbers, and the conversion that names every wrong field at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tallystick.domain.listing import Filter, Listing
from tallystick.values.duration import parse_duration
from tallystick.values.errors import Invalid
from tallystick.values.ids import parse_id

READ_ONLY = "read-only"


class Number(Decimal):
    """A decimal in a body: a JSON number or a plain decimal string, exact, within bounds."""

    places: ClassVar[int] = 4
    least: ClassVar[Decimal] = Decimal(0)
    most: ClassVar[Decimal] = Decimal(1_000_000_000)

    @classmethod
    def read(cls, given: object) -> Number:
        """The number, or ValueError with what it must be."""
        if isinstance(given, bool) or not isinstance(given, int | Decimal | str):
            raise ValueError(cls.rule())  # noqa: TRY004 - becomes the sentence of a 422
        if isinstance(given, str) and not _DECIMAL.fullmatch(given):
            raise ValueError(cls.rule())
        number = Decimal(given)
        if not number.is_finite() or not cls.least <= number <= cls.most or number != round(number, cls.places):
            raise ValueError(cls.rule())
        return cls(number)

    @classmethod
    def rule(cls) -> str:
        """What it must be, for the user."""
        return (
            f"must be a number between {cls.least:f} and {cls.most:f} "
            f"with at most {cls.places} decimals, as a JSON number or a decimal string"
        )

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        pattern = rf"^\d{{1,10}}(\.\d{{1,{cls.places}}})?$"
        return {
            "anyOf": [
                {"type": "number", "minimum": float(cls.least), "maximum": float(cls.most)},
                {"type": "string", "pattern": pattern},
            ]
        }


class Money(Number):
    """An amount or a rate, up to four decimals."""


class Hours(Number):
    """Hours as a decimal."""

    most: ClassVar[Decimal] = Decimal(1_000_000)


class Quantity(Number):
    """How many of something."""

    most: ClassVar[Decimal] = Decimal(1_000_000)


class Percent(Number):
    """A percentage: 19 is nineteen percent."""

    most: ClassVar[Decimal] = Decimal(100)


class Uuid(str):
    """The id of something, in canonical form."""

    __slots__ = ()

    @classmethod
    def read(cls, given: object) -> Uuid:
        """The id in lower case, or ValueError."""
        found = parse_id(given) if isinstance(given, str) else None
        if found is None:
            raise ValueError("must be a UUID such as 497f6eca-6276-4993-bfeb-53cbbbba6f08")
        return cls(found)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "string", "format": "uuid"}


class Duration(int):
    """A human duration such as `1h30m` or `1:30`, in seconds."""

    @classmethod
    def read(cls, given: object) -> Duration:
        """The seconds, or ValueError with the accepted forms."""
        if not isinstance(given, str):
            raise ValueError("must be a string such as 1h30m, 1:30, 90m or 1.5h")  # noqa: TRY004 - becomes a 422
        return cls(parse_duration(given))

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema; the grammar in words is in the docs."""
        return {"type": "string", "maxLength": 32, "examples": ["1h30m", "1:30", "90m", "1.5h"]}


_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


def read_ours(kind: type, given: object) -> Any:
    """The hook of msgspec for types with a `read` of their own, such as those above."""
    read: Callable[[object], Any] | None = getattr(kind, "read", None)
    if read is None:
        raise NotImplementedError(kind)
    return read(given)


def schema_of_ours(kind: type) -> dict[str, Any]:
    """The hook of msgspec for their JSON Schema."""
    schema: Callable[[], dict[str, Any]] | None = getattr(kind, "schema", None)
    if schema is None:
        raise NotImplementedError(kind)
    return schema()


def parse_json(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises Malformed with the byte at fault, or Invalid with the field."""
    try:
        parsed = _JSON.decode(body)
    except _UNREADABLE as error:
        _blame_field(body)
        raise Malformed(_what_is_wrong(error, len(body))) from error
    if not isinstance(parsed, dict):
        raise Malformed("The body must be a JSON object.")
    return parsed  # type: ignore[return-value]


class Malformed(Exception):  # noqa: N818 - a fact about a body
    """A body that cannot be read at all; the sentence says where."""


def facts_of(
    struct: type[Struct],
    given: dict[str, Any],
    *,
    required: tuple[str, ...] = (),
    read_only: frozenset[str],
    lenient: bool = False,
) -> dict[str, Any]:
    """The fields that were given, by their domain names, converted. Raises Invalid that names every wrong one.

    `required` are domain names. Names in `read_only` (wire names) are accepted and change nothing: clients send
    back what they read. An empty string is null. `lenient`: every unknown name is, and an empty string is itself.
    """
    wire_names = dict(zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True))
    wrong: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in wire_names:
            try:
                fields[name] = value if lenient else _emptied(value)
            except RecursionError:
                wrong[name] = "is nested too deeply"
            if _holds_nul(value):
                wrong[name] = "must not contain the NUL character"
        elif name not in read_only and not lenient and len(wrong) < _MOST_UNKNOWN:  # a refusal is not an echo
            wrong[name[:_LONGEST_NAME]] = _unknown(name[:_LONGEST_NAME], wire_names)
    by_domain = {domain: wire for wire, domain in wire_names.items()}
    for name in required:
        if fields.get(by_domain[name]) is None:
            wrong.setdefault(by_domain[name], "required")
            fields.pop(by_domain[name], None)
    facts: dict[str, Any] | None = None
    if not wrong:
        try:
            made = msgspec.convert(fields, struct, dec_hook=read_ours)
            facts = {
                name: _plain(value) for name in struct.__struct_fields__ if (value := getattr(made, name)) is not UNSET
            }
        except (msgspec.MsgspecError, RecursionError, OverflowError):
            facts = None
    if facts is None:
        hints = hints_of(struct)
        for name, value in fields.items():
            reason = _reason(value, hints[wire_names[name]])
            if reason is not None:
                where, why = reason
                wrong.setdefault(name + where, why)
        raise Invalid(fields=wrong or {"body": "cannot be read"})
    return facts


@lru_cache
def hints_of(struct: type[Struct]) -> dict[str, Any]:
    """The declared type of each field of a struct."""
    return get_type_hints(struct, include_extras=True)


def read_filter(listing: Listing | None, name: str, rule: Filter, text: str) -> Any:
    """The value of one filter in a query. Raises ValueError with what it must be."""
    del listing, name
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    if rule.kind == "text":
        if len(text) > 200:
            raise ValueError("at most 200 characters")
        return text
    return _READERS[rule.kind](text, rule)


def read_limit(text: str, most: int) -> int:
    """A page size. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        raise ValueError(f"must be a whole number between 1 and {most}")
    return int(text)


def _read_flag(text: str, _rule: Filter) -> bool:
    word = text.lower()
    if word in ("true", "1", "yes"):
        return True
    if word in ("false", "0", "no"):
        return False
    raise ValueError("must be true or false")


def _read_choice(text: str, rule: Filter) -> str:
    for choice in rule.choices:
        if choice.lower() == text.lower():
            return choice
    raise ValueError(f"must be one of {', '.join(rule.choices)}")


def _read_moment(text: str, _rule: Filter) -> date | datetime:
    shaped = text.replace(" ", "+") if _SPACED_ZONE.search(text) else text
    try:
        if len(text) == 10:
            return msgspec.convert(text, date)
        moment = msgspec.convert(shaped, datetime)
    except msgspec.ValidationError:
        raise ValueError("must be a date (YYYY-MM-DD) or an ISO 8601 timestamp") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a date (YYYY-MM-DD) or an ISO 8601 timestamp") from None


def _read_decimal(text: str, _rule: Filter) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("must be a decimal such as 150.00")
    return Decimal(text)


def _read_count(text: str, _rule: Filter) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ValueError("must be a whole number")
    return int(text)


def _read_id(text: str, _rule: Filter) -> str:
    return str(Uuid.read(text))


def _read_day(text: str, _rule: Filter) -> date:
    try:
        if len(text) == 10:
            return msgspec.convert(text, date)
    except msgspec.ValidationError:
        pass
    raise ValueError("must be a date (YYYY-MM-DD)")


_READERS: Mapping[str, Any] = {
    "day": _read_day,
    "id": _read_id,
    "flag": _read_flag,
    "switch": _read_flag,
    "choice": _read_choice,
    "since": _read_moment,
    "until": _read_moment,
    "least": _read_decimal,
    "most": _read_decimal,
    "least_count": _read_count,
    "most_count": _read_count,
}
_SPACED_ZONE = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)? \d{2}:?\d{2}$", re.ASCII)
_JSON = msgspec.json.Decoder(float_hook=Decimal)
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError, ArithmeticError)
"""What msgspec and Decimal raise over a body; ArithmeticError: an exponent beyond all bounds."""
_MOST_UNKNOWN = 50
_LONGEST_NAME = 100


def _blame_field(body: bytes) -> None:
    """Where only the values of some fields are at fault, name those fields."""
    try:
        raw = _RAW.decode(body)
    except _UNREADABLE:
        return
    wrong: dict[str, str] = {}
    for name, value in raw.items():
        try:
            _JSON.decode(bytes(value))
        except RecursionError:
            wrong[name] = "is nested too deeply"
        except _UNREADABLE as error:
            out_of_range = "out of range" in str(error) or isinstance(error, ArithmeticError)
            wrong[name] = "is out of range" if out_of_range else "is not valid Unicode text"
    if wrong:
        raise Invalid(fields=wrong)


def _what_is_wrong(error: Exception, length: int) -> str:
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"The body is not valid UTF-8 (byte {error.start})."
    if isinstance(error, ArithmeticError) or "out of range" in str(error):
        return "The body must be a JSON object."
    found = re.search(r"\(byte \d+\)", str(error))
    if found:
        return f"The body is not valid JSON {found[0]}."
    return f"The body is not valid JSON: it ends too early (byte {length})."


def _emptied(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, dict):
        return {key: _emptied(part) for key, part in value.items()}  # type: ignore[misc]
    return value


def _plain(value: Any) -> Any:
    """A converted value as the domain knows it: the types of this module mean something only while a body is read."""
    if isinstance(value, Number):
        return Decimal(f"{value:f}") if value else Decimal(0)
    if isinstance(value, Uuid):
        return str(value)
    if isinstance(value, Duration):
        return int(value)
    if isinstance(value, list):
        return [_plain(part) for part in value]  # type: ignore[misc]
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            setattr(value, name, _plain(getattr(value, name)))
    return value


def _holds_nul(value: Any) -> bool:
    # Not recursive: what msgspec reads may be nested deeper than Python calls reach.
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, str):
            if "\x00" in part:
                return True
        elif isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            parts += part.keys()
            parts += part.values()
    return False


def _unknown(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown field; did you mean {near[0]}?" if near else "unknown field"


def _reason(value: Any, hint: Any) -> tuple[str, str] | None:
    """Where inside a value it is not of a field's type (`[0].rate`), and why in words; None when it is."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not UnsetType]
    if value is None and type(None) not in kinds and hint is not Any:
        return "", "must not be empty"
    allowed = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())
    if allowed and value not in allowed:
        return "", f"must be one of {', '.join(map(str, allowed))}"
    try:
        msgspec.convert(value, hint, dec_hook=read_ours)
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        return _in_words(str(error))
    return None


def _in_words(message: str) -> tuple[str, str]:
    """Msgspec's message for a user: where inside the field, and what it must be."""
    text, _, where = message.partition(" - at `$")
    where = where.rstrip("`")
    expected = re.match(r"Expected `([^`]+)`, got `([^`]+)`", text)
    if expected:
        text = f"must be {_kind_in_words(expected[1])}"
    elif text.startswith("Invalid enum value"):
        text = "is not one of the allowed values" + text.removeprefix("Invalid enum value")
    elif text.startswith(("Expected `str` of length", "Expected `array` of length", "Expected `int`")):
        text = "must be " + text.removeprefix("Expected ").replace("`", "")
    elif text.startswith("Object contains unknown field"):
        text = "has an" + text.removeprefix("Object contains an").removeprefix("Object contains")
    elif text.startswith("Expected `str` matching regex"):
        text = "does not have the right form"
    elif text.startswith("Invalid RFC3339"):
        text = f"must be {_kind_in_words(text.rpartition(' ')[2])}"
    text = text.replace("`", "")
    return ("" if where == "[...]" else where), text


def _kind_in_words(kinds: str) -> str:
    words = {
        "str": "a string",
        "int": "a whole number",
        "bool": "true or false",
        "date": "a date (YYYY-MM-DD)",
        "datetime": "an ISO 8601 timestamp such as 2026-06-15T07:00:00Z",
        "array": "a list",
        "object": "an object",
        "null": "null",
    }
    return " or ".join(words.get(kind.strip(), kind.strip()) for kind in kinds.split("|"))
