"""The fixed words of a document, in each language it can be in."""

from __future__ import annotations

from typing import Final

from tallystick.documents.words import (
    arabic,
    dutch,
    english,
    french,
    german,
    italian,
    japanese,
    polish,
    portuguese,
    spanish,
)
from tallystick.documents.words.kind import Words

ALL: Final[dict[str, Words]] = {
    "en": english.WORDS,
    "de": german.WORDS,
    "fr": french.WORDS,
    "es": spanish.WORDS,
    "it": italian.WORDS,
    "nl": dutch.WORDS,
    "pt": portuguese.WORDS,
    "pl": polish.WORDS,
    "ja": japanese.WORDS,
    "ar": arabic.WORDS,
}
"""By the language's BCP 47 code."""

__all__ = ["ALL", "Words"]
