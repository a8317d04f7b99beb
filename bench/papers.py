"""What an invoice on paper costs, against typst setting the same words as a bare table with the same fonts."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import einvoices
import msgspec
import typst

from tallystick.documents import Documents
from tallystick.documents.press import STANDARDS
from tallystick.values.document import Document

BARE = Path(__file__).with_name("bare.typ")
_numbers = count(1)


def measured(lines: int, rounds: int = 5) -> dict[str, Any]:
    """Seconds of one PDF, and of its floor; no two are the same, so that nothing is remembered but the fonts."""
    documents = Documents()
    letters = documents.press.letters
    floor = typst.Compiler(BARE, root=BARE.parent, font_paths=letters.fonts)
    document = einvoices.document(lines)

    def bare(one: Document) -> None:
        rows = [
            [line.description, f"{line.quantity} {line.unit}", f"{line.price}", f"{line.total}"] for line in one.lines
        ]
        inputs = {"rows": json.dumps(rows), "families": json.dumps(letters.families)}
        floor.compile(format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS)

    pairs = [
        (_seconds(documents.pdf, _another(document)), _seconds(bare, _another(document))) for _ in range(rounds + 1)
    ][1:]
    product, alone = (statistics.median(one) for one in zip(*pairs, strict=True))
    return {"seconds": product, "floor": alone, "ratio": statistics.median(a / b for a, b in pairs)}


def _another(document: Document) -> Document:
    number = next(_numbers)
    lines = [msgspec.structs.replace(line, description=f"{line.description}, part {number}") for line in document.lines]
    return msgspec.structs.replace(document, number=f"NL-{number}", lines=lines)


def _seconds(work: Callable[[Document], object], document: Document) -> float:
    begun = time.perf_counter()
    work(document)
    return time.perf_counter() - begun
