"""Countries as people write them, and their codes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, cast

from babel import Locale

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "ja", "ar")


def code_of(name: str | None) -> str | None:
    """ISO 3166-1 alpha-2 of a country by its code or its name: `Deutschland` → DE; None where it is not known."""
    said = " ".join((name or "").split()).casefold()
    return _codes().get(said)


def name_of(code: str | None, language: str = "en") -> str | None:
    """What a country is called in a language; None where the code is unknown."""
    return None if code is None else _names(language).get(code)


@cache
def _names(language: str) -> Mapping[str, str]:
    return cast("Mapping[str, str]", Locale.parse(language if language in LANGUAGES else "en").territories)


@cache
def _codes() -> dict[str, str]:
    found: dict[str, str] = {"uk": "GB", "usa": "US", "czech republic": "CZ", "holland": "NL"}
    for language in LANGUAGES:
        for code, name in _names(language).items():
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
                found[name.casefold()] = found[code.casefold()] = code
    return found


_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"})
