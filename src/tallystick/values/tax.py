"""VAT as EN 16931 sees it: the categories of a supply, their codes, and the reasons for not taxing one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeVar, get_args

Said = TypeVar("Said")
TaxCategory = Literal["STANDARD", "ZERO", "EXEMPT", "REVERSE_CHARGE", "INTRA_EU", "EXPORT", "OUTSIDE_SCOPE"]
TAX_CATEGORIES: Final[tuple[TaxCategory, ...]] = get_args(TaxCategory)

CODES: Final[dict[TaxCategory, str]] = {
    "STANDARD": "S",
    "ZERO": "Z",
    "EXEMPT": "E",
    "REVERSE_CHARGE": "AE",
    "INTRA_EU": "K",
    "EXPORT": "G",
    "OUTSIDE_SCOPE": "O",
}
"""UNCL 5305, as BT-151 and BT-118 take it."""

REASON_CODES: Final[dict[TaxCategory, str]] = {
    "REVERSE_CHARGE": "VATEX-EU-AE",
    "INTRA_EU": "VATEX-EU-IC",
    "EXPORT": "VATEX-EU-G",
    "OUTSIDE_SCOPE": "VATEX-EU-O",
}
"""BT-121. An exemption has many possible reasons: there the text (BT-120) says which."""

UNTAXED: Final[frozenset[TaxCategory]] = frozenset(TAX_CATEGORIES) - {"STANDARD"}
"""Categories whose rate is 0 (OUTSIDE_SCOPE: has none)."""

REASONED: Final[frozenset[TaxCategory]] = UNTAXED - {"ZERO"}
"""Categories of which the paper must say why (BR-E-10 and its sisters); the others must not (BR-S-10, BR-Z-10)."""


class Treatment(NamedTuple):
    """How a supply is taxed."""

    category: TaxCategory
    rate: Decimal | None
    """In percent: more than 0 where STANDARD, None where OUTSIDE_SCOPE, else 0."""
    reason: str | None = None
    """Why it is not taxed, in words of one's own; None: the usual ones."""
    tax_rate_id: str | None = None
    """The named rate of the workspace that says so."""


NO_TAX: Final = Treatment("OUTSIDE_SCOPE", None)
"""No tax is shown."""


def of_rate(rate: Decimal | None) -> Treatment:
    """What a bare rate means: none at all is no tax, 0 is zero-rated."""
    if rate is None:
        return NO_TAX
    return Treatment("STANDARD" if rate else "ZERO", rate)


def untaxed(category: TaxCategory, reason: str | None = None) -> Treatment:
    """The treatment by a category that has no tax."""
    return Treatment(category, None if category == "OUTSIDE_SCOPE" else Decimal(0), reason)


def order_of(category: TaxCategory, rate: Decimal | None) -> tuple[int, Decimal]:
    """By which the taxes of a document are sorted: as the categories above, the highest rate first."""
    return TAX_CATEGORIES.index(category), -(rate or Decimal(0))


def label_of(language: str) -> str:
    """What the tax is called in a language."""
    return _in(language, _LABELS)


def reason_of(category: TaxCategory, language: str) -> str | None:
    """The usual text for not taxing such a supply, in a language; None where none is written."""
    return _in(language, _REASONS)[category] if category in REASONED else None


def _in(language: str, texts: Mapping[str, Said]) -> Said:
    """By the language, whatever its region; English where there is none."""
    return texts.get(language.replace("_", "-").split("-", maxsplit=1)[0].lower(), texts["en"])


_LABELS: Final = {
    "en": "VAT",
    "de": "USt.",
    "fr": "TVA",
    "es": "IVA",
    "it": "IVA",
    "nl": "btw",
    "pt": "IVA",
    "pl": "VAT",
    "ja": "消費税",
    "ar": "ضريبة القيمة المضافة",
}
_REASONS: Final[dict[str, dict[TaxCategory, str]]] = {
    "en": {
        "EXEMPT": "Exempt from VAT",
        "REVERSE_CHARGE": "Reverse charge: the recipient is liable for the VAT",
        "INTRA_EU": "Intra-Community supply, exempt from VAT",
        "EXPORT": "Export outside the EU, exempt from VAT",
        "OUTSIDE_SCOPE": "Not subject to VAT",
    },
    "de": {
        "EXEMPT": "Umsatzsteuerfrei",
        "REVERSE_CHARGE": "Steuerschuldnerschaft des Leistungsempfängers",
        "INTRA_EU": "Steuerfreie innergemeinschaftliche Lieferung",
        "EXPORT": "Steuerfreie Ausfuhrlieferung",
        "OUTSIDE_SCOPE": "Nicht steuerbar",
    },
    "fr": {
        "EXEMPT": "Exonéré de TVA",
        "REVERSE_CHARGE": "Autoliquidation : la TVA est due par le preneur",
        "INTRA_EU": "Livraison intracommunautaire exonérée de TVA",
        "EXPORT": "Exportation exonérée de TVA",
        "OUTSIDE_SCOPE": "Hors du champ d’application de la TVA",
    },
    "es": {
        "EXEMPT": "Exento de IVA",
        "REVERSE_CHARGE": "Inversión del sujeto pasivo",
        "INTRA_EU": "Entrega intracomunitaria exenta de IVA",
        "EXPORT": "Exportación exenta de IVA",
        "OUTSIDE_SCOPE": "No sujeto a IVA",
    },
    "it": {
        "EXEMPT": "Esente da IVA",
        "REVERSE_CHARGE": "Inversione contabile",
        "INTRA_EU": "Cessione intracomunitaria non imponibile IVA",
        "EXPORT": "Esportazione non imponibile IVA",
        "OUTSIDE_SCOPE": "Fuori campo IVA",
    },
    "nl": {
        "EXEMPT": "Vrijgesteld van btw",
        "REVERSE_CHARGE": "Btw verlegd",
        "INTRA_EU": "Intracommunautaire levering, vrijgesteld van btw",
        "EXPORT": "Uitvoer buiten de EU, vrijgesteld van btw",
        "OUTSIDE_SCOPE": "Niet aan btw onderworpen",
    },
    "pt": {
        "EXEMPT": "Isento de IVA",
        "REVERSE_CHARGE": "IVA – autoliquidação",
        "INTRA_EU": "Transmissão intracomunitária isenta de IVA",
        "EXPORT": "Exportação isenta de IVA",
        "OUTSIDE_SCOPE": "Não sujeito a IVA",
    },
    "pl": {
        "EXEMPT": "Zwolnione z VAT",
        "REVERSE_CHARGE": "Odwrotne obciążenie",
        "INTRA_EU": "Wewnątrzwspólnotowa dostawa towarów",
        "EXPORT": "Eksport poza UE",
        "OUTSIDE_SCOPE": "Nie podlega VAT",
    },
    "ja": {
        "EXEMPT": "非課税",
        "REVERSE_CHARGE": "リバースチャージ方式：納税義務者は受領者です",
        "INTRA_EU": "EU域内供給につき免税",
        "EXPORT": "輸出免税",
        "OUTSIDE_SCOPE": "不課税",
    },
    "ar": {
        "EXEMPT": "معفى من ضريبة القيمة المضافة",
        "REVERSE_CHARGE": "الاحتساب العكسي: تقع ضريبة القيمة المضافة على المستلم",
        "INTRA_EU": "توريد داخل الاتحاد الأوروبي معفى من ضريبة القيمة المضافة",
        "EXPORT": "تصدير إلى خارج الاتحاد الأوروبي معفى من ضريبة القيمة المضافة",
        "OUTSIDE_SCOPE": "غير خاضع لضريبة القيمة المضافة",
    },
}
