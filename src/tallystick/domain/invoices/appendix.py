"""What goes with an invoice: the hours behind it, the receipts of its expenses, and all of it as one zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import files, receipts
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.files import File
from tallystick.domain.invoices import conformity, issued, papers
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.issued import IssuedDocument
from tallystick.values import csv
from tallystick.values.document import Document, TimesheetRow
from tallystick.values.duration import hours
from tallystick.values.errors import Absent
from tallystick.values.money import decimal_text

HEADER: Final = ("date", "project", "task", "note", "hours")


class Named(NamedTuple):
    """A file of an invoice, made when it is asked for: rendering takes longer than a transaction should."""

    name: str
    media: str
    make: Callable[[], bytes]


def pdf(ctx: Context, invoice_id: str) -> Named:
    """The invoice on paper: a draft as it is now, any other as it was issued."""
    kept, document, invoice = _issued(ctx, invoice_id)
    return as_pdf(ctx, invoice.client_id, kept, document)


def as_pdf(ctx: Context, client_id: str, kept: IssuedDocument | None, document: Document) -> Named:
    """A document on paper, for the verbs of what it is of."""
    name = f"{stem(document.number)}.pdf"
    if kept is not None:
        content = kept.pdf
        return Named(name, "application/pdf", lambda: content)
    profile, renderer = conformity.profile_of(ctx.find(Client, client_id)), ctx.server.renderer
    return Named(name, "application/pdf", lambda: issued.on_paper(renderer, document, profile))


def timesheet(ctx: Context, invoice_id: str) -> list[TimesheetRow]:
    """A row for each entry on an invoice, with its time as billed; as it was issued, where it is. Never a rate."""
    invoice = invoices.read(ctx, invoice_id)
    kept = issued.of_invoice(ctx, invoice)
    if kept is not None and kept.timesheet is not None:
        return issued.hours_of(kept)
    return [
        TimesheetRow(entry_date=day, project=project or "", task=task, note=note, person=person, seconds=seconds)
        for day, project, task, note, person, seconds in ctx.rows(_ROWS, invoice_id=invoice.id)
    ]


def timesheet_pdf(ctx: Context, invoice_id: str) -> Named:
    """The hours behind an invoice on paper, in its language and look."""
    (_, document, _), rows = _issued(ctx, invoice_id), timesheet(ctx, invoice_id)
    renderer = ctx.server.renderer
    return Named(
        f"{stem(document.number)}-timesheet.pdf", "application/pdf", lambda: renderer.timesheet(document, rows)
    )


def timesheet_csv(ctx: Context, invoice_id: str) -> Named:
    """The hours behind an invoice as a table."""
    (_, document, _), rows = _issued(ctx, invoice_id), timesheet(ctx, invoice_id)
    return Named(f"{stem(document.number)}-timesheet.csv", "text/csv; charset=utf-8", lambda: as_csv(rows))


def supporting(ctx: Context, invoice_id: str) -> list[Named]:
    """What the client gets beside an invoice, as was chosen for it. A receipt is made in this transaction alone."""
    invoice = invoices.read(ctx, invoice_id)
    return [
        *(timesheets(ctx, invoice.id) if invoice.attach_timesheet else ()),
        *(receipt_files(ctx, invoice) if invoice.attach_receipts else ()),
    ]


def timesheets(ctx: Context, invoice_id: str) -> list[Named]:
    """The hours behind an invoice on paper and as a table; nothing where there is no time on it."""
    return [timesheet_pdf(ctx, invoice_id), timesheet_csv(ctx, invoice_id)] if timesheet(ctx, invoice_id) else []


def receipt_files(ctx: Context, invoice: Invoice) -> list[Named]:
    """The receipts that were chosen for an invoice, each made in this transaction alone."""
    return [
        Named(f"{number:02}-{file.name}", file.media, partial(files.content_of, ctx, file.id))
        for number, file in enumerate(chosen_receipts(ctx, invoice), 1)
    ]


def chosen_receipts(ctx: Context, invoice: Invoice) -> list[File]:
    """The receipts of an invoice's expenses: those that were named, else all."""
    found = receipts.of_expenses(ctx, _spent(ctx, invoice.id))
    return [one for one in found if not invoice.receipt_ids or one.id in invoice.receipt_ids]


def pickable_receipts(ctx: Context, invoice_id: str) -> list[File]:
    """The receipts of the expenses that an invoice bills, for whoever chooses which of them go along."""
    ctx.require(Permission.READ_INVOICES)
    return receipts.of_expenses(ctx, _spent(ctx, ctx.find(Invoice, invoice_id).id))


def check_receipts(ctx: Context, invoice_id: str, receipt_ids: Sequence[str]) -> None:
    """Only receipts of expenses on the invoice go with it."""
    known = {one.id for one in receipts.of_expenses(ctx, _spent(ctx, invoice_id))} if receipt_ids else set[str]()
    if set(receipt_ids) - known:
        raise Absent(fields={"receipt_ids": "only receipts of expenses on this invoice"})


def as_csv(rows: Sequence[TimesheetRow]) -> bytes:
    """Hours as decimals; who worked only where several did."""
    several = len({row.person for row in rows}) > 1
    header = (*HEADER[:4], "person", HEADER[4]) if several else HEADER
    return csv.table(
        header,
        (
            [
                row.entry_date.isoformat(),
                row.project,
                row.task or "",
                row.note or "",
                *([row.person] if several else ()),
                decimal_text(hours(row.seconds)),
            ]
            for row in rows
        ),
    )


def bundle(ctx: Context, invoice_id: str, *, chosen: bool = False) -> Named:
    """The invoice, its data where the client takes them, its timesheet where there is time on it, and its receipts.

    `chosen`: of timesheet and receipts what the client gets.
    """
    (kept, document, invoice), rows = _issued(ctx, invoice_id), timesheet(ctx, invoice_id)
    paper = as_pdf(ctx, invoice.client_id, kept, document)
    profile = conformity.profile_of(ctx.find(Client, invoice.client_id))
    proofs = receipts.of_expenses(ctx, _spent(ctx, invoice.id))
    if chosen:
        rows = rows if invoice.attach_timesheet else []
        proofs = chosen_receipts(ctx, invoice) if invoice.attach_receipts else []
    contents = [
        (f"receipts/{number:02}-{file.name}", files.content_of(ctx, file.id)) for number, file in enumerate(proofs, 1)
    ]
    renderer = ctx.server.renderer
    name = stem(document.number)

    def make() -> bytes:
        inside = [(paper.name, paper.make())]
        if kept is not None and kept.xml is not None:
            inside.append((f"{name}.xml", kept.xml))
        elif kept is None and profile is not None:
            inside.append((f"{name}.xml", renderer.xml(document, profile)))
        if rows:
            inside.append((f"{name}-timesheet.pdf", renderer.timesheet(document, rows)))
            inside.append((f"{name}-timesheet.csv", as_csv(rows)))
        return zipped([*inside, *contents], document.issue_date)

    return Named(f"{name}.zip", "application/zip", make)


def stem(number: str) -> str:
    """A document's number as the beginning of a file name."""
    return re.sub(r"[^\w.\-]+", "-", number).strip("-.")[:80] or "invoice"


def zipped(inside: Sequence[tuple[str, bytes]], day: date) -> bytes:
    """Files as a zip, which is the same for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in inside:
            entry = zipfile.ZipInfo(name, (max(day.year, 1980), day.month, day.day, 12, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()


def _issued(ctx: Context, invoice_id: str) -> tuple[IssuedDocument | None, Document, Invoice]:
    """As what it was issued, and what it says."""
    invoice = invoices.read(ctx, invoice_id)
    kept = issued.of_invoice(ctx, invoice)
    document = papers.of_invoice(ctx, invoice.id) if kept is None else issued.document_of(kept)
    return kept, document, invoice


def _spent(ctx: Context, invoice_id: str) -> list[str]:
    return [expense_id for (expense_id,) in ctx.rows(_EXPENSES, invoice_id=invoice_id)]


_ROWS = Prepared(
    text("""
        SELECT entry.entry_date, project.name, task.name, entry.note, person.name, billed.billed_seconds
        FROM billed_work AS billed
        JOIN time_entries AS entry ON entry.workspace_id = billed.workspace_id AND entry.id = billed.entry_id
        LEFT JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
        LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
        JOIN people AS person ON person.id = entry.user_id
        WHERE billed.workspace_id = :workspace AND billed.invoice_id = :invoice_id
        ORDER BY entry.entry_date, project.name, task.name, entry.id
    """)
)
_EXPENSES = Prepared(
    text("""
        SELECT expense_id FROM billed_work
        WHERE workspace_id = :workspace AND invoice_id = :invoice_id AND expense_id IS NOT NULL
        ORDER BY id
    """)
)
