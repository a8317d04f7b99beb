"""A letter as a row: written with what caused it, sent by a worker, kept with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Json, Tenant, one_of, within_workspace
from tallystick.domain import jobs
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.domain.mails.settings import sender_of
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.ids import new_id
from tallystick.values.letter import is_address
from tallystick.values.seal import lock_up, open_up

Kind = Literal["invoice", "reminder", "payment", "test", "invitation", "password", "portal", "notice"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
State = Literal["queued", "sending", "sent", "failed"]
STATES: Final[tuple[State, ...]] = get_args(State)
OWN: Final[frozenset[Kind]] = frozenset({"invoice", "reminder", "payment", "test", "portal"})
"""What goes through the workspace's own server; the rest is between a person and this server."""
SECRET: Final[frozenset[Kind]] = frozenset({"invitation", "password", "portal"})
"""What holds a link that lets somebody in: forgotten once it is sent."""
MOST_ADDRESSES: Final = 20
CONTENT: Final = "mail-content/v1"


class Mail(Tenant):
    """One letter. Its words are locked up: they may hold links that open something."""

    __tablename__ = "mails"
    noun: ClassVar[str] = "mail"

    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    recipients: Mapped[list[str]]
    cc: Mapped[list[str]] = mapped_column(default=[])
    subject: Mapped[str]
    content: Mapped[Blob | None]
    """`Words` as JSON, locked up with the server's key; null once a secret one is sent."""
    attachments: Mapped[Json | None]
    """What of the invoice goes along: `["pdf", "xml"]`."""
    invoice_id: Mapped[Id | None]
    message_id: Mapped[str]
    """The same for every attempt: a mailbox that gets it twice can tell."""
    attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    """When this attempt began to hand it over: after it nobody knows, until the answer is written down."""
    next_attempt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    """What the last attempt heard; of a sent one, which addresses were refused."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("kind", KINDS),
            one_of("state", STATES),
            CheckConstraint("cardinality(recipients) >= 1", name="to_somebody"),
            CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
            CheckConstraint("attempts >= 0", name="attempts"),
            Index("ix_mails_created", "workspace_id", "created_at", "id"),
            Index("ix_mails_invoice", "workspace_id", "invoice_id"),
            Index("ix_mails_unsettled", "created_at", postgresql_where="state IN ('queued', 'sending')"),
        )


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter says."""

    text: str
    link: str | None = None
    link_label: str = ""
    language: str = "en"
    automatic: bool = False


MAILS = Listing(
    Mail,
    sorts=("created_at", "id", "sent_at"),
    search=("subject",),
    exact=("invoice_id", "kind", "state"),
    choices={"kind": KINDS, "state": STATES},
    instants=("created_at", "sent_at"),
)


def enqueue(
    ctx: Context,
    kind: Kind,
    *,
    to: Sequence[str],
    subject: str,
    words: Words,
    cc: Sequence[str] = (),
    attachments: Sequence[str] = (),
    invoice_id: str | None = None,
) -> Mail:
    """Write a letter, in the transaction of what it tells of; a worker sends it after the commit.

    Who may is decided by the caller. Refused where nobody is set up to send it.
    """
    require_sender(ctx, kind)
    mail_id = new_id()
    plain = msgspec.json.encode(words)
    mail = ctx.add(
        Mail(
            id=mail_id,
            kind=kind,
            recipients=checked(to, "to"),
            cc=checked(cc, "cc", least=0),
            subject=subject,
            content=lock_up(ctx.server.key, CONTENT, plain, mail_id),
            attachments=msgspec.json.encode(list(attachments)).decode() if attachments else None,
            invoice_id=invoice_id,
            message_id=f"<{mail_id}@{urlsplit(ctx.server.public_url).hostname or 'localhost'}>",
        )
    )
    _post(ctx, mail)
    ctx.record_facts("queued", mail, kind=kind, to=mail.recipients, invoice_id=invoice_id)
    return mail


def require_sender(ctx: Context, kind: Kind) -> None:
    """Refuse what nobody could send: before anything is issued for its sake."""
    if sender_of(ctx, own=kind in OWN) is None:
        raise Conflict(
            "Mail is not set up: give the workspace a mail server (PUT /mail-settings), or have whoever runs "
            "Tallystick set TALLYSTICK_SMTP_URL.",
            reason="mail_not_set_up",
        )


def checked(addresses: Sequence[str], field: str, *, least: int = 1) -> list[str]:
    """Addresses without blanks around them, each once. Raises Invalid that names the field."""
    found = list(dict.fromkeys(address.strip() for address in addresses))
    if not least <= len(found) <= MOST_ADDRESSES:
        raise Invalid(fields={field: f"{least} to {MOST_ADDRESSES} e-mail addresses"})
    wrong = next((address for address in found if not is_address(address)), None)
    if wrong is not None:
        raise Invalid(fields={field: f"{wrong!r} is no e-mail address"})
    return found


def words_of(ctx: Context, mail: Mail) -> Words | None:
    """What a letter says; None when it is forgotten, or was locked up with another key."""
    if mail.content is None:
        return None
    plain = open_up(ctx.server.key, CONTENT, mail.content, mail.id)
    return None if plain is None else msgspec.json.decode(plain, type=Words)


def read(ctx: Context, mail_id: str) -> Mail:
    """One letter, and what became of it."""
    ctx.require(Permission.READ_MAILS)
    return ctx.find(Mail, mail_id)


def test(ctx: Context, address: str) -> Mail:
    """A letter to the person who asks, through whom the workspace's mail goes: tried once, so that they soon know."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    name = ctx.actor.workspace_name or "Tallystick"
    words = Words(
        text=f"This is a test.\n\nWho reads it knows that mail of {name} arrives, and from whom it comes.",
        automatic=True,
    )
    return enqueue(ctx, "test", to=[address], subject=f"Test: mail of {name}", words=words)


def retry(ctx: Context, mail_id: str) -> Mail:
    """Send a letter that failed once more, from the beginning of its patience."""
    mail = requeue(ctx, mail_id)
    _post(ctx, mail)
    return mail


def requeue(ctx: Context, mail_id: str) -> Mail:
    """`retry` for whoever has a job for it already."""
    ctx.require(Permission.CHANGE_INVOICES)
    mail = ctx.find(Mail, mail_id, lock="update")
    if mail.state != "failed":
        raise Conflict(f"This mail is {mail.state}. Only one that failed is tried again.", reason="mail_state")
    if mail.content is None:
        raise Conflict("What this mail said is forgotten.", reason="mail_state")
    ctx.change(mail, state="queued", attempts=0, handed_over_at=None, next_attempt_at=None)
    ctx.record_facts("retried", mail, kind=mail.kind)
    return mail


def _post(ctx: Context, mail: Mail) -> None:
    jobs.defer(ctx, "send_mail", lock=f"mail:{mail.id}", mail_id=mail.id)
