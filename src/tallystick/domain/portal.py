"""The client portal: who at a client is let in, by which link, for how long, and what there is to see.

A link and a session are of one workspace, and a session of one client of it: whoever is known in several has several.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, cast_rows
from tallystick.domain.credit_notes import papers
from tallystick.domain.credit_notes.credit_note import CreditNote
from tallystick.domain.invoices import links
from tallystick.domain.invoices.appendix import Named
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import templates
from tallystick.domain.mails.mail import Mail, Words
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.reports.burn import burn
from tallystick.domain.sending import today_of
from tallystick.domain.workspaces import current
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.ids import new_id
from tallystick.values.letter import is_address
from tallystick.values.seal import derive

LINK_LIFETIME: Final = timedelta(minutes=30)
LIFETIME: Final = timedelta(days=7)
SEEN_EVERY: Final = timedelta(minutes=5)
MOST: Final = 500
"""Invoices, credit notes and entries that a page shows."""
LONGEST_PERIOD: Final = timedelta(days=366)
_SECRET: Final = re.compile(r"hs[pq]_[A-Za-z0-9_-]{43}", re.ASCII)

Purpose = Literal["link", "session"]
Kind = TypeVar("Kind", Invoice, CreditNote)


class PortalLink(Tenant):
    """A link that lets somebody in, once."""

    __tablename__ = "portal_links"
    noun: ClassVar[str] = "portal link"

    client_id: Mapped[Id | None]
    """None: to every client of the workspace that knows the address."""
    email: Mapped[str]
    digest: Mapped[Blob]
    """A keyed digest of its secret."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            CheckConstraint("email = lower(email)", name="email_is_lower"),
            Index("uq_portal_links_digest", "digest", unique=True),
            Index("ix_portal_links_email", "workspace_id", "email"),
        )


class PortalSession(Tenant):
    """Somebody at a client who looks, from one browser. Rows of one browser share a digest."""

    __tablename__ = "portal_sessions"
    noun: ClassVar[str] = "portal session"

    client_id: Mapped[Id]
    email: Mapped[str]
    digest: Mapped[Blob]
    """A keyed digest of the cookie's secret."""
    user_agent: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            CheckConstraint("email = lower(email)", name="email_is_lower"),
            Index("uq_portal_sessions_live", "digest", "client_id", unique=True, postgresql_where="ended_at IS NULL"),
            Index("ix_portal_sessions_client", "workspace_id", "client_id"),
        )


class InvoiceShown(NamedTuple):
    """An issued invoice as its client sees it."""

    id: str
    number: str
    currency: str
    issue_date: date
    due_date: date | None
    total: Decimal
    owed: Decimal
    """What is written off is owed all the same."""
    state: Literal["open", "overdue", "settled"]


class Owed(NamedTuple):
    """What is to be paid in one currency."""

    currency: str
    open: Decimal
    overdue: Decimal


class CreditShown(NamedTuple):
    """A credit note."""

    id: str
    number: str
    issue_date: date
    total: Decimal
    currency: str
    invoice: str


class Worked(NamedTuple):
    """What was worked on something."""

    name: str | None
    """None: on no task."""
    seconds: int


class Noted(NamedTuple):
    """An entry with what was written about it."""

    day: date
    task: str | None
    note: str | None
    seconds: int


class ProjectHours(NamedTuple):
    """The work on a project in a period."""

    name: str
    seconds: int
    tasks: tuple[Worked, ...]
    entries: tuple[Noted, ...]
    """Empty unless the client is shown notes."""


class Budget(NamedTuple):
    """How a project's budget stands: in seconds or in money."""

    name: str
    percent: int
    """Of it used up."""
    seconds: int | None
    left_seconds: int | None
    amount: Decimal | None
    left_amount: Decimal | None
    currency: str


class Portal(NamedTuple):
    """All that one client sees; what they are not shown is None."""

    client: str
    language: str
    invoices: Sequence[InvoiceShown] | None
    owed: Sequence[Owed]
    credit_notes: Sequence[CreditShown]
    hours: Sequence[ProjectHours] | None
    days: tuple[date, date]
    budgets: Sequence[Budget] | None


# --- letting in


def send_link(ctx: Context, client_id: str, email: str | None = None) -> Mail:
    """Mail somebody at a client a link to the portal; no address named: whom one writes to first."""
    ctx.require(Permission.CHANGE_CLIENTS)
    client = ctx.find(Client, client_id)
    if not client.portal_shows:
        raise Conflict(f"The portal is closed to {client.name}. Choose first what it shows.", reason="portal_closed")
    known = addresses_of(ctx, client.id)
    if email is None and not known:
        raise Invalid(fields={"email": f"required: no e-mail address of {client.name} is known"})
    chosen = known[0] if email is None else email.strip().lower()
    if chosen not in known:
        raise Invalid(fields={"email": f"not an address of {client.name} or its contacts"})
    mails.require_sender(ctx, "portal")
    if ctx.row(_JUST_ASKED, email=chosen, since=ctx.tick() - timedelta(seconds=60)) is not None:
        raise Conflict(
            "A link was mailed a moment ago. Wait a minute before you send another.", reason="mail_just_sent"
        )
    return _write(ctx, chosen, client.id, client.language)


def offer(ctx: Context, email: str) -> Mail | None:
    """Mail a link to whoever asked for one with an address; None where no client here has it, or nobody can mail."""
    found = _places(ctx, email, None)
    if not found or sender_of(ctx, own=True) is None:
        return None
    return _write(ctx, email, None, ctx.find(Client, found[0]).language)


def begin(
    ctx: Context, *, client_id: str | None, email: str, digest: bytes, address: str, user_agent: str
) -> list[PortalSession]:
    """Let somebody in who came by a link that held: a session for each client that knows their address."""
    made: list[PortalSession] = []
    for found in _places(ctx, email, client_id):
        ctx.write(_END_DOUBLE, digest=digest, client_id=found, now=ctx.now)
        session = ctx.add(
            PortalSession(
                client_id=found, email=email, digest=digest, user_agent=user_agent, address=address,
                last_seen_at=ctx.now, expires_at=ctx.now + LIFETIME,
            )
        )  # fmt: skip
        ctx.record_facts("begun", session, client_id=found, email=email)
        made.append(session)
    return made


def note_seen(ctx: Context, session_id: str, last_seen_at: datetime) -> None:
    """Keep when somebody last looked, to a few minutes."""
    if last_seen_at + SEEN_EVERY <= ctx.now:
        ctx.write(_SEEN, session_id=session_id, now=ctx.now)


def sessions_of(ctx: Context, client_id: str) -> list[PortalSession]:
    """Who at a client can look now, the last seen first."""
    ctx.require(Permission.READ_CLIENTS)
    client = ctx.find(Client, client_id)
    return cast_rows(ctx.rows(_LIVE, client_id=client.id, now=ctx.now), PortalSession)


def end_sessions(ctx: Context, client_id: str) -> int:
    """Nobody at a client looks any more until they have a new link. Answers how many could."""
    ctx.require(Permission.CHANGE_CLIENTS)
    client = ctx.find(Client, client_id, lock="update")
    ended = ctx.rows(_END_ALL, client_id=client.id, now=ctx.now)
    ctx.write(_END_LINKS, client_id=client.id, emails=addresses_of(ctx, client.id), now=ctx.now)
    for session in cast_rows(ended, PortalSession):
        ctx.record_facts("ended", session, client_id=client.id, email=session.email)
    return len(ended)


def addresses_of(ctx: Context, client_id: str) -> list[str]:
    """The addresses by which somebody at a client is known, the first to write to first. No permission asked."""
    return [address for (address,) in ctx.rows(_ADDRESSES, client_id=client_id) if is_address(address)]


def mint(purpose: Purpose) -> str:
    """A new secret of 256 random bits."""
    return f"{'hsp_' if purpose == 'link' else 'hsq_'}{secrets.token_urlsafe(32)}"


def digest_of(key: bytes, purpose: Purpose, secret: str) -> bytes | None:
    """What is stored of a secret; None for what cannot be one."""
    if _SECRET.fullmatch(secret) is None:
        return None
    return hmac.digest(derive(key, f"portal-{purpose}/v1"), secret.encode(), hashlib.sha256)


# --- what there is to see; the context is the portal's own (`auth.portal`), and the client the session's


def of_client(ctx: Context, client_id: str, date_from: date | None = None, date_to: date | None = None) -> Portal:
    """What the client is shown; of hours, those of the days from and to, this month's unless told."""
    client = ctx.find(Client, client_id)
    today = today_of(ctx)
    days = _period(today, date_from, date_to)
    shows = client.portal_shows
    found = _invoices(ctx, client.id, today) if "invoices" in shows else None
    return Portal(
        client=client.name,
        language=language_of(ctx, client),
        invoices=found,
        owed=_owed(ctx, client.id, today) if "invoices" in shows else (),
        credit_notes=_credit_notes(ctx, client.id) if "invoices" in shows else (),
        hours=_hours(ctx, client.id, days, notes="notes" in shows) if "hours" in shows else None,
        days=days,
        budgets=_budgets(ctx, client) if "budget" in shows else None,
    )


def way_to_invoice(ctx: Context, client_id: str, invoice_id: str) -> str:
    """The public address of one of the client's issued invoices."""
    invoice = _shown(ctx, Invoice, client_id, invoice_id)
    url = links.url_of(ctx, links.ensured(ctx, invoice)) if invoice.status in ("SENT", "PAID") else None
    if url is None:
        raise NotFound("There is no such invoice.")
    return url


def credit_note_pdf(ctx: Context, client_id: str, credit_note_id: str) -> Named:
    """One of the client's credit notes on paper."""
    return papers.pdf(ctx, _shown(ctx, CreditNote, client_id, credit_note_id).id)


def language_of(ctx: Context, client: Client) -> str:
    """In which the portal speaks: as the client's papers do."""
    return client.language or current(ctx).language


def _shown(ctx: Context, kind: type[Kind], client_id: str, identity: str) -> Kind:
    found = ctx.find(kind, identity)
    if found.client_id != client_id or "invoices" not in ctx.find(Client, client_id).portal_shows:
        raise NotFound(f"There is no such {kind.noun}.")
    return found


def _write(ctx: Context, email: str, client_id: str | None, language: str | None) -> Mail:
    secret = mint("link")
    link = ctx.add(
        PortalLink(
            id=new_id(),
            client_id=client_id,
            email=email,
            digest=digest_of(ctx.server.key, "link", secret) or b"",
            expires_at=ctx.now + LINK_LIFETIME,
        )
    )
    studio = current(ctx)
    words = templates.words_for(ctx, "portal", language or studio.language)
    url = f"{ctx.server.public_url}/portal/in/{secret}"
    name = "" if client_id is None else ctx.find(Client, client_id).name
    facts = {"studio": studio.name, "client": name, "link": url}
    mail = mails.enqueue(
        ctx,
        "portal",
        to=[email],
        subject=templates.filled(words.subject, facts),
        words=Words(
            text=templates.filled(words.body, facts),
            link=url,
            link_label=templates.portal_button_in(words.language),
            language=words.language,
            automatic=True,
        ),
    )
    ctx.record_facts("sent", link, client_id=client_id, email=email)
    return mail


def _places(ctx: Context, email: str, client_id: str | None) -> list[str]:
    return [found for (found,) in ctx.rows(_PLACES, email=email, client_id=client_id)]


def _period(today: date, date_from: date | None, date_to: date | None) -> tuple[date, date]:
    first = date_from or (date_to or today).replace(day=1)
    last = date_to or max(today, first)
    if last < first:
        raise Invalid(fields={"to": "not before from"})
    if last - first > LONGEST_PERIOD:
        raise Invalid(fields={"to": "at most a year after from"})
    return first, last


def _invoices(ctx: Context, client_id: str, today: date) -> list[InvoiceShown]:
    found: list[InvoiceShown] = []
    owed: Decimal
    for identity, number, currency, issued, due, total, owed in ctx.rows(_INVOICES, client_id=client_id, most=MOST):
        late = due is not None and due < today
        state: Literal["open", "overdue", "settled"] = "settled" if owed == 0 else "overdue" if late else "open"
        found.append(InvoiceShown(identity, number, currency, issued, due, total, owed, state))
    return found


def _owed(ctx: Context, client_id: str, today: date) -> list[Owed]:
    return [Owed(*row) for row in ctx.rows(_OWED, client_id=client_id, day=today)]


def _credit_notes(ctx: Context, client_id: str) -> list[CreditShown]:
    return [CreditShown(*row) for row in ctx.rows(_CREDIT_NOTES, client_id=client_id, most=MOST)]


def _hours(ctx: Context, client_id: str, days: tuple[date, date], *, notes: bool) -> list[ProjectHours]:
    span = {"client_id": client_id, "first": days[0], "last": days[1]}
    entries: dict[str, list[Noted]] = {}
    if notes:
        for project, *entry in ctx.rows(_ENTRIES, **span, most=MOST):
            entries.setdefault(project, []).append(Noted(*entry))
    found: list[ProjectHours] = []
    for (project, name), rows in groupby(ctx.rows(_HOURS, **span), key=lambda row: (row[0], row[1])):
        worked = tuple(Worked(task, seconds) for _, _, task, seconds in rows)
        total = sum(one.seconds for one in worked)
        found.append(ProjectHours(name, total, worked, tuple(entries.get(project, ()))))
    return found


def _budgets(ctx: Context, client: Client) -> list[Budget]:
    found: list[Budget] = []
    for project_id, name in ctx.rows(_BUDGETED, client_id=client.id):
        used = burn(ctx, project_id)
        last = used.weeks[-1] if used.weeks else None
        seconds = last.total_seconds if last else 0
        amount = (last.total_amount if last else None) or Decimal(0)
        if used.budget_seconds is not None:
            share = Decimal(seconds) / used.budget_seconds
            left, left_amount = used.budget_seconds - seconds, None
        else:
            assert used.budget_amount is not None  # noqa: S101 - one of the two, says the query
            share, left, left_amount = amount / used.budget_amount, None, used.budget_amount - amount
        found.append(
            Budget(name, int(share * 100), used.budget_seconds, left, used.budget_amount, left_amount, client.currency)
        )
    return found


_PLACES = Prepared("""
    SELECT id FROM clients
    WHERE workspace_id = %(workspace)s::uuid AND portal_knows(id, %(email)s::text)
      AND (%(client_id)s::uuid IS NULL OR id = %(client_id)s::uuid)
    ORDER BY created_at, id
""")
_JUST_ASKED = Prepared("""
    SELECT 1 FROM portal_links
    WHERE workspace_id = %(workspace)s::uuid AND email = %(email)s::text AND created_at > %(since)s::timestamptz
    LIMIT 1
""")
_ADDRESSES = Prepared("""
    SELECT address FROM (
        SELECT lower(email) AS address, 1 AS place FROM clients
        WHERE workspace_id = %(workspace)s::uuid AND id = %(client_id)s::uuid AND email IS NOT NULL
        UNION ALL SELECT lower(billing_email), 2 FROM clients
        WHERE workspace_id = %(workspace)s::uuid AND id = %(client_id)s::uuid AND billing_email IS NOT NULL
        UNION ALL SELECT email, CASE WHEN is_primary THEN 0 ELSE 3 END FROM contacts
        WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND deleted_at IS NULL
    ) AS known
    GROUP BY address ORDER BY min(place), address
""")
_SEEN = Prepared("""
    UPDATE portal_sessions SET last_seen_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND id = %(session_id)s::uuid
""")
_columns = ", ".join(column.key for column in PortalSession.__table__.columns)
_LIVE = Prepared(f"""
    SELECT {_columns} FROM portal_sessions
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND ended_at IS NULL
      AND expires_at > %(now)s::timestamptz
    ORDER BY last_seen_at DESC, id LIMIT 100
""")
_END_ALL = Prepared(f"""
    UPDATE portal_sessions SET ended_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND ended_at IS NULL
    RETURNING {_columns}
""")
_END_DOUBLE = Prepared("""
    UPDATE portal_sessions SET ended_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND digest = %(digest)s::bytea
      AND ended_at IS NULL
""")
_END_LINKS = Prepared("""
    UPDATE portal_links SET used_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND used_at IS NULL
      AND (client_id = %(client_id)s::uuid OR client_id IS NULL AND email = ANY(%(emails)s::text[]))
""")
_INVOICES = Prepared("""
    SELECT id, number, currency, issue_date, due_date, total, balance + amount_written_off FROM invoices
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND status IN ('SENT', 'PAID')
      AND deleted_at IS NULL
    ORDER BY issue_date DESC, id DESC LIMIT %(most)s::bigint
""")
_OWED = Prepared("""
    SELECT currency, sum(balance + amount_written_off),
           COALESCE(sum(balance + amount_written_off) FILTER (WHERE due_date < %(day)s::date), 0)
    FROM invoices
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND status IN ('SENT', 'PAID')
      AND deleted_at IS NULL
    GROUP BY currency ORDER BY currency
""")
_CREDIT_NOTES = Prepared("""
    SELECT note.id, note.number, note.issue_date, note.total, note.currency, invoice.number
    FROM credit_notes AS note
    JOIN invoices AS invoice ON invoice.workspace_id = note.workspace_id AND invoice.id = note.invoice_id
    WHERE note.workspace_id = %(workspace)s::uuid AND note.client_id = %(client_id)s::uuid
    ORDER BY note.issue_date DESC, note.id DESC LIMIT %(most)s::bigint
""")
_WORK = """
    FROM time_entries AS entry
    JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
    LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
    WHERE entry.workspace_id = %(workspace)s::uuid AND project.client_id = %(client_id)s::uuid
      AND entry.entry_date BETWEEN %(first)s::date AND %(last)s::date AND entry.deleted_at IS NULL
      AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
"""
_HOURS = Prepared(f"""
    SELECT project.id, project.name, task.name, sum(entry.duration_seconds)::bigint {_WORK}
    GROUP BY project.id, project.name, task.id, task.name
    ORDER BY name_key(project.name), project.id, sum(entry.duration_seconds) DESC, task.id
""")
_ENTRIES = Prepared(f"""
    SELECT project.id, entry.entry_date, task.name, entry.note, entry.duration_seconds {_WORK}
    ORDER BY entry.entry_date DESC, entry.id DESC LIMIT %(most)s::bigint
""")
_BUDGETED = Prepared("""
    SELECT id, name FROM projects
    WHERE workspace_id = %(workspace)s::uuid AND client_id = %(client_id)s::uuid AND status <> 'ARCHIVED'
      AND deleted_at IS NULL AND (budget_hours > 0 OR budget_amount > 0)
    ORDER BY name_key(name), id
""")
