"""What an invoice is: its rows, the door between its states, its totals in the database, and how it is read."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Index,
    UniqueConstraint,
    bindparam,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Json, Money, Tenant, columns_of, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import categories
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client, each_tag_once
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate, workspace
from tallystick.domain.invoices.totals import Discount, Priced
from tallystick.domain.listing import Listing
from tallystick.domain.projects import client_name_filter
from tallystick.domain.tax_rates import PERCENT
from tallystick.domain.workspaces import DEFAULT_TERMS_DAYS, Workspace
from tallystick.values import countries
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.tax import TAX_CATEGORIES, TaxCategory, Treatment

Status = Literal["DRAFT", "SENT", "PAID", "CANCELLED"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
PaymentStatus = Literal["unpaid", "partially_paid", "paid", "refunded"]
PAYMENT_STATUSES: Final[tuple[PaymentStatus, ...]] = get_args(PaymentStatus)
Grouping = Literal["ITEMIZED", "PROJECT", "TASK", "PROJECT_TASK", "PROJECT_TIME"]
GROUPINGS: Final[tuple[Grouping, ...]] = get_args(Grouping)
LineKind = Literal["TIME", "EXPENSE", "MILESTONE", "FEE", "CUSTOM"]
LINE_KINDS: Final[tuple[LineKind, ...]] = get_args(LineKind)

MOVES: Final[dict[Status, frozenset[Status]]] = {
    "DRAFT": frozenset({"SENT", "CANCELLED"}),
    "SENT": frozenset({"PAID", "CANCELLED"}),
    "PAID": frozenset({"SENT", "CANCELLED"}),  # only when a payment is deleted, corrected or returned
    "CANCELLED": frozenset({"DRAFT"}),
}
"""From each state, where an invoice may go. `become` is the only door."""


class Invoice(Counted):
    """An invoice. A draft follows its client and its work; once issued, only its state and payments move."""

    __tablename__ = "invoices"
    noun: ClassVar[str] = "invoice"
    money: ClassVar[frozenset[str]] = frozenset(
        {
            "subtotal",
            "discount_percent",
            "discount_amount",
            "gross_discount",
            "tax_rate",
            "default_tax_rate",
            "tax_amount",
            "total",
            "amount_paid",
            "settled",
            "amount_credited",
            "amount_refunded",
            "amount_written_off",
            "balance",
        }
    )

    client_id: Mapped[Id]
    number: Mapped[str]
    """Provisional (`DRAFT-1A2B3C4D`) until it is issued."""
    status: Mapped[str] = mapped_column(default="DRAFT")
    payment_status: Mapped[str] = mapped_column(
        Computed(
            "CASE WHEN amount_refunded > 0 AND amount_paid = 0 THEN 'refunded' WHEN status = 'PAID' THEN 'paid' "
            "WHEN amount_paid > 0 THEN 'partially_paid' ELSE 'unpaid' END",
            persisted=True,
        )
    )
    currency: Mapped[str]
    subtotal: Mapped[Money]
    discount_percent: Mapped[Money | None]
    """Set when the discount was given in percent: a rebuilt draft computes it anew."""
    discount_amount: Mapped[Money]
    gross_discount: Mapped[Money | None]
    """With the tax in it; set exactly where prices include the tax."""
    prices_include_tax: Mapped[bool] = mapped_column(default=False)
    tax_category: Mapped[str | None]
    """Of all lines; null: they have several. The taxes themselves are rows of `InvoiceTax`."""
    tax_rate: Mapped[Money | None]
    """In percent, of all lines; null: they have several, or no tax is shown."""
    default_tax_category: Mapped[str]
    """How lines are taxed that do not say it themselves."""
    default_tax_rate: Mapped[Money | None]
    default_tax_reason: Mapped[str | None]
    default_tax_rate_id: Mapped[Id | None]
    taxed_by_line: Mapped[bool] = mapped_column(default=False)
    """Whether somebody asked for taxes and discounts line by line, whatever the lines say."""
    tax_amount: Mapped[Money]
    total: Mapped[Money]
    amount_paid: Mapped[Money] = mapped_column(default=Decimal(0))
    """Its payments, less what went back or is the client's credit now, and what `mark_paid` settled without one."""
    settled: Mapped[Money] = mapped_column(default=Decimal(0))
    amount_credited: Mapped[Money] = mapped_column(default=Decimal(0))
    """The sum of its credit notes."""
    amount_refunded: Mapped[Money] = mapped_column(default=Decimal(0))
    """The sum of what was returned of its payments."""
    amount_written_off: Mapped[Money] = mapped_column(default=Decimal(0))
    """What nobody waits for any more. The claim stays: it is neither paid nor cancelled."""
    balance: Mapped[Money] = mapped_column(
        Computed("total - amount_paid - amount_credited - amount_written_off", persisted=True)
    )
    """What is open; of a draft, and of a cancelled one, what would be."""
    notes: Mapped[str | None]
    po_number: Mapped[str | None]
    attach_timesheet: Mapped[bool] = mapped_column(default=False)
    """Whether the client gets the hours behind it."""
    attach_receipts: Mapped[bool] = mapped_column(default=False)
    receipt_ids: Mapped[list[str]] = mapped_column(default=[])
    """Which receipts, of those of its expenses; none named: all."""
    bill_to_name: Mapped[str | None]
    bill_to_address: Mapped[str | None]
    bill_to_country: Mapped[str | None]
    bill_to_tax_number: Mapped[str | None]
    bill_to_email: Mapped[str | None]
    issuer_name: Mapped[str | None]
    issuer_address: Mapped[str | None]
    issuer_tax_id: Mapped[str | None]
    issuer_email: Mapped[str | None]
    issue_date: Mapped[date]
    issue_date_given: Mapped[bool] = mapped_column(default=False)
    """Whether somebody chose the date; otherwise an invoice is dated on the day it is sent."""
    due_date: Mapped[date | None]
    sent_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    written_off_at: Mapped[datetime | None]
    write_off_reason: Mapped[str | None]
    grouping: Mapped[str] = mapped_column(default="PROJECT_TASK")
    selection: Mapped[Json | None]
    """By what the work was picked (`work.Selection`), so that a rebuild repeats it."""
    terms: Mapped[str | None]
    project_id: Mapped[Id | None]
    """The one project it is about, where it is about one."""
    category_id: Mapped[Id]
    """Where it is filed. This and `tags` are ours, not the document's: they change also once it is issued."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("category_id", "categories.id"),
            within_workspace("default_tax_rate_id", "tax_rates.id"),
            within_workspace("created_by", "members.user_id"),
            UniqueConstraint("workspace_id", "number"),
            one_of("status", STATUSES),
            one_of("tax_category", TAX_CATEGORIES),
            one_of("default_tax_category", TAX_CATEGORIES),
            CheckConstraint(
                PERCENT.format(category="default_tax_category", rate="default_tax_rate"), name="default_tax_rate"
            ),
            CheckConstraint(
                "prices_include_tax = (gross_discount IS NOT NULL) AND gross_discount >= 0", name="gross_discount"
            ),
            one_of("grouping", GROUPINGS),
            CheckConstraint("total = subtotal - discount_amount + tax_amount", name="adds_up"),
            CheckConstraint("discount_amount BETWEEN 0 AND subtotal", name="discount"),
            CheckConstraint("discount_percent BETWEEN 0 AND 100", name="discount_percent"),
            CheckConstraint("tax_rate BETWEEN 0 AND 100", name="tax_rate"),
            CheckConstraint("tax_amount >= 0", name="tax_amount"),
            CheckConstraint("0 <= settled AND 0 <= amount_paid AND amount_paid <= total", name="paid"),
            CheckConstraint("amount_credited BETWEEN 0 AND total", name="credited"),
            CheckConstraint("amount_paid + amount_credited + amount_written_off <= total", name="balance"),
            CheckConstraint("amount_refunded >= 0 AND amount_written_off >= 0", name="not_negative"),
            CheckConstraint("status <> 'PAID' OR amount_paid + amount_credited = total", name="paid_in_full"),
            CheckConstraint("status <> 'DRAFT' OR amount_credited + amount_refunded = 0", name="drafts_have_no_past"),
            CheckConstraint(
                "(amount_written_off > 0) = (written_off_at IS NOT NULL) "
                "AND (amount_written_off > 0) = (write_off_reason IS NOT NULL) "
                "AND (status = 'SENT' OR amount_written_off = 0)",
                name="written_off",
            ),
            CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name="paid_at"),
            CheckConstraint("(status = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
            CheckConstraint("(status IN ('SENT', 'PAID')) = (sent_at IS NOT NULL)", name="sent_at"),
            CheckConstraint("status NOT IN ('SENT', 'PAID') OR due_date IS NOT NULL", name="issued_has_due_date"),
            CheckConstraint(
                "status = 'CANCELLED' OR (status = 'DRAFT') = (number ~ '^DRAFT-[0-9A-F]{8}$')",
                name="issued_number",
            ),
            CheckConstraint("deleted_at IS NULL OR status = 'DRAFT'", name="only_drafts_are_deleted"),
            Index("ix_invoices_created", "workspace_id", "created_at", "id"),
            Index("ix_invoices_issue_date", "workspace_id", "issue_date", "id"),
            Index("ix_invoices_client", "workspace_id", "client_id"),
            Index("ix_invoices_category", "workspace_id", "category_id"),
        )

    @property
    def default_treatment(self) -> Treatment:
        """How lines are taxed that do not say it themselves."""
        category: TaxCategory = self.default_tax_category  # type: ignore[assignment]  # the CHECK says so
        return Treatment(category, self.default_tax_rate, self.default_tax_reason, self.default_tax_rate_id)

    @property
    def discount(self) -> Discount | None:
        """What was asked to be taken off the whole; None: nothing."""
        return discount_given(self.discount_percent, self.discount_amount, self.gross_discount)


class InvoiceLine(Counted):
    """One line: what was done, how much of it, at which price."""

    __tablename__ = "invoice_lines"
    noun: ClassVar[str] = "invoice line"
    money: ClassVar[frozenset[str]] = frozenset(
        {
            "rate",
            "discount_percent",
            "discount_amount",
            "total",
            "gross_discount",
            "gross_total",
            "tax_rate",
            "credited",
        }
    )

    invoice_id: Mapped[Id]
    position: Mapped[int]
    kind: Mapped[str]
    heading: Mapped[str | None]
    """Lines in a row with one heading stand below it on paper."""
    description: Mapped[str]
    quantity: Mapped[Money]
    unit: Mapped[str]
    rate: Mapped[Money]
    """Of one unit: net, or with the tax where the invoice's prices include it."""
    discount_percent: Mapped[Money | None]
    """Set when the discount was given in percent."""
    discount_amount: Mapped[Money] = mapped_column(default=Decimal(0))
    """Net."""
    total: Mapped[Money]
    """Net: the quantity as shown times the rate, less the discount, rounded once."""
    gross_discount: Mapped[Money | None]
    gross_total: Mapped[Money | None]
    """With the tax in it; set exactly where prices include the tax."""
    tax_category: Mapped[str]
    tax_rate: Mapped[Money | None]
    tax_reason: Mapped[str | None]
    """Why it is not taxed, in words of one's own; None: the usual ones."""
    tax_rate_id: Mapped[Id | None]
    credited: Mapped[Money] = mapped_column(default=Decimal(0))
    """What of it is taken back by credit notes, as its prices are: net, or with the tax."""
    tax_given: Mapped[bool] = mapped_column(default=False)
    """Whether the line says itself how it is taxed; otherwise it follows the invoice's default."""
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]

    entry_ids: tuple[str, ...] = ()
    """The time entries it bills; filled by `lines_of`."""
    expense_ids: tuple[str, ...] = ()

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("tax_rate_id", "tax_rates.id"),
            one_of("kind", LINE_KINDS),
            one_of("tax_category", TAX_CATEGORIES),
            CheckConstraint(PERCENT.format(category="tax_category", rate="tax_rate"), name="tax_rate"),
            CheckConstraint("discount_amount >= 0 AND discount_percent BETWEEN 0 AND 100", name="discount"),
            CheckConstraint(
                "(gross_total IS NULL) = (gross_discount IS NULL) "
                "AND gross_total >= total AND gross_discount >= discount_amount",
                name="gross",
            ),
            CheckConstraint("credited BETWEEN 0 AND COALESCE(gross_total, total)", name="credited"),
            CheckConstraint("total >= 0", name="total"),
            CheckConstraint("quantity >= 0 AND rate >= 0", name="not_negative"),
            Index("ix_invoice_lines_invoice", "workspace_id", "invoice_id", "position"),
        )

    @property
    def listed(self) -> Decimal:
        """What it comes to as its prices are: net, or with the tax."""
        return self.total if self.gross_total is None else self.gross_total

    @property
    def treatment(self) -> Treatment:
        """How it is taxed."""
        category: TaxCategory = self.tax_category  # type: ignore[assignment]  # the CHECK says so
        return Treatment(category, self.tax_rate, self.tax_reason, self.tax_rate_id)

    @property
    def discount(self) -> Discount | None:
        """What was asked to be taken off it; None: nothing."""
        return discount_given(self.discount_percent, self.discount_amount, self.gross_discount)

    @property
    def priced(self) -> Priced:
        """What its sums are made from."""
        return Priced(self.quantity, self.rate, self.treatment, self.discount)


class InvoiceTax(Tenant):
    """The tax of one category and rate: on what its lines come to, less their share of the document's discount."""

    __tablename__ = "invoice_taxes"
    noun: ClassVar[str] = "invoice tax"
    money: ClassVar[frozenset[str]] = frozenset({"rate", "subtotal", "discount", "basis", "amount"})

    invoice_id: Mapped[Id]
    position: Mapped[int]
    category: Mapped[str]
    rate: Mapped[Money | None]
    name: Mapped[str | None]
    """What the tax is called; None: by the document's language."""
    reason: Mapped[str | None]
    """Why it is not taxed, in words of one's own; None: the usual ones, in the document's language."""
    reason_code: Mapped[str | None]
    """VATEX (BT-121)."""
    subtotal: Mapped[Money]
    discount: Mapped[Money]
    basis: Mapped[Money]
    amount: Mapped[Money]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            one_of("category", TAX_CATEGORIES),
            CheckConstraint(PERCENT.format(category="category", rate="rate"), name="rate"),
            CheckConstraint("basis = subtotal - discount AND discount >= 0 AND basis >= 0", name="basis"),
            CheckConstraint("amount >= 0 AND (category = 'STANDARD' OR amount = 0)", name="amount"),
            CheckConstraint(
                "category NOT IN ('STANDARD', 'ZERO') OR num_nonnulls(reason, reason_code) = 0", name="reason"
            ),
            Index(
                "uq_invoice_taxes_category", "workspace_id", "invoice_id", "category", text("COALESCE(rate, -1)"),
                unique=True,
            ),
        )  # fmt: skip


class BilledWork(Tenant):
    """That a line bills an entry, an expense, a milestone or a fee. A cancelled invoice still says what it had."""

    __tablename__ = "billed_work"
    noun: ClassVar[str] = "billed work"

    invoice_id: Mapped[Id]
    line_id: Mapped[Id]
    entry_id: Mapped[Id | None]
    expense_id: Mapped[Id | None]
    milestone_id: Mapped[Id | None]
    fee_project_id: Mapped[Id | None]
    """The project whose fixed fee it bills, or what its milestones leave of it."""
    seconds: Mapped[int] = mapped_column(default=0)
    """As tracked, then."""
    billed_seconds: Mapped[int] = mapped_column(default=0)
    """As rounded, then."""
    released_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        held = "released_at IS NULL"
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("line_id", "invoice_lines.id"),
            within_workspace("entry_id", "time_entries.id"),
            within_workspace("expense_id", "expenses.id"),
            within_workspace("milestone_id", "milestones.id"),
            within_workspace("fee_project_id", "projects.id"),
            CheckConstraint(
                "num_nonnulls(entry_id, expense_id, milestone_id, fee_project_id) = 1", name="one_piece_of_work"
            ),
            CheckConstraint("seconds >= 0 AND billed_seconds >= 0", name="not_negative"),
            Index("uq_billed_work_entry", "entry_id", unique=True, postgresql_where=held),
            Index("uq_billed_work_expense", "expense_id", unique=True, postgresql_where=held),
            Index("uq_billed_work_milestone", "milestone_id", unique=True, postgresql_where=held),
            Index("uq_billed_work_fee", "fee_project_id", unique=True, postgresql_where=held),
            Index("ix_billed_work_invoice", "workspace_id", "invoice_id"),
            Index("ix_billed_work_line", "workspace_id", "line_id"),
        )


INVOICES = Listing(
    Invoice,
    sorts=(
        "amount_paid",
        "created_at",
        "due_date",
        "id",
        "issue_date",
        "number",
        "paid_at",
        "payment_status",
        "sent_at",
        "status",
        "total",
        "updated_at",
    ),
    search=("number",),
    exact=("client_id", "status", "payment_status"),
    choices={"status": STATUSES, "payment_status": PAYMENT_STATUSES},
    dates=("issue_date", "due_date"),
    instants=("sent_at", "paid_at", "created_at"),
    amounts=("total", "amount_paid"),
    ranks={"status": STATUSES, "payment_status": PAYMENT_STATUSES},
    extra={"client_name": client_name_filter(table_of(Invoice).c.client_id)},
)


def read(ctx: Context, invoice_id: str) -> Invoice:
    """One invoice."""
    ctx.require(Permission.READ_INVOICES)
    return ctx.find(Invoice, invoice_id)


def lines_of(ctx: Context, invoice_id: str) -> list[InvoiceLine]:
    """The lines of an invoice in order, each with the entries and expenses it bills (or, once cancelled, billed)."""
    ctx.require(Permission.READ_INVOICES)
    ctx.find(Invoice, invoice_id)
    return lines(ctx, invoice_id)


def lines(ctx: Context, invoice_id: str) -> list[InvoiceLine]:
    """`lines_of` for the verbs of this package: no permission asked."""
    found: list[InvoiceLine] = []
    for *columns, entry_ids, expense_ids in ctx.rows(_LINES, invoice_id=invoice_id):
        line = hydrate(InvoiceLine, columns)
        line.entry_ids, line.expense_ids = tuple(entry_ids), tuple(expense_ids)
        found.append(line)
    return found


def taxes_of(ctx: Context, invoice_id: str) -> list[InvoiceTax]:
    """The taxes of an invoice, a row for each category and rate."""
    ctx.require(Permission.READ_INVOICES)
    ctx.find(Invoice, invoice_id)
    return taxes(ctx, invoice_id)


def taxes(ctx: Context, invoice_id: str) -> list[InvoiceTax]:
    """`taxes_of` for the verbs of this package: no permission asked."""
    return cast_rows(ctx.rows(_TAXES, invoice_id=invoice_id), InvoiceTax)


def discount_given(percent: Decimal | None, amount: Decimal, gross: Decimal | None) -> Discount | None:
    """A discount as it was asked for: in percent, else the amount as the prices are."""
    if percent is not None:
        return Discount(percent=percent)
    asked = amount if gross is None else gross
    return Discount(amount=asked) if asked else None


def become(ctx: Context, invoice: Invoice, status: Status, **facts: Any) -> None:
    """The one door between states: the move, with what it brings. A move that is not in the table is refused."""
    was: Status = invoice.status  # type: ignore[assignment]  # the CHECK says so
    if status not in MOVES[was]:
        raise no_such_move(invoice, status)
    change(ctx, invoice, status=status, **facts)


def no_such_move(invoice: Invoice, status: Status) -> Conflict:
    """The refusal of a move, naming both states."""
    if invoice.status == status:
        return Conflict(f"This invoice is {status.title()} already", reason="invoice_state")
    return Conflict(f"{invoice.status.title()} invoices cannot become {status.title()}", reason="invoice_state")


def change(ctx: Context, invoice: Invoice, **facts: Any) -> list[str]:
    """`ctx.change` for an invoice: what the database computes follows on the row at hand."""
    changed = ctx.change(invoice, **facts)
    _follow(invoice)
    return changed


def add(ctx: Context, invoice: Invoice) -> Invoice:
    """`ctx.add` for an invoice. It is filed under the category it has, else under the usual one."""
    invoice.category_id = categories.filed_under(ctx, "invoice", invoice.__dict__.get("category_id"))
    ctx.add(invoice)
    _follow(invoice)
    return invoice


def provisional_number() -> str:
    """What a draft is called: it burns no number."""
    return f"DRAFT-{secrets.token_hex(4).upper()}"


def bill_to(client: Client) -> dict[str, str | None]:
    """The client as the invoice shows them."""
    place = " ".join(part for part in (client.billing_postal_code, client.billing_city) if part)
    parts = (client.billing_line1, client.billing_line2, place, client.billing_region, client.billing_country)
    return {
        "bill_to_name": client.name,
        "bill_to_address": "\n".join(part for part in parts if part) or client.billing_address,
        "bill_to_country": client.billing_country or client.country_code,
        "bill_to_tax_number": client.tax_number,
        "bill_to_email": client.billing_email or client.email,
    }


def issuer(studio: Workspace) -> dict[str, str | None]:
    """The studio as the invoice shows it."""
    place = " ".join(part for part in (studio.business_postal_code, studio.business_city) if part)
    country = countries.name_of(studio.country_code) if place else None
    parts = (studio.business_line1, studio.business_line2, place, studio.business_region, country)
    return {
        "issuer_name": studio.legal_name or studio.name,
        "issuer_address": "\n".join(part for part in parts if part) or studio.business_address,
        "issuer_tax_id": studio.tax_id,
        "issuer_email": studio.business_email,
    }


def usual_due_date(client: Client, studio: Workspace, issue_date: date) -> date:
    """When an invoice issued that day is due: by the client's terms, else the workspace's."""
    agreed = client.terms_days()
    days = studio.payment_terms_days if agreed is None else agreed
    return issue_date + timedelta(days=DEFAULT_TERMS_DAYS if days is None else days)


def tag(ctx: Context, invoice_id: str, tags: list[str]) -> Invoice:
    """Set our tags of an invoice, in whatever state it is."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if change(ctx, invoice, **each_tag_once({"tags": tags})):
        ctx.record("updated", invoice)
    return invoice


def check_due(issue_date: date, due_date: date | None) -> None:
    """Nothing is due before it is issued."""
    if due_date is not None and due_date < issue_date:
        raise Invalid(fields={"due_date": "must not be before the issue date"})


def _follow(invoice: Invoice) -> None:
    """As the generated columns have it."""
    status: PaymentStatus = "partially_paid" if invoice.amount_paid > 0 else "unpaid"
    if invoice.status == "PAID":
        status = "paid"
    if invoice.amount_refunded > 0 and invoice.amount_paid == 0:
        status = "refunded"
    invoice.payment_status = status
    invoice.balance = invoice.total - invoice.amount_paid - invoice.amount_credited - invoice.amount_written_off


_taxes = table_of(InvoiceTax)
_TAXES = Prepared(
    select(_taxes)
    .where(
        _taxes.c.workspace_id == workspace(),
        _taxes.c.invoice_id == bindparam("invoice_id", type_=_taxes.c.id.type),
    )
    .order_by(_taxes.c.position)
)
_LINES = Prepared(
    text(f"""
        SELECT {", ".join(f"line.{name}" for name in columns_of(InvoiceLine))},
               ARRAY(SELECT entry_id FROM billed_work
                     WHERE workspace_id = :workspace AND line_id = line.id AND entry_id IS NOT NULL ORDER BY 1),
               ARRAY(SELECT expense_id FROM billed_work
                     WHERE workspace_id = :workspace AND line_id = line.id AND expense_id IS NOT NULL ORDER BY 1)
        FROM invoice_lines AS line
        WHERE line.workspace_id = :workspace AND line.invoice_id = :invoice_id
        ORDER BY line.position, line.id
    """)
)

SENTENCES["uq_invoices_workspace_id_number"] = Conflict(
    "This invoice number is taken. Change the invoice prefix in the workspace's settings and try again."
)
SENTENCES["ck_invoices_issued_number"] = Conflict(
    "With this prefix an invoice number looks like that of a draft. Change the invoice prefix and try again."
)
SENTENCES["ck_invoices_balance"] = Conflict(
    "Payments and credit notes would be more than the total of the invoice. Look at it again.", reason="try_again"
)
SENTENCES["ck_invoices_paid"] = Conflict("The payments would be more than the total of the invoice.")
_BILLED = Conflict("Some of this work was put on another invoice at this moment. Try again.", reason="try_again")
for _what in ("entry", "expense", "milestone", "fee"):
    SENTENCES[f"uq_billed_work_{_what}"] = _BILLED
