"""How a letter gets from its row to a mail server: once, as far as anybody can promise that.

A letter is claimed in one transaction, handed over without one, and settled in another. Between the last byte and our
note of the answer lies a moment in which a crash leaves open whether it arrived. The row says when that moment began
(`handed_over_at`): a letter found there is not sent again by itself, but marked as failed, with a sentence for a
person, who may (docs/mail.md, "Never twice").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from tallystick.domain.context import Context
from tallystick.domain.mails.mail import OWN, SECRET, Mail, words_of
from tallystick.domain.mails.settings import sender_of
from tallystick.values.errors import NotFound
from tallystick.values.letter import Attachment, Letter, NotNow, Post, Refused, Sender

Opened = Callable[[], AbstractContextManager[Context]]
"""Opens a transaction in the letter's workspace."""
Attach = Callable[[Context, str, Sequence[str]], Sequence[Attachment]]
"""The files of an invoice by their names (`pdf`, `xml`)."""

WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""After each attempt in vain; with the last one a letter has failed."""
LEASE: Final = timedelta(minutes=5)
"""How long an attempt may take; longer than `outgoing.smtp` lets it."""
INTERRUPTED: Final = (
    "The server was stopped while it handed this mail over; it may have arrived. "
    "Ask the recipient, or send it again: its Message-ID stays the same."
)


class TryLater(Exception):  # noqa: N818 - what a worker does next
    """Not sent yet; to be tried again at `at`."""

    def __init__(self, why: str, at: datetime) -> None:
        super().__init__(why)
        self.at = at


class Failed(Exception):  # noqa: N818 - what a worker reports
    """It will not be sent by itself any more."""


class _Overtaken(Exception):  # noqa: N818 - what an attempt finds
    """Somebody else has this letter now."""


class _Claim(NamedTuple):
    letter: Letter
    sender: Sender
    attempt: int
    post: Post


def deliver(opened: Opened, mail_id: str, attach: Attach) -> bool:
    """Send a letter that waits; answers whether. Nothing happens to one that is sent, or no longer there.

    Raises TryLater, or Failed when nothing more is tried; the row says the same.
    """
    with opened() as ctx:
        found = _claim(ctx, mail_id, attach)
    if found is None:
        return False
    if not isinstance(found, _Claim):
        raise found

    def handing_over() -> None:
        with opened() as ctx:
            mail = ctx.find(Mail, mail_id, lock="update")
            if (mail.state, mail.attempts) != ("sending", found.attempt):
                raise _Overtaken
            ctx.change(mail, handed_over_at=ctx.now)

    try:
        refused = found.post.deliver(found.letter, found.sender, handing_over)
    except NotNow as why:
        outcome = _put_off(opened, mail_id, found.attempt, str(why))
        raise outcome from why
    except Refused as why:
        raise _failed(opened, mail_id, found.attempt, str(why)) from why
    except _Overtaken:
        return False
    except Exception as error:
        raise _unsure(opened, mail_id, found.attempt, error) from error
    _sent(opened, mail_id, found.attempt, refused)
    return True


def _claim(ctx: Context, mail_id: str, attach: Attach) -> _Claim | TryLater | Failed | None:
    """Take a letter that waits; a refusal is answered and not raised, so that what it writes is kept."""
    try:
        mail = ctx.find(Mail, mail_id, lock="update")
    except NotFound:
        return None
    if mail.state == "sending":
        begun = mail.attempted_at or ctx.now
        if begun + LEASE > ctx.now:
            return TryLater("Somebody else is at it.", begun + LEASE)
        if mail.handed_over_at is not None:
            return _give_up(ctx, mail, INTERRUPTED)
    elif mail.state == "failed":
        return Failed(mail.last_error or "It has failed.")
    elif mail.state != "queued":
        return None
    words = words_of(ctx, mail)
    if words is None:
        return _give_up(ctx, mail, "What it says cannot be read: it was written under another secret key.")
    sender = sender_of(ctx, own=mail.kind in OWN)
    post = ctx.server.post
    if sender is None or post is None:
        return _give_up(ctx, mail, "Mail is not set up.")
    files: Sequence[Attachment] = ()
    if mail.attachments is not None and mail.invoice_id is not None:
        files = attach(ctx, mail.invoice_id, msgspec.json.decode(mail.attachments, type=list[str]))
    attempt = mail.attempts + 1
    ctx.change(mail, state="sending", attempts=attempt, attempted_at=ctx.now, handed_over_at=None, next_attempt_at=None)
    letter = Letter(
        message_id=mail.message_id,
        to=mail.recipients,
        cc=mail.cc,
        subject=mail.subject,
        text=words.text,
        link=words.link,
        link_label=words.link_label,
        language=words.language,
        attachments=files,
        automatic=words.automatic,
    )
    return _Claim(letter, sender, attempt, post)


def _sent(opened: Opened, mail_id: str, attempt: int, refused: Sequence[str]) -> None:
    with opened() as ctx:
        mail = ctx.find(Mail, mail_id, lock="update")
        if mail.attempts != attempt or mail.state == "sent":
            return
        forgotten = {"content": None} if mail.kind in SECRET else {}
        told = f"Refused: {'; '.join(refused)}" if refused else None
        ctx.change(mail, state="sent", sent_at=ctx.now, last_error=told, next_attempt_at=None, **forgotten)
        ctx.record_facts(
            "sent", mail, kind=mail.kind, to=mail.recipients, invoice_id=mail.invoice_id, refused=list(refused)
        )


def _put_off(opened: Opened, mail_id: str, attempt: int, why: str) -> TryLater | Failed:
    with opened() as ctx:
        mail = ctx.find(Mail, mail_id, lock="update")
        if mail.attempts != attempt:
            return Failed(why)
        if attempt > len(WAITS) or mail.kind == "test":
            return _give_up(ctx, mail, why)
        at = ctx.now + WAITS[attempt - 1]
        ctx.change(mail, state="queued", handed_over_at=None, next_attempt_at=at, last_error=why)
        return TryLater(why, at)


def _failed(opened: Opened, mail_id: str, attempt: int, why: str) -> Failed:
    with opened() as ctx:
        mail = ctx.find(Mail, mail_id, lock="update")
        return _give_up(ctx, mail, why) if mail.attempts == attempt else Failed(why)


def _unsure(opened: Opened, mail_id: str, attempt: int, error: Exception) -> TryLater | Failed:
    """Something broke: before the handing over it is tried again, after it nobody knows."""
    with opened() as ctx:
        mail = ctx.find(Mail, mail_id, lock="update")
        handed_over = mail.handed_over_at is not None
    why = f"{type(error).__name__}: {error}"
    if not handed_over:
        return _put_off(opened, mail_id, attempt, why)
    return _failed(
        opened, mail_id, attempt, f"The connection ended before the answer came ({why}); it may have arrived."
    )


def _give_up(ctx: Context, mail: Mail, why: str) -> Failed:
    ctx.change(mail, state="failed", last_error=why, next_attempt_at=None)
    ctx.record_facts("failed", mail, kind=mail.kind, to=mail.recipients, invoice_id=mail.invoice_id, why=why)
    return Failed(why)
