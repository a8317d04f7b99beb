"""Pages of a document as pictures, for a preview in every browser: from the same facts, by the same press."""

from __future__ import annotations

import base64
from typing import NamedTuple

from tallystick.values.document import Document, Renderer


class Sheet(NamedTuple):
    """One page."""

    number: int
    url: str
    """A `data:` address: it is nowhere else."""
    of: int
    """How many pages there are."""


def sheets(renderer: Renderer, document: Document, most: int = 20) -> list[Sheet]:
    """The first pages of a document."""
    pages = renderer.pictures(document)
    return [Sheet(number, data_url(page), len(pages)) for number, page in enumerate(pages[:most], 1)]


def data_url(png: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
