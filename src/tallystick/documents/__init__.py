"""An invoice as paper and as data: what `values.document` says, as PDF and as XML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tallystick.documents import einvoice
from tallystick.documents.einvoice.rules import Rules
from tallystick.values.document import Document, Problem, Profile, TimesheetRow


class Documents:
    """The one `Renderer`."""

    rules: ClassVar[Rules] = Rules()
    """One helper for the process, however many apps it serves."""

    def pdf(self, document: Document, xml: bytes | None = None) -> bytes:
        """See `Renderer`."""
        raise NotImplementedError

    def xml(self, document: Document, profile: Profile) -> bytes:
        """See `Renderer`."""
        return einvoice.xml(document, profile)

    def problems(self, document: Document, profile: Profile) -> list[Problem]:
        """See `Renderer`."""
        return einvoice.problems(self.rules, document, profile)

    def timesheet(self, document: Document, rows: Sequence[TimesheetRow]) -> bytes:
        """See `Renderer`."""
        raise NotImplementedError
