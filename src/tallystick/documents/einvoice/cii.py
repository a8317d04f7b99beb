"""UN/CEFACT Cross Industry Invoice: the syntax of Factur-X, ZUGFeRD and, here, XRechnung."""

from __future__ import annotations

from datetime import date
from typing import Final

from tallystick.documents.einvoice import parts
from tallystick.documents.einvoice.parts import amount, group, leaf, number
from tallystick.values.document import Address, Discount, Document, Line, Party, Payment, Profile, Tax
from tallystick.values.tax import TaxCategory

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<rsm:CrossIndustryInvoice'
    ' xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"'
    ' xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"'
    ' xmlns:qdt="urn:un:unece:uncefact:data:standard:QualifiedDataType:100"'
    ' xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">'
)


def invoice(document: Document, profile: Profile) -> bytes:
    """The document in CII. Elements stand in the order of the schema; the numbers are those of EN 16931."""
    text = "".join(
        (
            _HEAD,
            group(
                "rsm:ExchangedDocumentContext",
                group(
                    "ram:BusinessProcessSpecifiedDocumentContextParameter",
                    leaf("ram:ID", parts.process(profile)),  # BT-23
                ),
                group(
                    "ram:GuidelineSpecifiedDocumentContextParameter",
                    leaf("ram:ID", parts.SPECIFICATIONS[profile]),  # BT-24
                ),
            ),
            group(
                "rsm:ExchangedDocument",
                leaf("ram:ID", document.number),  # BT-1
                leaf("ram:TypeCode", parts.INVOICE if document.kind == "INVOICE" else parts.CREDIT_NOTE),  # BT-3
                _day("ram:IssueDateTime", document.issue_date),  # BT-2
                group("ram:IncludedNote", leaf("ram:Content", parts.note(document))),  # BT-22
            ),
            group(
                "rsm:SupplyChainTradeTransaction",
                *(_line(line, document) for line in document.lines),
                _agreement(document, profile),
                _delivery(document),
                _settlement(document, profile),
            ),
            "</rsm:CrossIndustryInvoice>",
        )
    )
    return text.encode()


def _line(line: Line, document: Document) -> str:
    """BG-25."""
    return group(
        "ram:IncludedSupplyChainTradeLineItem",
        group(
            "ram:AssociatedDocumentLineDocument",
            leaf("ram:LineID", str(line.number)),  # BT-126
            group("ram:IncludedNote", leaf("ram:Content", line.heading)),  # BT-127
        ),
        group(
            "ram:SpecifiedTradeProduct",
            leaf("ram:Name", parts.title(line)),  # BT-153
            leaf("ram:Description", parts.more(line)),  # BT-154
        ),
        group(
            "ram:SpecifiedLineTradeAgreement",
            group("ram:NetPriceProductTradePrice", leaf("ram:ChargeAmount", number(line.price))),  # BT-146
        ),
        group(
            "ram:SpecifiedLineTradeDelivery",
            leaf("ram:BilledQuantity", number(line.quantity), unitCode=line.unit_code),  # BT-129, BT-130
        ),
        group(
            "ram:SpecifiedLineTradeSettlement",
            group(
                "ram:ApplicableTradeTax",
                leaf("ram:TypeCode", "VAT"),
                leaf("ram:CategoryCode", parts.category(line.tax_category)),  # BT-151
                leaf("ram:RateApplicablePercent", parts.rate(line.tax_category, line.tax_rate)),  # BT-152
            ),
            _period(line.period_from, line.period_to),  # BG-26
            _line_discount(line, document.currency),
            group(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                leaf("ram:LineTotalAmount", amount(line.total)),  # BT-131
            ),
        ),
    )


def _line_discount(line: Line, currency: str) -> str:
    """BG-27."""
    if not line.discount_amount:
        return ""
    basis = parts.basis_of_line(line, currency)
    return group(
        "ram:SpecifiedTradeAllowanceCharge",
        group("ram:ChargeIndicator", leaf("udt:Indicator", "false")),
        leaf("ram:CalculationPercent", number(basis.percent)) if basis else "",  # BT-138
        leaf("ram:BasisAmount", amount(basis.amount)) if basis else "",  # BT-137
        leaf("ram:ActualAmount", amount(line.discount_amount)),  # BT-136
        leaf("ram:ReasonCode", parts.DISCOUNT),  # BT-140
    )


def _agreement(document: Document, profile: Profile) -> str:
    return group(
        "ram:ApplicableHeaderTradeAgreement",
        leaf("ram:BuyerReference", document.buyer_reference),  # BT-10
        _party("ram:SellerTradeParty", document.seller, document, profile, seller=True),  # BG-4
        _party("ram:BuyerTradeParty", document.buyer, document, profile),  # BG-7
        group("ram:BuyerOrderReferencedDocument", leaf("ram:IssuerAssignedID", document.po_number)),  # BT-13
        group(
            "ram:SpecifiedProcuringProject",
            leaf("ram:ID", document.project),  # BT-11
            leaf("ram:Name", document.project),
        ),
    )


def _party(name: str, party: Party, document: Document, profile: Profile, *, seller: bool = False) -> str:
    scheme, registered = parts.registration(party)
    reached = parts.endpoint(party, profile)
    return group(
        name,
        leaf("ram:Name", party.name),  # BT-27, BT-44
        leaf("ram:Description", document.footer) if seller else "",  # BT-33
        group(
            "ram:SpecifiedLegalOrganization",
            leaf("ram:ID", registered, schemeID=scheme),  # BT-30, BT-47
            leaf("ram:TradingBusinessName", party.trade_name),  # BT-28, BT-45
        ),
        group(
            "ram:DefinedTradeContact",  # BG-6, BG-9
            leaf("ram:PersonName", party.contact_name),
            group("ram:TelephoneUniversalCommunication", leaf("ram:CompleteNumber", party.phone)),
            group("ram:EmailURIUniversalCommunication", leaf("ram:URIID", party.email)),
        ),
        _address(party.address),
        group(
            "ram:URIUniversalCommunication",
            leaf("ram:URIID", reached.address, schemeID=reached.scheme) if reached else "",  # BT-34, BT-49
        ),
        _tax_registration("VA", parts.vat_id(party, document)),  # BT-31, BT-48
        _tax_registration("FC", party.tax_number) if seller else "",  # BT-32
    )


def _tax_registration(scheme: str, number_: str | None) -> str:
    return group("ram:SpecifiedTaxRegistration", leaf("ram:ID", number_, schemeID=scheme))


def _address(address: Address) -> str:
    first, second, third = parts.address_lines(address)
    return group(
        "ram:PostalTradeAddress",
        leaf("ram:PostcodeCode", address.postal_code),
        leaf("ram:LineOne", first),
        leaf("ram:LineTwo", second),
        leaf("ram:LineThree", third),
        leaf("ram:CityName", address.city),
        leaf("ram:CountryID", address.country_code),
        leaf("ram:CountrySubDivisionName", address.region),
    )


def _delivery(document: Document) -> str:
    to = parts.delivered_to(document)
    return group(
        "ram:ApplicableHeaderTradeDelivery",
        group("ram:ShipToTradeParty", _address(to)) if to else "",  # BG-15
        group("ram:ActualDeliverySupplyChainEvent", _day("ram:OccurrenceDateTime", parts.delivered_on(document))),
    )


def _settlement(document: Document, profile: Profile) -> str:
    return group(
        "ram:ApplicableHeaderTradeSettlement",
        leaf("ram:PaymentReference", document.payment.reference) if document.payment else "",  # BT-83
        leaf("ram:InvoiceCurrencyCode", document.currency),  # BT-5
        _means(document.payment, document.currency) if document.payment else "",
        *(_tax(tax, profile) for tax in document.taxes),
        _period(document.period_from, document.period_to),  # BG-14
        *(_discount(discount, document) for discount in document.discounts if discount.amount),
        group(
            "ram:SpecifiedTradePaymentTerms",
            leaf("ram:Description", parts.terms(document)),  # BT-20
            _day("ram:DueDateDateTime", parts.due_date(document)),  # BT-9
        ),
        group(
            "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
            leaf("ram:LineTotalAmount", amount(document.subtotal)),  # BT-106
            leaf("ram:AllowanceTotalAmount", amount(document.discount)) if document.discount else "",  # BT-107
            leaf("ram:TaxBasisTotalAmount", amount(document.net)),  # BT-109
            leaf("ram:TaxTotalAmount", amount(document.tax), currencyID=document.currency),  # BT-110
            leaf("ram:GrandTotalAmount", amount(document.total)),  # BT-112
            leaf("ram:TotalPrepaidAmount", amount(document.paid)) if document.paid else "",  # BT-113
            leaf("ram:DuePayableAmount", amount(document.due)),  # BT-115
        ),
        group(
            "ram:InvoiceReferencedDocument",  # BG-3
            leaf("ram:IssuerAssignedID", document.preceding_number),
            _day("ram:FormattedIssueDateTime", document.preceding_date, "qdt") if document.preceding_number else "",
        ),
    )


def _means(payment: Payment, currency: str) -> str:
    """BG-16."""
    bank = bool(parts.clean(payment.iban))
    return group(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        leaf("ram:TypeCode", parts.means(payment, currency)),  # BT-81
        group(
            "ram:PayeePartyCreditorFinancialAccount",  # BG-17
            leaf("ram:IBANID", "".join((payment.iban or "").split())),
            leaf("ram:AccountName", payment.account_holder) if bank else "",
        ),
        group("ram:PayeeSpecifiedCreditorFinancialInstitution", leaf("ram:BICID", payment.bic)) if bank else "",
    )


def _tax(tax: Tax, profile: Profile) -> str:
    """BG-23."""
    code, reason = parts.exemption(tax)
    return group(
        "ram:ApplicableTradeTax",
        leaf("ram:CalculatedAmount", amount(tax.amount)),  # BT-117
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:ExemptionReason", reason),  # BT-120
        leaf("ram:BasisAmount", amount(tax.basis)),  # BT-116
        leaf("ram:CategoryCode", parts.category(tax.category)),  # BT-118
        leaf("ram:ExemptionReasonCode", code),  # BT-121
        leaf("ram:RateApplicablePercent", parts.rate_of_tax(tax, profile)),  # BT-119
    )


def _discount(discount: Discount, document: Document) -> str:
    """BG-20."""
    basis = parts.basis_of_discount(discount, document)
    return group(
        "ram:SpecifiedTradeAllowanceCharge",
        group("ram:ChargeIndicator", leaf("udt:Indicator", "false")),
        leaf("ram:CalculationPercent", number(basis.percent)) if basis else "",  # BT-94
        leaf("ram:BasisAmount", amount(basis.amount)) if basis else "",  # BT-93
        leaf("ram:ActualAmount", amount(discount.amount)),  # BT-92
        leaf("ram:ReasonCode", parts.DISCOUNT),  # BT-98
        leaf("ram:Reason", discount.reason),  # BT-97
        _category("ram:CategoryTradeTax", discount.tax_category, parts.rate(discount.tax_category, discount.tax_rate)),
    )


def _category(name: str, category: TaxCategory, rate: str | None) -> str:
    return group(
        name,
        leaf("ram:TypeCode", "VAT"),
        leaf("ram:CategoryCode", parts.category(category)),
        leaf("ram:RateApplicablePercent", rate),
    )


def _period(first: date | None, last: date | None) -> str:
    return group("ram:BillingSpecifiedPeriod", _day("ram:StartDateTime", first), _day("ram:EndDateTime", last))


def _day(name: str, day: date | None, types: str = "udt") -> str:
    """A day, as `20261129`."""
    return group(name, leaf(f"{types}:DateTimeString", day.strftime("%Y%m%d"), format="102")) if day else ""
