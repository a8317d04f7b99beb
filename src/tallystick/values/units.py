"""Units as people write them, and their codes in UN/ECE Recommendation 20 (BT-130)."""

from __future__ import annotations

from typing import Final

PIECE: Final = "C62"
"""One; also what nobody knows a code for."""

_CODES: Final[dict[str, str]] = {
    code_or_word: code
    for code, words in {
        "HUR": "h hr hrs hour hours std std. stunde stunden heure heures hora horas ora ore uur godzina 時間 ساعة",
        "MIN": "min min. minute minutes minuten minuto minutos minuti",
        "DAY": "d day days pt personentag tag tage jour jours día días dia dias giorno giorni dag dagen 日",
        "WEE": "week weeks woche wochen semaine semaines semana semanas settimana settimane weken",
        "MON": "month months mo monat monate mois mes meses mese mesi maand maanden 月",
        "QAN": "quarter quarters quartal quartale trimestre",
        "ANN": "year years yr jahr jahre an ans année années año años anno anni jaar 年",
        "LS": "fixed-fee flat flat-rate lump-sum ls pauschale pauschal psch psch. forfait",
        "C62": "each piece pieces pcs pc unit units item items stk stk. stück pièce pièces ud pz st szt",
        "ZP": "page pages seite seiten",
        "D68": "word words wort wörter",
        "SET": "set sets",
        "PR": "pair pairs paar",
        "P1": "% percent",
        "KMT": "km kilometre kilometres kilometer kilometers",
        "SMI": "mi mile miles",
        "MTR": "m metre metres meter meters",
        "MTK": "m² m2 sqm qm",
        "MTQ": "m³ m3",
        "GRM": "g gram grams",
        "KGM": "kg kilogram kilograms",
        "TNE": "t tonne tonnes",
        "LTR": "l litre litres liter liters",
        "KWH": "kwh",
        "E34": "gb gigabyte gigabytes",
    }.items()
    for code_or_word in (code.casefold(), *words.split())
}


def unit_code(unit: str) -> str:
    """The code of a unit as it is written, in any case; a code stands for itself."""
    return _CODES.get("-".join(unit.casefold().split()), PIECE)
