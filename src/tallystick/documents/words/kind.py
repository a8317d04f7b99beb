"""What there is to say on a document."""

from __future__ import annotations

from msgspec import Struct

from tallystick.values.tax import TaxCategory


class Words(Struct, frozen=True, kw_only=True):
    """One language. What is in braces is filled in: words around it stand as the language wants them."""

    invoice: str
    credit_note: str
    draft: str
    draft_note: str
    """Why a draft is not to be paid."""

    invoice_number: str
    credit_note_number: str
    issue_date: str
    due_date: str
    period: str
    """Of the work: BG-14."""
    project: str
    order: str
    """The buyer's purchase order: BT-13."""
    reference: str
    """The buyer's: BT-10."""
    corrects: str
    """Of a credit note: the invoice it is about, as a label."""
    of_day: str
    """`{number} of {day}`."""
    reason: str
    bill_to: str
    bill_from: str
    vat_id: str
    tax_number: str
    registration: str

    description: str
    quantity: str
    price: str
    tax: str
    amount: str
    gross: str
    """Beside a price that includes the tax: `incl. tax`."""
    line_discount: str
    """`Discount {what}`."""
    subtotal: str
    discount: str
    net: str
    tax_on: str
    """`{tax} on {basis}`, such as `VAT 20% on €100.00`."""
    tax_rates: str
    """Above a table of taxes: what was taxed how."""
    basis: str
    untaxed: dict[TaxCategory, str]
    """What stands in place of a rate where there is none for a reason."""
    total: str
    total_credit: str
    paid: str
    due: str

    payment: str
    pay_by: str
    """`Please pay {amount} by {day}.`"""
    pay: str
    """`Please pay {amount}.`, where no day is set."""
    settled: str
    """Nothing is left to pay."""
    holder: str
    bank: str
    transfer_reference: str
    scan: str
    notes: str
    terms: str
    page: str
    """`Page {page} of {pages}`."""
    logo: str
    """What a logo is to those who do not see it: `Logo of {name}`."""
    code: str
    """What the square is to those who do not see it."""

    timesheet: str
    for_invoice: str
    """`for invoice {number}`."""
    date: str
    task: str
    note: str
    person: str
    hours: str
    total_hours: str
    unnamed_project: str
    """Above work on no project."""

    units: dict[str, str]
    """Units as Tallystick writes them by itself, and what they are called here; others stay as they were written."""
