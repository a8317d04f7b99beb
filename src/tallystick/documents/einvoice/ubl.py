"""OASIS UBL 2.1: the syntax of Peppol."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from tallystick.documents.einvoice import parts
from tallystick.documents.einvoice.parts import amount, group, leaf, number
from tallystick.values.document import Address, Discount, Document, Line, Party, Payment, Profile, Tax
from tallystick.values.tax import TaxCategory

_PREFIXES: Final = (
    ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
    ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)
_OTHER_TAX: Final = "TAX"
_PROJECT: Final = "50"
"""UNCL 1001, of a reference to a project: credit notes have no element of their own for it."""


class _Words(NamedTuple):
    """What invoices and credit notes call differently."""

    root: str
    type_code: str
    line: str
    quantity: str


_WORDS: Final = {
    "INVOICE": _Words("Invoice", "InvoiceTypeCode", "InvoiceLine", "InvoicedQuantity"),
    "CREDIT_NOTE": _Words("CreditNote", "CreditNoteTypeCode", "CreditNoteLine", "CreditedQuantity"),
}


def invoice(document: Document, profile: Profile) -> bytes:
    """The document in UBL. Elements stand in the order of the schema; the numbers are those of EN 16931."""
    words = _WORDS[document.kind]
    credit = document.kind == "CREDIT_NOTE"
    due = parts.due_date(document)
    text = "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            f'<{words.root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{words.root}-2"{_PREFIXES}>',
            leaf("cbc:CustomizationID", parts.SPECIFICATIONS[profile]),  # BT-24
            leaf("cbc:ProfileID", parts.process(profile)),  # BT-23
            leaf("cbc:ID", document.number),  # BT-1
            leaf("cbc:IssueDate", document.issue_date.isoformat()),  # BT-2
            "" if credit else _day("cbc:DueDate", due),  # BT-9
            leaf(f"cbc:{words.type_code}", parts.CREDIT_NOTE if credit else parts.INVOICE),  # BT-3
            leaf("cbc:Note", parts.note(document)),  # BT-22
            leaf("cbc:DocumentCurrencyCode", document.currency),  # BT-5
            leaf("cbc:BuyerReference", document.buyer_reference),  # BT-10
            _period(document.period_from, document.period_to),  # BG-14
            group("cac:OrderReference", leaf("cbc:ID", document.po_number)),  # BT-13
            _preceding(document),
            group(
                "cac:AdditionalDocumentReference",
                leaf("cbc:ID", document.project),  # BT-11
                leaf("cbc:DocumentTypeCode", _PROJECT),
            )
            if credit and parts.clean(document.project)
            else "",
            "" if credit else group("cac:ProjectReference", leaf("cbc:ID", document.project)),  # BT-11
            group("cac:AccountingSupplierParty", _party(document.seller, document, profile, seller=True)),  # BG-4
            group("cac:AccountingCustomerParty", _party(document.buyer, document, profile)),  # BG-7
            _delivery(document),
            _means(document.payment, document.currency, due if credit else None),
            group("cac:PaymentTerms", leaf("cbc:Note", parts.terms(document))),  # BT-20
            *(_discount(discount, document) for discount in document.discounts if discount.amount),
            group(
                "cac:TaxTotal",
                _amount("cbc:TaxAmount", document.tax, document),  # BT-110
                *(_tax(tax, document) for tax in document.taxes),
            ),
            group(
                "cac:LegalMonetaryTotal",
                _amount("cbc:LineExtensionAmount", document.subtotal, document),  # BT-106
                _amount("cbc:TaxExclusiveAmount", document.net, document),  # BT-109
                _amount("cbc:TaxInclusiveAmount", document.total, document),  # BT-112
                _amount("cbc:AllowanceTotalAmount", document.discount, document) if document.discount else "",  # BT-107
                _amount("cbc:PrepaidAmount", document.paid, document) if document.paid else "",  # BT-113
                _amount("cbc:PayableAmount", document.due, document),  # BT-115
            ),
            *(_line(line, document, words) for line in document.lines),
            f"</{words.root}>",
        )
    )
    return text.encode()


def _preceding(document: Document) -> str:
    """BG-3."""
    if not parts.clean(document.preceding_number):
        return ""
    return group(
        "cac:BillingReference",
        group(
            "cac:InvoiceDocumentReference",
            leaf("cbc:ID", document.preceding_number),
            _day("cbc:IssueDate", document.preceding_date),
        ),
    )


def _party(party: Party, document: Document, profile: Profile, *, seller: bool = False) -> str:
    scheme, registered = parts.registration(party)
    reached = parts.endpoint(party, profile)
    return group(
        "cac:Party",
        leaf("cbc:EndpointID", reached.address, schemeID=reached.scheme) if reached else "",  # BT-34, BT-49
        group("cac:PartyName", leaf("cbc:Name", party.trade_name)),  # BT-28, BT-45
        _address("cac:PostalAddress", party.address),
        _tax_scheme(parts.vat_id(party, document), "VAT"),  # BT-31, BT-48
        _tax_scheme(party.tax_number, _OTHER_TAX) if seller else "",  # BT-32
        group(
            "cac:PartyLegalEntity",
            leaf("cbc:RegistrationName", party.name),  # BT-27, BT-44
            leaf("cbc:CompanyID", registered, schemeID=scheme),  # BT-30, BT-47
            leaf("cbc:CompanyLegalForm", document.footer) if seller else "",  # BT-33
        ),
        group(
            "cac:Contact",  # BG-6, BG-9
            leaf("cbc:Name", party.contact_name),
            leaf("cbc:Telephone", party.phone),
            leaf("cbc:ElectronicMail", party.email),
        ),
    )


def _tax_scheme(number_: str | None, scheme: str) -> str:
    if not parts.clean(number_):
        return ""
    return group("cac:PartyTaxScheme", leaf("cbc:CompanyID", number_), group("cac:TaxScheme", leaf("cbc:ID", scheme)))


def _address(name: str, address: Address) -> str:
    first, second, third = parts.address_lines(address)
    return group(
        name,
        leaf("cbc:StreetName", first),
        leaf("cbc:AdditionalStreetName", second),
        leaf("cbc:CityName", address.city),
        leaf("cbc:PostalZone", address.postal_code),
        leaf("cbc:CountrySubentity", address.region),
        group("cac:AddressLine", leaf("cbc:Line", third)),
        group("cac:Country", leaf("cbc:IdentificationCode", address.country_code)),
    )


def _delivery(document: Document) -> str:
    to = parts.delivered_to(document)
    return group(
        "cac:Delivery",
        _day("cbc:ActualDeliveryDate", parts.delivered_on(document)),  # BT-72
        group("cac:DeliveryLocation", _address("cac:Address", to)) if to else "",  # BG-15
    )


def _means(payment: Payment | None, currency: str, due: date | None) -> str:
    """BG-16. Of a credit note it says when it is due, too: UBL has no other place for that."""
    if payment is None:
        return (
            group("cac:PaymentMeans", leaf("cbc:PaymentMeansCode", "1"), _day("cbc:PaymentDueDate", due)) if due else ""
        )
    bank = bool(parts.clean(payment.iban))
    return group(
        "cac:PaymentMeans",
        leaf("cbc:PaymentMeansCode", parts.means(payment, currency)),  # BT-81
        _day("cbc:PaymentDueDate", due),  # BT-9
        leaf("cbc:PaymentID", payment.reference),  # BT-83
        group(
            "cac:PayeeFinancialAccount",  # BG-17
            leaf("cbc:ID", "".join((payment.iban or "").split())),
            leaf("cbc:Name", payment.account_holder),
            group("cac:FinancialInstitutionBranch", leaf("cbc:ID", payment.bic)),
        )
        if bank
        else "",
    )


def _discount(discount: Discount, document: Document) -> str:
    """BG-20."""
    basis = parts.basis_of_discount(discount, document)
    return group(
        "cac:AllowanceCharge",
        leaf("cbc:ChargeIndicator", "false"),
        leaf("cbc:AllowanceChargeReasonCode", parts.DISCOUNT),  # BT-98
        leaf("cbc:AllowanceChargeReason", discount.reason),  # BT-97
        leaf("cbc:MultiplierFactorNumeric", number(basis.percent)) if basis else "",  # BT-94
        _amount("cbc:Amount", discount.amount, document),  # BT-92
        _amount("cbc:BaseAmount", basis.amount, document) if basis else "",  # BT-93
        _category("cac:TaxCategory", discount.tax_category, parts.rate(discount.tax_category, discount.tax_rate)),
    )


def _tax(tax: Tax, document: Document) -> str:
    """BG-23."""
    return group(
        "cac:TaxSubtotal",
        _amount("cbc:TaxableAmount", tax.basis, document),  # BT-116
        _amount("cbc:TaxAmount", tax.amount, document),  # BT-117
        _category("cac:TaxCategory", tax.category, parts.rate(tax.category, tax.rate), *parts.exemption(tax)),
    )


def _line(line: Line, document: Document, words: _Words) -> str:
    """BG-25."""
    return group(
        f"cac:{words.line}",
        leaf("cbc:ID", str(line.number)),  # BT-126
        leaf("cbc:Note", line.heading),  # BT-127
        leaf(f"cbc:{words.quantity}", number(line.quantity), unitCode=line.unit_code),  # BT-129, BT-130
        _amount("cbc:LineExtensionAmount", line.total, document),  # BT-131
        _period(line.period_from, line.period_to),  # BG-26
        _line_discount(line, document),
        group(
            "cac:Item",
            leaf("cbc:Description", parts.more(line)),  # BT-154
            leaf("cbc:Name", parts.title(line)),  # BT-153
            _category("cac:ClassifiedTaxCategory", line.tax_category, parts.rate(line.tax_category, line.tax_rate)),
        ),
        group("cac:Price", leaf("cbc:PriceAmount", number(line.price), currencyID=document.currency)),  # BT-146
    )


def _line_discount(line: Line, document: Document) -> str:
    """BG-27."""
    if not line.discount_amount:
        return ""
    basis = parts.basis_of_line(line, document.currency)
    return group(
        "cac:AllowanceCharge",
        leaf("cbc:ChargeIndicator", "false"),
        leaf("cbc:AllowanceChargeReasonCode", parts.DISCOUNT),  # BT-140
        leaf("cbc:MultiplierFactorNumeric", number(basis.percent)) if basis else "",  # BT-138
        _amount("cbc:Amount", line.discount_amount, document),  # BT-136
        _amount("cbc:BaseAmount", basis.amount, document) if basis else "",  # BT-137
    )


def _category(
    name: str, category: TaxCategory, rate: str | None, code: str | None = None, reason: str | None = None
) -> str:
    return group(
        name,
        leaf("cbc:ID", parts.category(category)),
        leaf("cbc:Percent", rate),
        leaf("cbc:TaxExemptionReasonCode", code),
        leaf("cbc:TaxExemptionReason", reason),
        group("cac:TaxScheme", leaf("cbc:ID", "VAT")),
    )


def _amount(name: str, value: Decimal, document: Document) -> str:
    return leaf(name, amount(value), currencyID=document.currency)


def _period(first: date | None, last: date | None) -> str:
    return group("cac:InvoicePeriod", _day("cbc:StartDate", first), _day("cbc:EndDate", last))


def _day(name: str, day: date | None) -> str:
    return leaf(name, day.isoformat()) if day else ""
