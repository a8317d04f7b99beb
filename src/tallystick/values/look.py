"""How documents may look: layouts, paper, languages, and the locales that write their numbers and days."""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal, get_args

from babel import Locale, UnknownLocaleError

Layout = Literal["classic", "modern", "minimal", "bold", "compact"]
Paper = Literal["A4", "LETTER"]
Language = Literal["en", "de", "fr", "es", "it", "nl", "pt", "pl", "ja", "ar"]

LAYOUTS: Final[tuple[Layout, ...]] = get_args(Layout)
PAPERS: Final[tuple[Paper, ...]] = get_args(Paper)
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}", re.ASCII)


@cache
def locale_of(text: str) -> str | None:
    """`de-CH`, in whatever form, as `de_CH`; None where no such locale is known."""
    if _LOCALE.fullmatch(text) is None:
        return None
    try:
        return str(Locale.parse(text.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return None
