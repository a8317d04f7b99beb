"""typst at work: a template and data in, a PDF out; at most two at once in a process, with a short queue.

Tenants' words reach typst as JSON only, and templates show them as text: nothing in them is ever read as markup, and
the templates' folder is all that a template could read.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import typst

from tallystick.documents.fonts import Letters
from tallystick.values.errors import Busy

TEMPLATES: Final = Path(__file__).parent / "templates"
AT_ONCE: Final = 2
WAITING: Final = 20
PATIENCE: Final = 10.0
"""Seconds in the queue, then it is better to ask again."""
STANDARDS: Final[list[typst.PDFStandard]] = ["a-3a", "ua-1"]
"""PDF/A-3a to keep and PDF/UA-1 to hear: tagged, every font inside, nothing fetched."""

log = logging.getLogger("tallystick.documents")
Made = TypeVar("Made")


class Attachment(NamedTuple):
    """A file inside of the PDF."""

    name: str
    media: str
    text: str
    about: str
    relationship: str = "alternative"
    """To the page: an e-invoice says the same in another form."""


class Press:
    """Where documents are set."""

    def __init__(self, fonts: Path | None = None) -> None:
        self._folder = fonts
        self.patience = PATIENCE
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._queue = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._lock = threading.Lock()
        self._idle: list[typst.Compiler] = []

    @cached_property
    def letters(self) -> Letters:
        """Found when first asked for: most commands print nothing."""
        return Letters(self._folder)

    def pdf(self, template: str, data: dict[str, Any], *, made: date, attachments: Iterable[Attachment] = ()) -> bytes:
        """The document as PDF/A-3 and PDF/UA; the same data make the same bytes. Raises Busy."""
        return self._set(template, data, made, _pdf, attachments)

    def pictures(self, template: str, data: dict[str, Any], *, made: date, density: int) -> list[bytes]:
        """The pages of the same document as PNGs, with so many dots to an inch. Raises Busy."""
        return self._set(template, data, made, partial(_pages, density=density))

    def _set(
        self,
        template: str,
        data: dict[str, Any],
        made: date,
        compile_: Callable[[typst.Compiler, str, dict[str, str], datetime], Made],
        attachments: Iterable[Attachment] = (),
    ) -> Made:
        inputs = {
            "families": json.dumps(self.letters.families),
            "attachments": json.dumps([one._asdict() for one in attachments]),
        }
        instant = datetime.combine(made, time(12), UTC)
        with self._place(), self._compiler() as compiler:
            for plainly, pictured in ((False, True), (True, True), (True, False)):
                shown = self._legible(data if pictured else {**data, "logo": None}, plainly=plainly)
                try:
                    return compile_(compiler, str(TEMPLATES / template), {**inputs, "data": json.dumps(shown)}, instant)
                except typst.TypstError as error:
                    # Letters that no font has together, or a picture that is broken within: the paper matters more.
                    log.warning("a document could not be set as it is: %s", error)
        raise RuntimeError(f"{template} cannot be set; the log says why.")

    def _legible(self, value: Any, *, plainly: bool = False) -> Any:
        """Every text in the data, with letters that the fonts have."""
        if isinstance(value, str):
            shown = self.letters.legible(value)
            return self.letters.plain(shown) if plainly else shown
        if isinstance(value, dict):
            return {name: one if name in RAW else self._legible(one, plainly=plainly) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list | tuple):
            return [self._legible(one, plainly=plainly) for one in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    @contextmanager
    def _place(self) -> Generator[None]:
        if not self._queue.acquire(blocking=False):
            raise Busy("Too many documents are being made at the moment. Try again in a few seconds.")
        try:
            if not self._places.acquire(timeout=self.patience):
                raise Busy("Too many documents are being made at the moment. Try again in a few seconds.")
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._queue.release()

    @contextmanager
    def _compiler(self) -> Generator[typst.Compiler]:
        """A compiler that nobody else uses meanwhile; it remembers what it set, so that the next is faster."""
        with self._lock:
            compiler = self._idle.pop() if self._idle else None
        if compiler is None:
            # Packages would be fetched from the network; no template names one, and this folder has none.
            nowhere = TEMPLATES / "packages"
            compiler = typst.Compiler(
                root=TEMPLATES, font_paths=self.letters.fonts, package_path=nowhere, package_cache_path=nowhere
            )
        try:
            yield compiler
        finally:
            with self._lock:
                self._idle.append(compiler)


def _pdf(compiler: typst.Compiler, template: str, inputs: dict[str, str], instant: datetime) -> bytes:
    made = compiler.compile(template, format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS, timestamp=instant)
    assert isinstance(made, bytes)  # noqa: S101 - one PDF, whatever the number of pages
    return made


def _pages(
    compiler: typst.Compiler, template: str, inputs: dict[str, str], instant: datetime, *, density: int
) -> list[bytes]:
    made = compiler.compile(template, format="png", ppi=density, sys_inputs=inputs, timestamp=instant)
    return [made] if isinstance(made, bytes) else list(made or ())


RAW: Final = frozenset({"svg"})
"""Data that is not text to be read."""
