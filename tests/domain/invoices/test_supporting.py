"""What goes with an invoice: chosen on the draft, kept as it was issued, in the letter and on the public page."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from pypdf import PdfReader

from tallystick.domain import receipts, sending, time_entries
from tallystick.domain.credit_notes.credit import credit
from tallystick.domain.invoices import appendix, draft
from tallystick.domain.sending import Message
from tallystick.values.errors import Absent, Conflict, Invalid
from tests.domain.invoices.conftest import Bench

PDF = b"%PDF-1.4\n%%EOF\n"


def filled(bench: Bench, **facts: Any) -> tuple[str, list[str]]:
    """An invoice with an hour and an expense of two receipts: its id, and theirs."""
    bench.log(note="Kick-off")
    expense_id = bench.spend("20", billable=True)
    with bench.studio.context() as ctx:
        files = [
            receipts.add(ctx, expense_id, content=PDF, media="application/pdf", name=name).id
            for name in ("Train.pdf", "Tür.pdf")
        ]
    return bench.draft(include_expenses=True, **facts).invoice.id, files


def names(bench: Bench, invoice_id: str) -> list[str]:
    with bench.studio.context() as ctx:
        return [one.name for one in appendix.supporting(ctx, invoice_id)]


def test_nothing_unless_it_was_chosen(bench: Bench) -> None:
    invoice_id, files = filled(bench)
    assert names(bench, invoice_id) == []
    number = bench.send(invoice_id).number
    with bench.studio.context() as ctx:
        content = appendix.bundle(ctx, invoice_id, chosen=True).make()
        assert zipfile.ZipFile(io.BytesIO(content)).namelist() == [f"{number}.pdf"]
    with pytest.raises(Conflict, match=r"(?i)draft"):
        bench.change(invoice_id, attach_receipts=True, receipt_ids=files)


def test_timesheet_and_receipts_all_or_those_named(bench: Bench) -> None:
    invoice_id, files = filled(bench, attach_timesheet=True, attach_receipts=True)
    number = bench.read(invoice_id).number
    hours = [f"{number}-timesheet.pdf", f"{number}-timesheet.csv"]
    assert names(bench, invoice_id) == [*hours, "01-Train.pdf", "02-Tür.pdf"]
    bench.change(invoice_id, receipt_ids=[files[1]])
    assert names(bench, invoice_id) == [*hours, "01-Tür.pdf"]
    bench.change(invoice_id, receipt_ids=None, attach_timesheet=False)
    assert names(bench, invoice_id) == ["01-Train.pdf", "02-Tür.pdf"]


def test_only_receipts_of_its_own_expenses(bench: Bench) -> None:
    other = bench.spend("1", billable=True)
    with bench.studio.context() as ctx:
        strange = receipts.add(ctx, other, content=PDF, media="application/pdf").id
    bench.log()
    with pytest.raises(Absent) as refused:
        bench.draft(attach_receipts=True, receipt_ids=[strange])
    assert "receipt_ids" in refused.value.fields


def test_the_hours_stay_as_they_were_issued(bench: Bench) -> None:
    entry_id = bench.log(note="Kick-off")
    sent = bench.send(bench.draft(attach_timesheet=True).invoice.id)
    with bench.studio.context() as ctx:
        credit(ctx, sent.id, reason="Wrong")  # its work is free again
        time_entries.change(ctx, entry_id, note="Something else")
        paper, table = (one.make() for one in appendix.timesheets(ctx, sent.id))
    assert b"Kick-off" in table
    assert "Kick-off" in PdfReader(io.BytesIO(paper)).pages[0].extract_text()


def test_the_letter_brings_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice_id, _ = filled(bench, attach_timesheet=True, attach_receipts=True)
    bench.send(invoice_id)
    with bench.studio.context() as ctx:
        invoice = ctx.find(draft.Invoice, invoice_id)
        usual = sending.usual_files(ctx, invoice)
        assert usual == ("pdf", "timesheet", "receipts")
        files = sending.attached(ctx, invoice_id, usual)
        assert [one.name.rpartition("-")[2] for one in files] == [
            "0001.pdf", "timesheet.pdf", "timesheet.csv", "Train.pdf", "Tür.pdf",
        ]  # fmt: skip
        monkeypatch.setattr(sending, "MOST_BYTES", 10)
        assert sending.usual_files(ctx, invoice) == ("pdf", "timesheet")
        with pytest.raises(Invalid) as refused:
            sending._files(ctx, invoice, Message(files=("receipts",)))
    assert "attach" in refused.value.fields
