"""What a page was asked with: the fields of an address or a form, turned into facts, each wrong one named."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import falcon

from tallystick.values.errors import Invalid
from tallystick.values.ids import parse_id
from tallystick.web.app.formats import Formats, parse_hours
from tallystick.web.auth.bodies import FORM, LONGEST, SECONDS, BadBody, read_body

MOST_FIELDS: Final = 1000
MOST_FILED: Final = 20
"""So many parts a form with files has at most."""
LARGE: Final = 4 * 1024 * 1024
SLOWLY: Final = 30.0
"""Seconds that larger files may take: a phone sends them, too."""
MULTIPART: Final = "multipart/form-data"
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2999, 12, 31)
LARGEST: Final = Decimal("99999999999.9999")
Read = TypeVar("Read")


class Fields:
    """Named texts, read one by one. What is wrong is kept until `check`; `kept` shows the form again as it was."""

    def __init__(self, given: dict[str, list[str]], formats: Formats) -> None:
        self.given = given
        self.formats = formats
        self.wrong: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.given)

    def check(self) -> None:
        """Refuse the form if any field was wrong."""
        if self.wrong:
            raise Invalid(fields=self.wrong)

    def kept(self, name: str, default: Any = "") -> Any:
        """What stood in a field, for showing it again."""
        values = self.given.get(name)
        return values[0] if values else default

    def has(self, name: str) -> bool:
        return name in self.given

    def text(self, name: str, *, longest: int = 10_000) -> str | None:
        """A text without space around it; None where it is empty."""
        values = self.given.get(name, [])
        if len(values) > 1:
            self.wrong[name] = "came twice"
            return None
        text = values[0].replace("\r\n", "\n").strip() if values else ""
        if "\0" in text:
            self.wrong[name] = "must not contain a NUL character"
            return None
        if len(text) > longest:
            self.wrong[name] = f"at most {longest} characters"
            return None
        return text or None

    def need(self, name: str, *, longest: int = 300) -> str:
        """A text that must be there."""
        text = self.text(name, longest=longest)
        if text is None:
            self.wrong.setdefault(name, "required")
        return text or ""

    def day(self, name: str) -> date | None:
        """A day, `YYYY-MM-DD` as a browser's field sends it."""
        found = self._read(name, date.fromisoformat, "must be a date")
        if found is not None and not EARLIEST <= found <= LATEST:
            self.wrong[name] = "must be a date between 1900 and 2999"
            return None
        return found

    def need_day(self, name: str) -> date:
        """A day that must be there."""
        day = self.day(name)
        if day is None:
            self.wrong.setdefault(name, "required")
        return day or date.min

    def instant(self, name: str) -> datetime | None:
        """An instant with its offset, as a script writes it."""
        found = self._read(name, datetime.fromisoformat, "must be an instant")
        if found is None:
            return None
        if found.tzinfo is None or not EARLIEST <= found.date() <= LATEST:
            self.wrong[name] = "must be an instant"
            return None
        return found.astimezone(UTC)

    def number(self, name: str) -> Decimal | None:
        """A number of at most four decimals, as the reader writes numbers."""
        value = self._read(name, self.formats.parse_number, "must be a number")
        if value is None:
            return None
        if not value.is_finite() or abs(value) > LARGEST:
            self.wrong[name] = "is too large"
            return None
        if value != round(value, 4):
            self.wrong[name] = "at most 4 decimals"
            return None
        return value

    def need_number(self, name: str) -> Decimal:
        """A number that must be there."""
        value = self.number(name)
        if value is None:
            self.wrong.setdefault(name, "required")
        return Decimal(0) if value is None else value

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        value = self._read(name, int, "must be a whole number")
        if value is not None and not least <= value <= most:
            self.wrong[name] = f"must be between {least} and {most}"
            return None
        return value

    def duration(self, name: str) -> int | None:
        """Seconds; a bare number is hours."""
        return self._read(name, parse_hours, "write 1:30, 1h30, 90m or 1.5")

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of some words."""
        text = self.text(name)
        if text is not None and text not in choices:
            self.wrong[name] = "choose one of the list"
            return None
        return text

    def flag(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self.kept(name) in ("yes", "on", "true", "1")

    def yes_no(self, name: str) -> bool | None:
        """`yes`, `no`, or nothing of both."""
        return {"yes": True, "no": False}.get(self.kept(name))

    def id(self, name: str) -> str | None:
        """An id."""
        text = self.text(name)
        if text is None:
            return None
        found = parse_id(text)
        if found is None:
            self.wrong[name] = "choose one of the list"
        return found

    def ids(self, name: str) -> list[str]:
        """The ids of ticked rows; what is none is left out."""
        return [found for text in self.given.get(name, []) if (found := parse_id(text))]

    def place(self, name: str) -> tuple[str | None, str | None]:
        """A project and its task (`domain.desk.shell.Place.key`)."""
        project, _, task = (self.text(name) or "").partition(":")
        found = parse_id(project) if project else None
        if project and (found is None or (task and parse_id(task) is None)):
            self.wrong[name] = "choose one of the list"
        return found, parse_id(task) if task else None

    def tags(self, name: str) -> list[str]:
        """Words between commas."""
        text = self.text(name) or ""
        return [one for part in text.split(",") if (one := part.strip()[:60])]

    def _read(self, name: str, read: Callable[[str], Read], wrong: str) -> Read | None:
        text = self.text(name, longest=100)
        if text is None:
            return None
        try:
            return read(text)
        except (ValueError, ArithmeticError):
            self.wrong[name] = wrong
            return None


def read_query(request: falcon.Request) -> dict[str, list[str]]:
    """The fields of an address."""
    return _fields(request.query_string)


def read_fields(request: falcon.Request) -> dict[str, list[str]]:
    """The fields of a form."""
    _, raw = read_body(request, (FORM,))
    try:
        return _fields(raw.decode("ascii"))
    except ValueError:
        raise BadBody(400, "The form cannot be read.") from None


class Upload(NamedTuple):
    """A file that came with a form."""

    field: str
    name: str
    media: str
    """What the browser takes it for."""
    content: bytes


def read_upload(request: falcon.Request, most: int) -> tuple[dict[str, list[str]], list[Upload]]:
    """The fields of a form with files in it, and the files that were chosen, in their order."""
    seconds = SLOWLY if most > LARGE else SECONDS
    media, raw = read_body(request, (MULTIPART, FORM), most=most + LONGEST, seconds=seconds)
    if media == FORM:
        return _fields(raw.decode("ascii", "replace")), []
    head = f"Content-Type: {request.content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + raw)
    fields: dict[str, list[str]] = {}
    files: list[Upload] = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes) or len(fields) + len(files) >= MOST_FILED:
            raise BadBody(400, "The form cannot be read.")
        if part.get_filename() is None:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
        elif content:
            files.append(Upload(name, part.get_filename() or "", part.get_content_type(), content))
    return fields, files


def _fields(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadBody(400, "The form cannot be read.") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
