"""An invoice as paper and as data: what `values.document` says, as PDF and as XML."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.values.document import Document, Problem, Profile, TimesheetRow


class Documents:
    """The one `Renderer`."""

    def pdf(self, document: Document, xml: bytes | None = None) -> bytes:
        """See `Renderer`."""
        raise NotImplementedError

    def xml(self, document: Document, profile: Profile) -> bytes:
        """See `Renderer`."""
        raise NotImplementedError

    def problems(self, document: Document, profile: Profile) -> list[Problem]:
        """See `Renderer`."""
        raise NotImplementedError

    def timesheet(self, document: Document, rows: Sequence[TimesheetRow]) -> bytes:
        """See `Renderer`."""
        raise NotImplementedError
