"""From an official rule to the field of ours that breaks it, and what the person does now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from tallystick.documents.einvoice.rules import Finding
from tallystick.values.document import Problem, Profile


class Remedy(NamedTuple):
    """`field` is one of `/organization` (workspace), `/clients` (client) or the invoice; `lines[]` becomes the line."""

    field: str
    sentence: str


_ADDRESS_SELLER: Final = "Complete the workspace's address: "
_ADDRESS_BUYER: Final = "Complete the client's billing address: "
_CATEGORY_SELLER: Final = "Add the VAT id of the workspace, or its tax number where it has no VAT id."
_CATEGORY_BOTH: Final = (
    "This kind of supply needs the VAT ids of both sides: add them to the workspace and to the client."
)
_ADDS_UP: Final = "This is Tallystick's arithmetic, not yours: rebuild the draft, and report it if it stays."
_RATE_ZERO: Final = "A line of this tax category has a tax rate of 0: set its rate to 0, or choose another category."
_RATE: Final = "Set the tax rate of the line, above 0; for what is not taxed choose a tax category that says why."
_REASON: Final = (
    "Say why it is not taxed: give the tax rate of the workspace a reason, or the line a category that has one."
)
_ENDPOINT_SELLER: Final = (
    "Add the electronic address of the workspace, with its scheme, such as 9930 for a German VAT id or EM for e-mail."
)
_ENDPOINT_BUYER: Final = (
    "Ask the client for their electronic address and its scheme, and add both to the client; for Peppol it is their "
    "participant id, such as 0208:0123456789."
)
_REFERENCE: Final = (
    "Ask the client what they want to read as reference, and add it to the client; public bodies in Germany call it "
    "Leitweg-ID."
)
_BANK: Final = "Add the bank account of the workspace: IBAN, and the BIC where it is abroad."
_IBAN: Final = "Check the IBAN of the workspace: its check digits are wrong."
_OUTSIDE: Final = "What is outside of the scope of VAT stands alone: put it on an invoice of its own."
_REGISTRATION: Final = (
    "Add the number in the trade register to the workspace; without a VAT id something has to identify the seller."
)
_PERIOD_ORDER: Final = "The last day of the period is before the first: correct the days of the work."
_PERIOD_WITHIN: Final = "The days of a line lie outside of those of the invoice: rebuild the draft."
_CODE_COUNTRY: Final = "Use the two letters of ISO 3166-1, such as DE."
_CODE_SCHEME: Final = "Use a code of the list of electronic address schemes (EAS), such as 0088, 9930 or EM."

REMEDIES: Final[Mapping[str, Remedy]] = {
    # what every invoice has
    "BR-01": Remedy("invoice", _ADDS_UP),
    "BR-02": Remedy("invoice.number", "Issue the invoice; that gives it a number."),
    "BR-05": Remedy("invoice.currency", "Give the client a currency."),
    "BR-06": Remedy("workspace.legalName", "Add the legal name of the workspace."),
    "BR-07": Remedy("client.name", "Give the client a name."),
    "BR-08": Remedy("workspace.businessLine1", _ADDRESS_SELLER + "street, postal code, city and country code."),
    "BR-09": Remedy("workspace.countryCode", _ADDRESS_SELLER + "its country code, such as DE, is missing."),
    "BR-10": Remedy("client.billingLine1", _ADDRESS_BUYER + "street, postal code, city and country code."),
    "BR-11": Remedy("client.countryCode", _ADDRESS_BUYER + "its country code, such as DE, is missing."),
    "BR-16": Remedy("invoice.lines", "Put at least one line on the invoice."),
    "BR-22": Remedy("lines[].quantity", "Give the line a quantity."),
    "BR-23": Remedy("lines[].unit", "Give the line a unit, such as h or each."),
    "BR-25": Remedy("lines[].description", "Give the line a description."),
    "BR-26": Remedy("lines[].rate", "Give the line a price."),
    "BR-27": Remedy("lines[].rate", "A price cannot be negative: make it a discount, or a credit note."),
    "BR-29": Remedy("invoice.period", _PERIOD_ORDER),
    "BR-30": Remedy("lines[].period", _PERIOD_ORDER),
    "BR-33": Remedy("invoice.discount", "Say why the discount is given."),
    "BR-48": Remedy("invoice.taxRate", _RATE),
    "BR-50": Remedy("workspace.iban", _BANK),
    "BR-55": Remedy("creditNote.invoiceId", "A credit note names the invoice it corrects."),
    "BR-57": Remedy("client.countryCode", _ADDRESS_BUYER + "its country code, such as FR, is missing."),
    "BR-61": Remedy("workspace.iban", _BANK),
    "BR-62": Remedy("workspace.endpointScheme", _ENDPOINT_SELLER),
    "BR-63": Remedy("client.endpointScheme", _ENDPOINT_BUYER),
    # what must hold between fields
    "BR-CO-04": Remedy("lines[].taxCategory", "Choose the tax category of the line."),
    "BR-CO-09": Remedy("taxId", "A VAT id begins with the letters of its country, such as DE123456789 (Greece: EL)."),
    "BR-CO-10": Remedy("invoice.subtotal", _ADDS_UP),
    "BR-CO-11": Remedy("invoice.discountAmount", _ADDS_UP),
    "BR-CO-13": Remedy("invoice.subtotal", _ADDS_UP),
    "BR-CO-14": Remedy("invoice.taxAmount", _ADDS_UP),
    "BR-CO-15": Remedy("invoice.total", _ADDS_UP),
    "BR-CO-16": Remedy("invoice.balance", _ADDS_UP),
    "BR-CO-17": Remedy("invoice.taxAmount", _ADDS_UP),
    "BR-CO-18": Remedy("invoice.lines", "Put at least one line on the invoice: without any there is nothing to tax."),
    "BR-CO-19": Remedy("invoice.period", "Give the first or the last day of the work."),
    "BR-CO-20": Remedy("lines[].period", "Give the first or the last day of the work."),
    "BR-CO-26": Remedy("workspace.registration", _REGISTRATION),
    # code lists
    "BR-CL-03": Remedy("invoice.currency", "Use an ISO 4217 currency code."),
    "BR-CL-04": Remedy("invoice.currency", "Use an ISO 4217 currency code."),
    "BR-CL-10": Remedy("registration", "The scheme of a register is four digits of ISO 6523, such as 0106."),
    "BR-CL-11": Remedy("registration", "The scheme of a register is four digits of ISO 6523, such as 0106."),
    "BR-CL-14": Remedy("countryCode", _CODE_COUNTRY),
    "BR-CL-15": Remedy("countryCode", _CODE_COUNTRY),
    "BR-CL-17": Remedy("invoice.taxRate", "Choose another tax category."),
    "BR-CL-18": Remedy("lines[].taxCategory", "Choose another tax category."),
    "BR-CL-22": Remedy("invoice.taxRate", "The code of the reason for not taxing is not one of the VATEX list."),
    "BR-CL-23": Remedy("lines[].unit", "Use a unit that everybody knows, such as h, day or each."),
    "BR-CL-25": Remedy("endpointScheme", _CODE_SCHEME),
    # not taxed: what each category asks for beyond the tables below
    "BR-IC-11": Remedy(
        "invoice.period", "A supply within the EU says when it was delivered: give the lines their days."
    ),
    "BR-IC-12": Remedy("client.countryCode", _ADDRESS_BUYER + "its country code, such as FR, is missing."),
    "BR-O-02": Remedy("invoice.taxCategory", "What is outside of the scope of VAT is invoiced without VAT ids."),
    "BR-O-11": Remedy("lines[].taxCategory", _OUTSIDE),
    "BR-O-12": Remedy("lines[].taxCategory", _OUTSIDE),
    "BR-O-13": Remedy("invoice.discount", _OUTSIDE),
    # XRechnung
    "BR-DE-1": Remedy("workspace.iban", _BANK),
    "BR-DE-2": Remedy(
        "workspace.contactName", "Name whom the client may ask: contact, phone and e-mail of the workspace."
    ),
    "BR-DE-3": Remedy("workspace.businessCity", _ADDRESS_SELLER + "its city is missing."),
    "BR-DE-4": Remedy("workspace.businessPostalCode", _ADDRESS_SELLER + "its postal code is missing."),
    "BR-DE-5": Remedy("workspace.contactName", "Name whom the client may ask at the workspace."),
    "BR-DE-6": Remedy("workspace.businessPhone", "Add the phone number of the workspace."),
    "BR-DE-7": Remedy("workspace.businessEmail", "Add the e-mail address of the workspace."),
    "BR-DE-8": Remedy("client.billingCity", _ADDRESS_BUYER + "its city is missing."),
    "BR-DE-9": Remedy("client.billingPostalCode", _ADDRESS_BUYER + "its postal code is missing."),
    "BR-DE-10": Remedy("client.billingCity", _ADDRESS_BUYER + "its city is missing."),
    "BR-DE-11": Remedy("client.billingPostalCode", _ADDRESS_BUYER + "its postal code is missing."),
    "BR-DE-14": Remedy("invoice.taxRate", _RATE),
    "BR-DE-15": Remedy("client.buyerReference", _REFERENCE),
    "BR-DE-16": Remedy("workspace.taxId", _CATEGORY_SELLER),
    "BR-DE-18": Remedy(
        "client.defaultPaymentTerms",
        "Terms with a # at the beginning of a line are read as a discount for early payment, such as "
        "#SKONTO#TAGE=14#PROZENT=2.00#; write them so, or without the #.",
    ),
    "BR-DE-19": Remedy("workspace.iban", _IBAN),
    "BR-DE-23-a": Remedy("workspace.iban", _BANK),
    "BR-DE-27": Remedy("workspace.businessPhone", "A phone number has at least three digits."),
    "BR-DE-28": Remedy("workspace.businessEmail", "Check the e-mail address of the workspace."),
    # Peppol, and what XRechnung took from it
    "PEPPOL-EN16931-R003": Remedy(
        "client.buyerReference", "Add the client's reference, or put their purchase order number on the invoice."
    ),
    "PEPPOL-EN16931-R008": Remedy("invoice", _ADDS_UP),
    "PEPPOL-EN16931-R010": Remedy("client.endpoint", _ENDPOINT_BUYER),
    "PEPPOL-EN16931-R020": Remedy("workspace.endpoint", _ENDPOINT_SELLER),
    "PEPPOL-EN16931-R040": Remedy("discount", _ADDS_UP),
    "PEPPOL-EN16931-R110": Remedy("lines[].period", _PERIOD_WITHIN),
    "PEPPOL-EN16931-R111": Remedy("lines[].period", _PERIOD_WITHIN),
    "PEPPOL-EN16931-R120": Remedy("lines[].total", _ADDS_UP),
    "PEPPOL-EN16931-CL007": Remedy("invoice.currency", "Use an ISO 4217 currency code."),
    "PEPPOL-EN16931-CL008": Remedy("endpointScheme", _CODE_SCHEME),
    "NL-R-002": Remedy("workspace.businessLine1", _ADDRESS_SELLER + "street, postal code and city."),
    "NL-R-003": Remedy("workspace.registration", "Add the KVK or OIN number to the workspace, as 0106:12345678."),
    "NL-R-004": Remedy("client.billingLine1", _ADDRESS_BUYER + "street, postal code and city."),
    "NL-R-005": Remedy("client.registration", "Add the client's KVK or OIN number, as 0106:12345678."),
    "NL-R-007": Remedy("workspace.iban", _BANK),
    "NL-R-008": Remedy("workspace.iban", _BANK),
    "DK-R-002": Remedy("workspace.registration", "Add the CVR number to the workspace, as 0184:12345678."),
    "DK-R-014": Remedy("workspace.registration", "Write the CVR number with its scheme, as 0184:12345678."),
    "SE-R-003": Remedy("workspace.registration", "A Swedish organisation number is ten digits."),
    "SE-R-004": Remedy("workspace.registration", "A Swedish organisation number is ten digits."),
    "NO-R-001": Remedy("workspace.taxId", "A Norwegian VAT id is NO, nine digits and MVA."),
    "IT-R-001": Remedy("workspace.taxNumber", "An Italian tax number has 11 to 16 characters."),
    "IT-R-002": Remedy("workspace.businessLine1", _ADDRESS_SELLER + "its first line is missing."),
    "IT-R-003": Remedy("workspace.businessCity", _ADDRESS_SELLER + "its city is missing."),
    "IT-R-004": Remedy("workspace.businessPostalCode", _ADDRESS_SELLER + "its postal code is missing."),
    "IS-R-002": Remedy("workspace.registration", "Add the kennitala to the workspace, as 0196:1234567890."),
    "IS-R-003": Remedy("workspace.businessLine1", _ADDRESS_SELLER + "street and postal code."),
    "IS-R-004": Remedy("client.registration", "Add the client's kennitala, as 0196:1234567890."),
    "IS-R-005": Remedy("client.billingLine1", _ADDRESS_BUYER + "street and postal code."),
}

_FAMILIES: Final = tuple(
    (re.compile(pattern), remedy)
    for pattern, remedy in (
        (r"BR-(S|Z|E)-0[234]", Remedy("workspace.taxId", _CATEGORY_SELLER)),
        (r"BR-G-0[234]", Remedy("workspace.taxId", "An export needs the VAT id of the workspace.")),
        (r"BR-(AE|IC)-0[234]", Remedy("client.taxNumber", _CATEGORY_BOTH)),
        (r"BR-S-0[567]", Remedy("lines[].taxRate", _RATE)),
        (r"BR-(Z|E|AE|IC|G)-0[567]", Remedy("lines[].taxRate", _RATE_ZERO)),
        (r"BR-O-0[34567]", Remedy("lines[].taxCategory", _OUTSIDE)),
        (r"BR-(S|Z|E|AE|IC|G|O)-(01|08|09)", Remedy("invoice.taxAmount", _ADDS_UP)),
        (r"BR-(E|AE|IC|G|O)-10", Remedy("invoice.taxReason", _REASON)),
        (r"BR-(S|Z)-10", Remedy("invoice.taxReason", "What is taxed has no reason for not being taxed: remove it.")),
        (r"BR-O-14", Remedy("invoice.discount", _OUTSIDE)),
        (
            r"BR-DEC-.*",
            Remedy("invoice.currency", "EN 16931 knows no more than two decimals: bill in another currency."),
        ),
        (
            r"PEPPOL-COMMON-R04[0-9]|PEPPOL-COMMON-R050",
            Remedy("endpoint", "Check the number: it is not one of its scheme."),
        ),
        (
            r"PEPPOL-EN16931-P01[0-9]+",
            Remedy("lines[].taxCategory", "Category and reason do not fit: choose another rate."),
        ),
        (r"XSD", Remedy("invoice", _ADDS_UP)),
    )
)
_DEFAULT: Final = Remedy("invoice", "The rule says what is wrong. Correct it, or bill without an e-invoice profile.")
_PARTIES: Final = (
    (re.compile(r"SellerTradeParty|AccountingSupplierParty"), "workspace"),
    (re.compile(r"BuyerTradeParty|AccountingCustomerParty|ShipToTradeParty|DeliveryLocation"), "client"),
)
_OF_A_PARTY: Final[Mapping[str, tuple[str, str]]] = {
    "taxId": ("workspace.taxId", "client.taxNumber"),
    "countryCode": ("workspace.countryCode", "client.countryCode"),
    "endpointScheme": ("workspace.endpointScheme", "client.endpointScheme"),
    "endpoint": ("workspace.endpoint", "client.endpoint"),
    "registration": ("workspace.registration", "client.registration"),
}
"""Fields that both sides have: whose it is, the location of the finding says."""
_LINE: Final = re.compile(r"(?:IncludedSupplyChainTradeLineItem|InvoiceLine|CreditNoteLine)[^/]*?\[([0-9]+)\](?=/|$)")


def problem_of(finding: Finding) -> Problem:
    """The finding with our field and what to do about it."""
    remedy = _remedy(finding.rule)
    message = finding.message.removeprefix(f"[{finding.rule}]").lstrip(" -–")
    return Problem(finding.rule, _field(remedy.field, finding.location), message, remedy.sentence, finding.fatal)


def not_installed(profile: Profile, package: str) -> Problem:
    """That the rules themselves are missing: nobody can say that a document conforms."""
    return Problem(
        "RULES-MISSING",
        "server",
        f"The official rules of {profile} are not on this server ({package}).",
        "Run bin/setup on the server; it installs them.",
    )


def _remedy(rule: str) -> Remedy:
    exact = REMEDIES.get(rule)
    if exact is not None:
        return exact
    return next((remedy for pattern, remedy in _FAMILIES if pattern.fullmatch(rule)), _DEFAULT)


def _field(field: str, location: str) -> str:
    if field in _OF_A_PARTY:
        whose = next((who for pattern, who in _PARTIES if pattern.search(location)), "workspace")
        return _OF_A_PARTY[field][whose == "client"]
    if field.startswith("lines[]"):
        line = _LINE.search(location)
        return field.replace("[]", f"[{int(line[1]) - 1}]") if line else field
    return field
