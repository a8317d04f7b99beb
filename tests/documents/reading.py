"""Documents as their readers see them."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile

import pypdf


def text_of(pdf: bytes) -> str:
    """What a reader's program finds in the pages, without where it stands."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return plain(" ".join(page.extract_text() for page in pages))


def inside(content: bytes) -> str:
    """The words inside of a file that cannot be read as it is; empty for any other."""
    if content.startswith(b"%PDF-1.7"):
        return text_of(content)
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(name) for name in archive.namelist()]
            return " ".join([*archive.namelist(), *(part.decode(errors="replace") + inside(part) for part in parts)])
    return ""


def plain(text: str) -> str:
    """A text without its white space and the marks that cannot be seen."""
    return re.sub(r"[\s\u00ad\u200b-\u200f\u2066-\u2069]", "", unicodedata.normalize("NFKC", text))
