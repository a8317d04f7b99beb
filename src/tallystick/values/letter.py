"""A letter, who sends it, and what becomes of it: plain facts between those who write and the one who delivers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, Protocol, get_args

import msgspec

Tls = Literal["implicit", "starttls", "none"]
TLS: Final[tuple[Tls, ...]] = get_args(Tls)

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    re.ASCII,
)


def is_address(text: str) -> bool:
    """Whether that is a plain e-mail address, as SMTP takes it without extensions."""
    local = text.partition("@")[0]
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    return len(text) <= 254 and not dotted and _ADDRESS.fullmatch(text) is not None


class Attachment(NamedTuple):
    """A file that goes with a letter."""

    name: str
    media: str
    content: bytes


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What is delivered. The same letter always has the same `message_id`, however often it is tried."""

    message_id: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    subject: str
    text: str
    link: str | None = None
    """An address in the text that people are to follow: a button where the mail is shown in colours."""
    link_label: str = ""
    language: str = "en"
    attachments: Sequence[Attachment] = ()
    automatic: bool = False
    """Whether no person wrote it: nobody's absence note should answer."""


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Through which server a letter goes, and in whose name."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = None
    from_address: str
    from_name: str | None = None
    reply_to: str | None = None
    guarded: bool = False
    """Whether a workspace named the host, and not the operator: then it may not be on a private network."""

    def __repr__(self) -> str:
        return f"Sender({self.host}:{self.port})"  # a password has no place in a log


class NotNow(Exception):  # noqa: N818 - a fact about a letter
    """It was not handed over, and is worth trying again later; the text says what happened."""


class Refused(Exception):  # noqa: N818 - a fact about a letter
    """It was not handed over, and never will be as it is; the text says why."""


class Post(Protocol):
    """Hands letters over; `outgoing` implements it, and `main` lends it."""

    def deliver(self, letter: Letter, sender: Sender, handing_over: Callable[[], None]) -> tuple[str, ...]:
        """Hand a letter over; answers what was refused of its addresses, with the reasons.

        `handing_over` is called at the last moment at which nothing has been handed over yet; when it raises, nothing
        is. Raises NotNow or Refused when nobody got the letter. Any other error: who knows.
        """
        ...
