"""Tables as CSV (RFC 4180) that spreadsheets open as what they are: no text of anybody's becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")


def cell(text: str) -> str:
    """A text that stays one: what a spreadsheet would read as a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(_STARTS) else text


def csv_of(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with CRLF. Texts are made harmless, numbers and days stay as they are."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(head)
    for row in rows:
        writer.writerow([cell(one) if isinstance(one, str) else "" if one is None else one for one in row])
    return written.getvalue().encode()
