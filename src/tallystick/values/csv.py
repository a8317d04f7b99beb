"""Tables as CSV by RFC 4180, whose cells no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

FORMULAS: Final = frozenset("=+-@|%＝＋－＠")
BEFORE: Final = " \t\r\n\v\f\0\u00a0'\"\ufeff\u200b"
"""What a spreadsheet may skip before it looks at the first character of a cell."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with its mark, as spreadsheets want it; lines end with CR LF. Every text is made harmless; see `cell`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(text) for text in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def cell(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it; a plain number stays one."""
    bare = text.replace("\0", "").encode("utf-8", "replace").decode()
    begins = bare.lstrip(BEFORE)[:1]
    if (begins in FORMULAS or bare[:1] in "\t\r\n") and bare and not _is_number(bare):
        return f"'{bare}"
    return bare


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.count(".") <= 1 and digits.replace(".", "").isdigit() and digits[:1].isdigit()
