"""VAT as EN 16931 sees it: the categories of a supply, their codes, and the reasons for not taxing one."""

from __future__ import annotations

from typing import Final, Literal, get_args

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
