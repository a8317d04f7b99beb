"""How a workspace is paid: by bank transfer, by card or both, with which keys of Stripe, and at which fee."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Money, Tenant, columns_of, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context, hydrate
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import check_decimals
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.ids import new_id
from tallystick.values.seal import lock_up, open_up

Method = Literal["BANK", "CARD", "BOTH"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
Of = Literal["client", "invoice"]
SECRET_KEY: Final = "stripe-secret-key/v1"  # noqa: S105 - the purpose of a key
WEBHOOK_SECRET: Final = "stripe-webhook-secret/v1"  # noqa: S105
MOST_FEE: Final = Decimal(10)


class CardSettings(Tenant):
    """A workspace's own account with Stripe. Its secrets are locked up with the server's key."""

    __tablename__ = "card_settings"
    noun: ClassVar[str] = "card settings"

    method: Mapped[str] = mapped_column(default="BOTH")
    fee_percent: Mapped[Money | None]
    """Paid on top of the balance by whoever pays by card; on no invoice."""
    secret_key: Mapped[Blob | None]
    webhook_secret: Mapped[Blob | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            UniqueConstraint("workspace_id"),
            one_of("method", METHODS),
            CheckConstraint("fee_percent > 0 AND fee_percent <= 10", name="fee_percent"),
        )

    @property
    def takes_cards(self) -> bool:
        """Whether both secrets are there."""
        return self.secret_key is not None and self.webhook_secret is not None


class PaymentMethod(Tenant):
    """How one client, or one invoice, is to pay, where that is not as usual."""

    __tablename__ = "payment_methods"
    noun: ClassVar[str] = "payment method"

    client_id: Mapped[Id | None]
    invoice_id: Mapped[Id | None]
    method: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("invoice_id", "invoices.id"),
            one_of("method", METHODS),
            CheckConstraint("num_nonnulls(client_id, invoice_id) = 1", name="client_or_invoice"),
            UniqueConstraint("workspace_id", "client_id"),
            UniqueConstraint("workspace_id", "invoice_id"),
        )


def read(ctx: Context) -> CardSettings:
    """The settings; those that apply where nobody has set any."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return current(ctx)


def change(ctx: Context, **facts: Any) -> CardSettings:
    """Change `method`, `fee_percent`, `secret_key` or `webhook_secret`; what is not named stays, None forgets it."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if facts.keys() - {"method", "fee_percent", "secret_key", "webhook_secret"}:
        raise TypeError("Only method, fee and secrets change.")
    fee: Decimal | None = facts.get("fee_percent")
    if fee is not None:
        check_decimals(fee, "fee_percent")
        if not 0 < fee <= MOST_FEE:
            raise Invalid(fields={"fee_percent": f"must be more than 0 and at most {MOST_FEE}"})
    for name, begins in (("secret_key", ("sk_", "rk_")), ("webhook_secret", ("whsec_",))):
        if facts.get(name) is not None and not facts[name].startswith(begins):
            raise Invalid(fields={name: f"begins with {' or '.join(begins)}"})
    settings = current(ctx, lock=True)
    for name, purpose in (("secret_key", SECRET_KEY), ("webhook_secret", WEBHOOK_SECRET)):
        given: str | None = facts.get(name)
        if given is not None:
            facts[name] = lock_up(ctx.server.key, purpose, given.encode(), settings.id)
    changed = ctx.change(settings, **facts)
    if changed:
        ctx.record_facts("updated", settings, changed=sorted(changed))
    return settings


def current(ctx: Context, *, lock: bool = False) -> CardSettings:
    """The settings for the verbs of this package: no permission asked. `lock`: they are there, and stay as they are."""
    made = lock and ctx.write(_MAKE, id=new_id(), now=ctx.now) == 1
    found = ctx.row(_LOCK if lock else _READ)
    if found is None:
        return CardSettings(method="BOTH", fee_percent=None, secret_key=None, webhook_secret=None)
    row = hydrate(CardSettings, found)
    if lock and not made:
        ctx.require_seen(row)
    return row


def secret_of(ctx: Context, settings: CardSettings, name: Literal["secret_key", "webhook_secret"]) -> str:
    """One of the secrets. Refused where the server's key is another one than it was locked up with."""
    locked: bytes | None = getattr(settings, name)
    purpose = SECRET_KEY if name == "secret_key" else WEBHOOK_SECRET
    opened = None if locked is None else open_up(ctx.server.key, purpose, locked, settings.id)
    if opened is None:
        raise Conflict("Card payments are not set up: set the keys of Stripe in the card settings.", reason="cards_off")
    return opened.decode()


def method_of(ctx: Context, of: Of, identity: str) -> tuple[Method | None, Method]:
    """How a client or an invoice is to pay: what was said of it, and what holds."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, identity) if of == "invoice" else None
    client = ctx.find(Client, identity) if of == "client" else None
    return _methods(ctx, client.id if client is not None else invoice.client_id if invoice else "", invoice)


def choose(ctx: Context, of: Of, identity: str, method: Method | None) -> tuple[Method | None, Method]:
    """Say how a client or an invoice is to pay; None: as the client, else the workspace. Also of a sent invoice."""
    ctx.require(Permission.CHANGE_INVOICES)
    row = ctx.find(Client, identity, lock="update") if of == "client" else ctx.find(Invoice, identity, lock="update")
    column = f"{of}_id"
    if method is None:
        ctx.write(_FORGET[of], id=row.id)
    elif not ctx.write(_SAY[of], id=row.id, method=method, now=ctx.now):
        ctx.add(PaymentMethod(method=method, **{column: row.id}))
    ctx.record_facts("payment_method_changed", row, method=method)
    return method_of(ctx, of, identity)


def holds(ctx: Context, invoice: Invoice) -> Method:
    """How an invoice is to pay, for the verbs of this package: no permission asked."""
    return _methods(ctx, invoice.client_id, invoice)[1]


def _methods(ctx: Context, client_id: str, invoice: Invoice | None) -> tuple[Method | None, Method]:
    said: dict[str, Method] = dict(ctx.rows(_SAID, client_id=client_id, invoice_id=invoice and invoice.id))  # type: ignore[arg-type]
    usual: Method = current(ctx).method  # type: ignore[assignment]  # the CHECK says so
    own = said.get("client" if invoice is None else "invoice")
    return own, said.get("invoice") or said.get("client") or usual


_COLUMNS: Final = ", ".join(columns_of(CardSettings))
_TABLE: Final = table_of(CardSettings).name
_READ = Prepared(text(f"SELECT {_COLUMNS} FROM {_TABLE} WHERE workspace_id = :workspace"))
_LOCK = Prepared(text(f"SELECT {_COLUMNS} FROM {_TABLE} WHERE workspace_id = :workspace FOR NO KEY UPDATE"))
_MAKE = Prepared(
    text(f"""
        INSERT INTO {_TABLE} (id, workspace_id, method, created_at, updated_at)
        VALUES (:id, :workspace, 'BOTH', :now, :now) ON CONFLICT (workspace_id) DO NOTHING
    """)
)
_SAID = Prepared(
    text("""
        SELECT CASE WHEN invoice_id IS NULL THEN 'client' ELSE 'invoice' END, method FROM payment_methods
        WHERE workspace_id = :workspace
          AND (client_id = CAST(:client_id AS uuid) OR invoice_id = CAST(:invoice_id AS uuid))
    """)
)
_SAY: Final = {
    of: Prepared(
        text(f"""
            UPDATE payment_methods SET method = :method, updated_at = :now
            WHERE workspace_id = :workspace AND {of}_id = :id
        """)
    )
    for of in ("client", "invoice")
}
_FORGET: Final = {
    of: Prepared(text(f"DELETE FROM payment_methods WHERE workspace_id = :workspace AND {of}_id = :id"))
    for of in ("client", "invoice")
}

SENTENCES["uq_payment_methods_workspace_id_client_id"] = SENTENCES["uq_payment_methods_workspace_id_invoice_id"] = (
    Conflict("Somebody says so at this moment.", reason="try_again")
)
