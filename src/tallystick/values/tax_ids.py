"""Tax ids: whether a number can be one, by the rules of the country that its letters, or the client's address, name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Final, Protocol, cast

from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.util import get_cc_module

EXAMPLES: Final = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "BG": "BG175074752",
    "CY": "CY10259033P",
    "CZ": "CZ25123891",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "EE": "EE100931558",
    "EL": "EL094259216",
    "ES": "ESB58378431",
    "FI": "FI20774740",
    "FR": "FR40303265045",
    "HR": "HR33392005961",
    "HU": "HU12892312",
    "IE": "IE6433435F",
    "IT": "IT00743110157",
    "LT": "LT119511515",
    "LU": "LU15027442",
    "LV": "LV40003521600",
    "MT": "MT11679112",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "PT": "PT501964843",
    "RO": "RO18547290",
    "SE": "SE556188840401",
    "SI": "SI50223054",
    "SK": "SK2022749619",
    "XI": "XI980780684",
}
"""The letters of a VAT id of the European Union → one that is right. Greece writes EL, Northern Ireland XI."""

_ELSEWHERE: Final = {"GB": "gb", "CHE": "ch"}
"""Letters of VAT ids outside of it → the country of their rule."""


class _Rule(Protocol):
    """A module of stdnum."""

    def validate(self, number: str) -> str: ...


def problem_with(number: str, country: str | None = None) -> str | None:
    """Why it cannot be a tax id, in words for people; None where it can, or where no rule is known.

    What begins with the letters of the European Union is a VAT id, and must be right. Any other number is wrong only
    where the country is known, and no rule of that country accepts it, and one says that its check digit is off.
    """
    letters = _letters(number)
    if letters is not None:
        if eu_vat.is_valid(number):
            return None
        return f"is not a VAT number of {letters}; one looks like {EXAMPLES[letters]}"
    if country is None:
        return None
    code = "EL" if country == "GR" else country
    rule = cast("_Rule | None", get_cc_module(country, "vat"))
    if rule is None or not _is_mistyped(rule, number) or _is_another(country, number):
        return None
    example = EXAMPLES.get(code)
    return f"has a wrong check digit for {code}" + (f"; one looks like {example}" if example else "")


def vat_id(number: str, country: str | None = None) -> str | None:
    """The number as a VAT id with its country, without blanks; None where it is of another kind, or wrong."""
    if _letters(number) is not None:
        found = eu_vat.compact(number)
        return (f"EL{found[2:]}" if found.startswith("GR") else found) if eu_vat.is_valid(number) else None
    plain = _plain(number)
    place = next((place for letters, place in _ELSEWHERE.items() if plain.startswith(letters)), None)
    if country == "NO" and plain.endswith("MVA"):
        place = "no"
    if place is None:
        return None
    rule = cast("_Rule", get_cc_module(place, "vat"))
    try:
        found = rule.validate(number)
    except ValidationError:
        return None
    return found if found.startswith(place.upper()) else f"{place.upper()}{found}"


def _plain(number: str) -> str:
    return "".join(one for one in number.upper() if one.isalnum())


def _letters(number: str) -> str | None:
    """The letters with which a VAT id of the European Union begins; None: it is no such number."""
    plain = _plain(number)
    letters = "EL" if plain.startswith("GR") else plain[:2]
    digits = sum(one.isdigit() for one in plain[2:])
    return letters if letters in EXAMPLES and digits * 2 >= len(plain[2:]) > 0 else None


def _is_mistyped(rule: _Rule, number: str) -> bool:
    """Whether it looks right and its check digit is wrong."""
    try:
        rule.validate(number)
    except InvalidChecksum:
        return True
    except ValidationError:
        return False
    return False


def _is_another(country: str, number: str) -> bool:
    """Whether it is right by another rule of the country: a person's tax number, for instance."""
    return any(_accepts(rule, number) for rule in _rules(country))


def _accepts(rule: _Rule, number: str) -> bool:
    try:
        rule.validate(number)
    except ValidationError:
        return False
    return True


def _rules(country: str) -> Iterator[_Rule]:
    name = f"stdnum.{country.lower()}{'_' if country in ('IN', 'IS') else ''}"
    try:
        package = importlib.import_module(name)
    except ImportError:
        return
    for found in pkgutil.iter_modules(package.__path__, f"{name}."):
        module = importlib.import_module(found.name)
        if hasattr(module, "validate"):
            yield cast("_Rule", module)
