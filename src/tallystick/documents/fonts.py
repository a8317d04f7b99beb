"""The letters that documents are set in: which files, which characters they have, and texts that need no others.

PDF/A has no place for a character without a glyph, so what no font knows is replaced before it is set.
"""

from __future__ import annotations

import logging
import struct
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

import fontpkg_ibm_plex_sans_arabic
import manimgx_fonts
import pylopdf_fonts_jp
import typst

FIRST: Final = ("Noto Sans", "IBM Plex Sans Arabic", "Noto Sans JP")
"""Noto's Arabic letters are set of strokes and dots, which readers of a PDF find twice; Plex's are whole."""
SUFFIXES: Final = frozenset({".ttf", ".otf"})
MISSING: Final = "\u25a1"
"""□ in place of a letter that no font has."""
LONGEST: Final = 28
"""Letters in a row after which a word may break: as many as fit in the narrowest column."""
BREAK: Final = "\u200b"
STEERING: Final = "\u00ad\u200c\u200d\u200e\u200f\u2068\u2069"
"""Marks without a glyph that are kept: they end at the end of their paragraph at the latest."""

log = logging.getLogger("tallystick.documents")


class Letters:
    """The fonts of this server: those that come with Tallystick, and those in a folder of the operator's."""

    def __init__(self, folder: Path | None = None) -> None:
        folders = [
            Path(manimgx_fonts.__path__[0]),
            fontpkg_ibm_plex_sans_arabic.ROOT / "files",
            pylopdf_fonts_jp.sans_path().parent,
        ]
        if folder is not None and folder.is_dir():
            folders.append(folder)
        self._known: set[int] = set()
        self._first: set[int] = set()
        for path in (path for one in folders for path in _files(one)):
            try:
                found = characters(path.read_bytes())
                self._known |= found
                if path.name.startswith("NotoSans["):
                    self._first |= found
            except (OSError, ValueError, struct.error, IndexError) as error:
                log.warning("the font %s cannot be read, and what only it has is not shown: %s", path, error)
        self.fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(one) for one in folders]
        )
        families = self.fonts.families()
        self.families = [*FIRST, *(name for name in families if name not in FIRST)]
        """In the order in which a letter is looked for."""
        self.legible = lru_cache(maxsize=4096)(self._legible)

    def _legible(self, text: str) -> str:
        """The text with what cannot be set left out or shown as □, and with places to break in endless words."""
        if text.isascii() and text.isprintable() and len(text) <= LONGEST:
            return text
        shown = "".join(map(self._character, unicodedata.normalize("NFC", text.replace("\r\n", "\n"))))
        return "\n".join(" ".join(map(_breakable, line.split(" "))) for line in shown.split("\n"))

    def plain(self, text: str) -> str:
        """A legible text in letters of the first font, each by itself: nothing in it depends on a neighbour."""
        return "".join(
            one
            if one in "\n\u00ad\u2068\u2069\u200b" or (ord(one) in self._first and not unicodedata.combining(one))
            else MISSING
            for one in text
        )

    def _character(self, one: str) -> str:
        if one == "\n" or one in STEERING:
            return one
        if one in "\u2028\u2029\r\v\f\x85":
            return "\n"
        if one == "\t":
            return " "
        kind = unicodedata.category(one)
        # Marks that steer the direction of what follows could turn the rest of the paper around.
        if kind in ("Cc", "Cf", "Cs", "Cn", "Co"):
            return ""
        return one if ord(one) in self._known else MISSING


def _breakable(word: str) -> str:
    if len(word) <= LONGEST:
        return word
    parts: list[str] = []
    run = 0
    for index, one in enumerate(word):
        # Never between a letter and the mark that belongs to it.
        if run >= LONGEST // 2 and unicodedata.combining(one) == 0 and one not in "\u200d\ufe0f" and index:
            parts.append(BREAK)
            run = 0
        parts.append(one)
        run += 1
    return "".join(parts)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError:
        return []


def characters(font: bytes) -> set[int]:
    """The code points that a TrueType or OpenType file has glyphs for: its `cmap` table, formats 4 and 12."""
    count = int.from_bytes(font[4:6], "big")
    for index in range(count):
        tag, _, offset, length = struct.unpack_from(">4sIII", font, 12 + 16 * index)
        if tag == b"cmap":
            return _mapped(font[offset : offset + length])
    raise ValueError("it has no character map")


def _mapped(cmap: bytes) -> set[int]:
    known: set[int] = set()
    for index in range(struct.unpack_from(">H", cmap, 2)[0]):
        platform, encoding, offset = struct.unpack_from(">HHI", cmap, 4 + 8 * index)
        if (platform, encoding) not in ((0, 3), (0, 4), (0, 6), (3, 1), (3, 10)):
            continue
        form = struct.unpack_from(">H", cmap, offset)[0]
        if form == 12:
            for group in range(struct.unpack_from(">I", cmap, offset + 12)[0]):
                first, last, _ = struct.unpack_from(">III", cmap, offset + 16 + 12 * group)
                known.update(range(first, min(last, 0x10FFFF) + 1))
        elif form == 4:
            known |= _segments(cmap, offset)
    return known


def _segments(cmap: bytes, offset: int) -> set[int]:
    known: set[int] = set()
    count = struct.unpack_from(">H", cmap, offset + 6)[0] // 2
    ends, starts = offset + 14, offset + 16 + 2 * count
    deltas, ranges = starts + 2 * count, starts + 4 * count
    for index in range(count):
        last, first, delta, away = (
            struct.unpack_from(">H", cmap, place + 2 * index)[0] for place in (ends, starts, deltas, ranges)
        )
        for code in range(first, last + 1):
            glyph = code
            if away:
                glyph = struct.unpack_from(">H", cmap, ranges + 2 * index + away + 2 * (code - first))[0]
                if not glyph:
                    continue
            if (glyph + delta) % 65536:
                known.add(code)
    known.discard(0xFFFF)
    return known
