"""The public link of an issued invoice: whoever has it sees the invoice without signing in, until it ends."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Tenant, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, hydrate
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.errors import Conflict
from tallystick.values.ids import new_id
from tallystick.values.seal import derive, lock_up, open_up

COUNTED_ONCE_IN: Final = timedelta(hours=1)
"""However often a visitor loads the page within it, it is one view."""
VISITORS_KEPT: Final = timedelta(days=2)
_DIGEST: Final = "invoice-link/v1"
_COPY: Final = "invoice-link-copy/v1"
_VISITOR: Final = "invoice-visitor/v1"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class InvoiceLink(Tenant):
    """One link. Its token is kept as a keyed digest, by which it is found, and locked up, to be shown again."""

    __tablename__ = "invoice_links"
    noun: ClassVar[str] = "invoice link"

    invoice_id: Mapped[Id]
    digest: Mapped[Blob]
    token: Mapped[Blob]
    """Locked up with the server's key."""
    view_count: Mapped[int] = mapped_column(default=0)
    last_viewed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            UniqueConstraint("digest"),
            CheckConstraint("view_count >= 0", name="view_count"),
            Index(
                "uq_invoice_links_live", "workspace_id", "invoice_id", unique=True, postgresql_where="ended_at IS NULL"
            ),
        )


class InvoiceView(Tenant):
    """That somebody looked, by a digest that changes each day: it tells repeated looks, and not who it was."""

    __tablename__ = "invoice_views"
    noun: ClassVar[str] = "invoice view"

    link_id: Mapped[Id]
    visitor: Mapped[Blob]
    counted_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("link_id", "invoice_links.id"),
            UniqueConstraint("link_id", "visitor"),
            Index("ix_invoice_views_counted", "counted_at"),
        )


def mint(ctx: Context, invoice: Invoice) -> InvoiceLink:
    """A fresh link of an invoice that is being issued; one from before it was cancelled is of no use any more."""
    end(ctx, invoice)
    return _made(ctx, invoice)


def end(ctx: Context, invoice: Invoice) -> None:
    """End an invoice's link: its address is not found any more."""
    ctx.write(_END, invoice_id=invoice.id, now=ctx.now)


def regenerate(ctx: Context, invoice_id: str) -> InvoiceLink:
    """Give an issued invoice another link; the one until now ends at once. What was viewed stays counted."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status not in ("SENT", "PAID"):
        raise Conflict(
            f"Only an issued invoice has a link; this one is {invoice.status.title()}.", reason="invoice_state"
        )
    former = live(ctx, invoice.id)
    end(ctx, invoice)
    viewed = {"view_count": former.view_count, "last_viewed_at": former.last_viewed_at} if former else {}
    return _made(ctx, invoice, **viewed)


def of_invoice(ctx: Context, invoice_id: str) -> InvoiceLink | None:
    """The live link of an invoice; None where it has none: a draft, or a cancelled one."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    return live(ctx, invoice.id) if invoice.status in ("SENT", "PAID") else None


def live(ctx: Context, invoice_id: str) -> InvoiceLink | None:
    """`of_invoice` for the verbs of this package and above: no permission asked."""
    found = ctx.row(_LIVE, invoice_id=invoice_id)
    return None if found is None else hydrate(InvoiceLink, found)


def ensured(ctx: Context, invoice: Invoice) -> InvoiceLink:
    """The live link of an issued invoice; one that was issued before there were links gets its first."""
    return live(ctx, invoice.id) or _made(ctx, invoice)


def url_of(ctx: Context, link: InvoiceLink) -> str | None:
    """The address; None where the token was locked up with another key."""
    token = open_up(ctx.server.key, _COPY, link.token, link.id)
    return None if token is None else f"{ctx.server.public_url}/i/{token.decode()}"


def digest_of(key: bytes, token: str) -> bytes | None:
    """What is stored of a token; None for what cannot be one."""
    if _TOKEN.fullmatch(token) is None:
        return None
    return hmac.digest(derive(key, _DIGEST), token.encode(), hashlib.sha256)


def visitor_of(key: bytes, address: str, agent: str, now: datetime) -> bytes:
    """A visitor's digest for a day, from what a browser tells anyway; neither can be had back from it."""
    said = f"{now:%Y-%m-%d}\n{address}\n{agent}".encode("utf-8", "surrogatepass")
    return hmac.digest(derive(key, _VISITOR), said, hashlib.sha256)[:16]


def count_view(ctx: Context, link_id: str, visitor: bytes) -> bool:
    """Count that somebody looks at the page, once an hour for each visitor. Answers whether it counted."""
    counted = ctx.write(
        _SEE, id=new_id(), link_id=link_id, visitor=visitor, now=ctx.now, since=ctx.now - COUNTED_ONCE_IN
    )
    if not counted:
        return False
    found = ctx.row(_COUNT, link_id=link_id, now=ctx.now)
    if found is not None and found[0] == 1:
        link = ctx.find(InvoiceLink, link_id)
        ctx.record_facts("viewed", link, invoice_id=link.invoice_id)
    ctx.write(_FORGET, before=ctx.now - VISITORS_KEPT)
    return True


def _made(ctx: Context, invoice: Invoice, **viewed: Any) -> InvoiceLink:
    link_id, token = new_id(), secrets.token_urlsafe(32)
    link = ctx.add(
        InvoiceLink(
            id=link_id,
            invoice_id=invoice.id,
            digest=digest_of(ctx.server.key, token) or b"",
            token=lock_up(ctx.server.key, _COPY, token.encode(), link_id),
            **viewed,
        )
    )
    ctx.record_facts("made", link, invoice_id=invoice.id)
    return link


_LIVE = Prepared(f"""
    SELECT {", ".join(column.key for column in InvoiceLink.__table__.columns)} FROM invoice_links
    WHERE workspace_id = %(workspace)s::uuid AND invoice_id = %(invoice_id)s::uuid AND ended_at IS NULL
""")
_END = Prepared("""
    UPDATE invoice_links SET ended_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND invoice_id = %(invoice_id)s::uuid AND ended_at IS NULL
""")
_SEE = Prepared("""
    INSERT INTO invoice_views (id, workspace_id, link_id, visitor, counted_at)
    VALUES (%(id)s::uuid, %(workspace)s::uuid, %(link_id)s::uuid, %(visitor)s::bytea, %(now)s::timestamptz)
    ON CONFLICT (link_id, visitor) DO UPDATE SET counted_at = excluded.counted_at
    WHERE invoice_views.counted_at <= %(since)s::timestamptz
""")
_COUNT = Prepared("""
    UPDATE invoice_links SET view_count = view_count + 1, last_viewed_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND id = %(link_id)s::uuid
    RETURNING view_count
""")
_FORGET = Prepared("""
    DELETE FROM invoice_views WHERE id IN (
        SELECT id FROM invoice_views
        WHERE workspace_id = %(workspace)s::uuid AND counted_at < %(before)s::timestamptz
        LIMIT 20 FOR UPDATE SKIP LOCKED)
""")
