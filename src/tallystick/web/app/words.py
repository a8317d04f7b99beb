"""What pages say, in the reader's language: English in the code, the others in a catalogue each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

FOLDER: Final = Path(__file__).parent / "languages"
CATALOGUES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {},
    **{
        folder.name: {
            text: said
            for file in sorted(folder.glob("*.json"))
            for text, said in json.loads(file.read_text(encoding="utf-8")).items()
        }
        for folder in sorted(FOLDER.iterdir())
    },
}
"""Language → English text → text, from a file for each family of pages. What is missing stays English; a test says that
nothing is."""


@lru_cache(maxsize=4096)
def _escaped(text: str) -> Markup:
    return escape(text)


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._known = CATALOGUES[language]

    def say(self, text: str, **facts: Any) -> str:
        """Plain text: a fact goes where its name stands in braces."""
        said = self._known.get(text, text)
        return said.format(**facts) if facts else said

    def count(self, one: str, many: str, count: int, **facts: Any) -> str:
        """`say` for a number of things."""
        return self.say(one if count == 1 else many, count=count, **facts)

    def markup(self, text: str, **facts: Any) -> Markup:
        """`say` for a template: the facts are escaped, unless they are markup themselves."""
        said = _escaped(self._known.get(text, text))
        if not facts:
            return said
        return Markup(str.format(said, **{name: escape(fact) for name, fact in facts.items()}))  # noqa: S704 - all escaped

    def refusal(self, text: str, facts: Mapping[str, Any] | None = None) -> str:
        """What the domain says, where the language has it."""
        said = self._known.get(text, text)
        return said.format_map(facts) if facts else said
