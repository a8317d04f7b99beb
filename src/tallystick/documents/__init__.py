"""An invoice as paper and as data: what `values.document` says, as PDF and as XML; and reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tallystick.documents import einvoice, paper, timesheet
from tallystick.documents.einvoice.facturx import announced, embedding
from tallystick.documents.einvoice.rules import Rules
from tallystick.documents.press import Attachment, Press
from tallystick.documents.report import page_of, workbook
from tallystick.values.document import Document, Problem, Profile, TimesheetRow
from tallystick.values.report import Format, Report

__all__ = ["Attachment", "Documents"]


class Documents:
    """The one `Renderer`. `fonts` is a folder of the operator's, for scripts that Tallystick comes without."""

    rules: ClassVar[Rules] = Rules()
    """One helper for the process, however many apps it serves."""

    def __init__(self, fonts: Path | None = None) -> None:
        self.press = Press(fonts)

    def pdf(self, document: Document, xml: bytes | None = None) -> bytes:
        """See `Renderer`."""
        attached = (
            [] if xml is None else [Attachment(embedding(xml).name, "text/xml", xml.decode(), "The same as data")]
        )
        made = self.press.pdf("document.typ", paper.data_of(document), made=document.issue_date, attachments=attached)
        return made if xml is None else announced(made, xml)

    def pictures(self, document: Document, density: int = 110) -> list[bytes]:
        """See `Renderer`."""
        return self.press.pictures("document.typ", paper.data_of(document), made=document.issue_date, density=density)

    def xml(self, document: Document, profile: Profile) -> bytes:
        """See `Renderer`."""
        return einvoice.xml(document, profile)

    def problems(self, document: Document, profile: Profile) -> list[Problem]:
        """See `Renderer`."""
        return einvoice.problems(self.rules, document, profile)

    def timesheet(self, document: Document, rows: Sequence[TimesheetRow]) -> bytes:
        """See `Renderer`."""
        return self.press.pdf("timesheet.typ", timesheet.data_of(document, rows), made=document.issue_date)

    def report(self, report: Report, form: Format) -> bytes:
        """See `Renderer`."""
        if form == "xlsx":
            return workbook(report)
        return self.press.pdf("report.typ", page_of(report), made=report.made_on)
