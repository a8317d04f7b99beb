"""Taxes of an invoice: how its lines are taxed where nobody says it, and the rows that say what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import tax_rates
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import Invoice, InvoiceTax
from tallystick.domain.invoices.totals import TaxSums
from tallystick.domain.tax_rates import Said, Taxing
from tallystick.domain.workspaces import Workspace, current
from tallystick.values.ids import new_id
from tallystick.values.tax import REASON_CODES, UNTAXED, TaxCategory, of_rate


def taxing(ctx: Context, client: Client, studio: Workspace, *, reading: bool = False) -> Taxing:
    """By what a client's invoices are taxed: the client's defaults, else the workspace's. `reading`: just to see it."""
    named = tax_rates.choices(ctx, reading=reading)
    default = tax_rates.default_of(named)
    own = of_rate(studio.default_tax_rate) if default is None else default.treatment
    rate = client.default_tax_rate or (own.rate if own.category == "STANDARD" else None) or studio.default_tax_rate
    category: TaxCategory | None = client.default_tax_category  # type: ignore[assignment]  # the CHECK says so
    said = Said(
        tax_rate=UNSET if client.default_tax_rate is None or category in UNTAXED else client.default_tax_rate,
        tax_category=category,
    )
    asked = Taxing(own, rate or None, named)
    return asked._replace(usual=asked.of(said))


def prices_include_tax(client: Client, studio: Workspace) -> bool:
    """Whether the prices of a client's invoices include the tax, unless somebody says otherwise."""
    return studio.prices_include_tax if client.prices_include_tax is None else client.prices_include_tax


def write(ctx: Context, invoice: Invoice, sums: Sequence[TaxSums]) -> bool:
    """Put these taxes in the place of those that a draft has; answers whether anything is different now."""
    name = current(ctx).tax_label
    was = [(one.category, one.rate, one.name, one.reason, one.subtotal, one.discount, one.basis, one.amount)
           for one in invoices.taxes(ctx, invoice.id)]  # fmt: skip
    now = [(one.category, one.rate, name, *one[2:]) for one in sums]
    if was == now:
        return False
    ctx.write(_DROP, invoice_id=invoice.id)
    ctx.write(
        _ADD,
        invoice_id=invoice.id,
        ids=[new_id() for _ in sums],
        positions=list(range(1, len(sums) + 1)),
        categories=[one.category for one in sums],
        rates=[one.rate for one in sums],
        names=[name for _ in sums],
        reasons=[one.reason for one in sums],
        reason_codes=[REASON_CODES.get(one.category) for one in sums],
        subtotals=[one.subtotal for one in sums],
        discounts=[one.discount for one in sums],
        bases=[one.basis for one in sums],
        amounts=[one.amount for one in sums],
    )
    return True


def sums_on(tax: InvoiceTax) -> TaxSums:
    """The sums that stand in a row."""
    return TaxSums(**{name: getattr(tax, name) for name in TaxSums._fields})


_HERE: Final = "workspace_id = :workspace AND invoice_id = :invoice_id"
_DROP = Prepared(text(f"DELETE FROM invoice_taxes WHERE {_HERE}"))
_ADD = Prepared(
    text("""
        INSERT INTO invoice_taxes (workspace_id, invoice_id, id, position, category, rate, name, reason, reason_code,
                                   subtotal, discount, basis, amount)
        SELECT CAST(:workspace AS uuid), CAST(:invoice_id AS uuid), tax.*
        FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS bigint[]), CAST(:categories AS text[]),
                    CAST(:rates AS numeric[]), CAST(:names AS text[]), CAST(:reasons AS text[]),
                    CAST(:reason_codes AS text[]), CAST(:subtotals AS numeric[]), CAST(:discounts AS numeric[]),
                    CAST(:bases AS numeric[]), CAST(:amounts AS numeric[])) AS tax
    """)
)
