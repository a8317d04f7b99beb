"""Papers: from the rows of an invoice to the facts that its PDF, its XML and its public page are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import files
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import taxes
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine, InvoiceTax
from tallystick.domain.workspaces import Workspace, current
from tallystick.values import countries, tax_ids
from tallystick.values.document import Address, Discount, Document, Line, Look, Party, Payment, Tax
from tallystick.values.money import line_total, percent_of, without_tax
from tallystick.values.tax import TaxCategory, label_of, reason_of
from tallystick.values.units import unit_code


def of_invoice(ctx: Context, invoice_id: str) -> Document:
    """All that an invoice says. A draft is provisional: it follows its client, and is marked as one."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    client = ctx.find(Client, invoice.client_id)
    studio = current(ctx)
    draft = invoice.status == "DRAFT"
    look = look_of(ctx, studio, client)
    days = {line: Days(first, last) for line, first, last in ctx.rows(_DAYS, invoice_id=invoice.id)}
    lines = invoices.lines(ctx, invoice.id)
    taxed = invoices.taxes(ctx, invoice.id)
    due_date = invoice.due_date
    if draft and due_date is None:
        due_date = invoices.usual_due_date(client, studio, invoice.issue_date)
    net = invoice.subtotal - invoice.discount_amount
    return Document(
        id=invoice.id,
        number=invoice.number,
        draft=draft,
        currency=invoice.currency,
        issue_date=invoice.issue_date,
        due_date=due_date,
        period_from=min((one.first for one in days.values()), default=None),
        period_to=max((one.last for one in days.values()), default=None),
        seller=_seller(invoice, studio, draft=draft),
        buyer=_buyer(invoice, client, draft=draft),
        buyer_reference=client.buyer_reference,
        po_number=invoice.po_number,
        project=_project(ctx, invoice, lines),
        lines=[
            _line(number, line, invoice.currency, days.get(line.id)) for number, line in enumerate(lines, 1)
        ],
        discounts=[_discount(one, invoice) for one in taxed if one.discount],
        taxes=[_tax(one, look.language) for one in taxed],
        prices_include_tax=invoice.prices_include_tax,
        subtotal=invoice.subtotal,
        discount=invoice.discount_amount,
        net=net,
        tax=invoice.tax_amount,
        total=invoice.total,
        due=invoice.total,
        notes=invoice.notes,
        terms=invoice.terms,
        footer=studio.invoice_footer,
        payment=payment_to(studio, invoice.number),
        look=look,
    )  # fmt: skip


def sample(ctx: Context, client: Client) -> Document:
    """What an invoice of a client would say that has one hour on it: to try the rules of e-invoices on."""
    studio, today = current(ctx), ctx.today()
    usual = taxes.taxing(ctx, client, studio, reading=True).usual
    rate = client.default_rate or studio.default_rate or Decimal(100)
    total = line_total(Decimal(1), rate, client.currency)
    tax = percent_of(total, usual.rate or Decimal(0), client.currency)
    return Document(
        id="00000000-0000-7000-8000-000000000000",
        number="SAMPLE-1",
        draft=True,
        currency=client.currency,
        issue_date=today,
        due_date=invoices.usual_due_date(client, studio, today),
        period_from=today,
        period_to=today,
        seller=_studio(studio, invoices.issuer(studio)),
        buyer=_client(client, invoices.bill_to(client), draft=True),
        buyer_reference=client.buyer_reference,
        po_number="PO-1" if client.require_po_number else None,
        lines=[
            Line(
                number=1,
                id="00000000-0000-7000-8000-000000000000",
                description="Work",
                quantity=Decimal(1),
                unit="h",
                unit_code=unit_code("h"),
                price=rate,
                total=total,
                tax_category=usual.category,
                tax_rate=usual.rate,
                period_from=today,
                period_to=today,
            )
        ],
        taxes=[
            Tax(
                category=usual.category,
                rate=usual.rate,
                name=studio.tax_label or label_of("en"),
                basis=total,
                amount=tax,
                reason=usual.reason or reason_of(usual.category, "en"),
            )
        ],
        subtotal=total,
        discount=Decimal(0),
        net=total,
        tax=tax,
        total=total + tax,
        due=total + tax,
        terms=client.default_payment_terms,
        payment=payment_to(studio, "SAMPLE-1"),
    )


class Days(NamedTuple):
    """The first and the last day of the work on a line."""

    first: date
    last: date


def look_of(ctx: Context, studio: Workspace, client: Client) -> Look:
    """How the studio's documents look, in the client's language."""
    language = client.language or studio.language
    return Look(
        layout=studio.invoice_layout,
        paper="LETTER" if studio.invoice_paper == "LETTER" else "A4",
        color=studio.brand_color,
        language=language,
        locale=client.locale or (studio.locale if language == studio.language else None),
        logo=files.logo(ctx),
    )


def payment_to(studio: Workspace, reference: str) -> Payment | None:
    """Where to pay; None where the studio says nothing about it."""
    if studio.iban is None and studio.payment_instructions is None:
        return None
    return Payment(
        iban=studio.iban,
        bic=studio.bic,
        bank=studio.bank_name,
        account_holder=studio.account_holder or studio.legal_name or studio.name,
        reference=reference,
        instructions=studio.payment_instructions,
    )


def _seller(invoice: Invoice, studio: Workspace, *, draft: bool) -> Party:
    """The studio as it was when the invoice was issued; of a draft, as it is."""
    now = invoices.issuer(studio)
    return _studio(studio, now if draft else {name: getattr(invoice, name) for name in now})


def _studio(studio: Workspace, said: Mapping[str, str | None]) -> Party:
    """The studio by what was said of it; what is not frozen, as it is."""
    legal, trade = said["issuer_name"] or studio.name, studio.name
    same = said["issuer_address"] == invoices.issuer(studio)["issuer_address"]
    vat_id, tax_number = _tax_ids(said["issuer_tax_id"], studio.country_code)
    return Party(
        name=legal,
        trade_name=trade if trade != legal else None,
        address=_studio_address(studio) if same else Address(text=said["issuer_address"]),
        vat_id=vat_id,
        tax_number=tax_number or studio.tax_number,
        registration=studio.registration,
        contact_name=studio.contact_name,
        phone=studio.business_phone,
        email=said["issuer_email"],
        website=studio.business_website,
        endpoint_scheme=studio.endpoint_scheme,
        endpoint=studio.endpoint,
    )


def _buyer(invoice: Invoice, client: Client, *, draft: bool) -> Party:
    """The client as they were when the invoice was issued; of a draft, as they are."""
    now = invoices.bill_to(client)
    said = now if draft else {name: getattr(invoice, name) for name in now}
    return _client(client, said, draft=draft)


def _client(client: Client, said: Mapping[str, str | None], *, draft: bool) -> Party:
    now = invoices.bill_to(client)
    same = (said["bill_to_address"], said["bill_to_country"]) == (now["bill_to_address"], now["bill_to_country"])
    vat_id, tax_number = _tax_ids(said["bill_to_tax_number"], _country(client))
    return Party(
        name=said["bill_to_name"] or client.name,
        address=_address(client)
        if same
        else Address(
            country=said["bill_to_country"],
            country_code=countries.code_of(said["bill_to_country"]),
            text=said["bill_to_address"],
        ),
        vat_id=vat_id,
        tax_number=tax_number,
        registration=client.registration,
        contact_name=client.contact_name if draft or same else None,
        email=said["bill_to_email"],
        endpoint_scheme=client.endpoint_scheme,
        endpoint=client.endpoint,
    )


def _address(client: Client) -> Address:
    """By its lines, where there are some."""
    written = (client.billing_line1, client.billing_line2, client.billing_city, client.billing_postal_code)
    return Address(
        line1=client.billing_line1,
        line2=client.billing_line2,
        city=client.billing_city,
        postal_code=client.billing_postal_code,
        region=client.billing_region,
        country=client.billing_country,
        country_code=_country(client),
        text=None if any(written) else client.billing_address,
    )


def _country(client: Client) -> str | None:
    return client.country_code or countries.code_of(client.billing_country)


def _studio_address(studio: Workspace) -> Address:
    """By its lines, where there are some."""
    written = (studio.business_line1, studio.business_line2, studio.business_city, studio.business_postal_code)
    return Address(
        line1=studio.business_line1,
        line2=studio.business_line2,
        city=studio.business_city,
        postal_code=studio.business_postal_code,
        region=studio.business_region,
        country=countries.name_of(studio.country_code),
        country_code=studio.country_code,
        text=None if any(written) else studio.business_address,
    )


def _tax_ids(number: str | None, country: str | None) -> tuple[str | None, str | None]:
    """The VAT id, and what is a tax number of another kind."""
    if number is None:
        return None, None
    vat_id = tax_ids.vat_id(number, country)
    return (vat_id, None) if vat_id is not None else (None, number.strip() or None)


def _project(ctx: Context, invoice: Invoice, lines: Sequence[InvoiceLine]) -> str | None:
    """The project it is about: said so, or the only one of all lines."""
    ids = {invoice.project_id} if invoice.project_id is not None else {line.project_id for line in lines}
    project_id = ids.pop() if len(ids) == 1 else None
    found = None if project_id is None else ctx.row(_PROJECT, id=project_id)
    return None if found is None else found[0]


def _line(number: int, line: InvoiceLine, currency: str, days: Days | None) -> Line:
    gross = line.gross_total is not None
    category: TaxCategory = line.treatment.category
    return Line(
        number=number,
        id=line.id,
        heading=line.heading,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_code=unit_code(line.unit),
        price=_net_price(line, currency) if gross else line.rate,
        discount_percent=line.discount_percent,
        discount_amount=line.discount_amount,
        total=line.total,
        gross_price=line.rate if gross else None,
        gross_total=line.gross_total,
        tax_category=category,
        tax_rate=line.tax_rate,
        period_from=None if days is None else days.first,
        period_to=None if days is None else days.last,
    )


def _net_price(line: InvoiceLine, currency: str) -> Decimal:
    """The price without the tax in it, with as many decimals as it takes to come to the line's net amount."""
    exact = without_tax(line.rate, line.tax_rate or Decimal(0))
    before = line.total + line.discount_amount
    if line.quantity == 0:
        return round(exact, 4)
    for price in (exact, before / line.quantity):  # the second where the line took a unit of what rounding left over
        for places in _DECIMALS:
            if line_total(line.quantity, round(price, places), currency) == before:
                return round(price, places)
    return round(before / line.quantity, _DECIMALS[-1])


def _discount(share: InvoiceTax, invoice: Invoice) -> Discount:
    return Discount(
        amount=share.discount,
        percent=invoice.discount_percent,
        tax_category=_category(share),
        tax_rate=share.rate,
        reason=DISCOUNT,
    )


def _tax(tax: InvoiceTax, language: str) -> Tax:
    category = _category(tax)
    return Tax(
        category=category,
        rate=tax.rate,
        name=tax.name or label_of(language),
        basis=tax.basis,
        amount=tax.amount,
        reason=tax.reason or reason_of(category, language),
        reason_code=tax.reason_code,
    )


def _category(tax: InvoiceTax) -> TaxCategory:
    category: TaxCategory = tax.category  # type: ignore[assignment]  # the CHECK says so
    return category


DISCOUNT: Final = "Discount"
_DECIMALS: Final = (2, 3, 4, 6, 8, 10, 12)
_DAYS = Prepared(
    text("""
        SELECT billed.line_id, min(COALESCE(entry.entry_date, spent.expense_date)),
               max(COALESCE(entry.entry_date, spent.expense_date))
        FROM billed_work AS billed
        LEFT JOIN time_entries AS entry ON entry.workspace_id = billed.workspace_id AND entry.id = billed.entry_id
        LEFT JOIN expenses AS spent ON spent.workspace_id = billed.workspace_id AND spent.id = billed.expense_id
        WHERE billed.workspace_id = :workspace AND billed.invoice_id = :invoice_id
          AND (billed.entry_id IS NOT NULL OR billed.expense_id IS NOT NULL)
        GROUP BY billed.line_id
    """)
)
_PROJECT = Prepared(text("SELECT name FROM projects WHERE workspace_id = :workspace AND id = :id"))
