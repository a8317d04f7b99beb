"""The hours behind an invoice on paper, in its language and its look."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tallystick.documents.paper import Sheet, in_one_row
from tallystick.values.document import Document, TimesheetRow
from tallystick.values.duration import hours


def data_of(document: Document, rows: Sequence[TimesheetRow]) -> dict[str, Any]:
    """The hours, in the words of `templates/timesheet.typ`."""
    document = in_one_row(document)
    sheet = Sheet(document)
    said, figures = sheet.words, sheet.figures
    several = len({row.person for row in rows}) > 1
    projects = list(dict.fromkeys(row.project for row in rows))
    ordered = sorted(rows, key=lambda row: (projects.index(row.project), row.entry_date))
    about = said.for_invoice.format(number=sheet.own(document.number))
    meta = (
        (said.period, figures.span(document.period_from, document.period_to)),
        (said.project, projects[0] if len(projects) == 1 else document.project),
        (said.order, document.po_number),
    )
    return {
        **sheet.data(),
        "title": f"{said.timesheet} {about}",
        "heading": {"word": said.timesheet, "about": about},
        "buyer": {"label": said.bill_to, "name": document.buyer.name, "lines": []},
        "meta": [{"label": label, "value": sheet.own(value)} for label, value in meta if value],
        "columns": {
            "date": said.date,
            "task": said.task,
            "note": said.note,
            "person": said.person,
            "hours": said.hours,
            "with-person": several,
        },
        "groups": [
            {
                "name": (project or said.unnamed_project) if len(projects) > 1 else "",
                "total": _sum(sheet, [row for row in ordered if row.project == project]) if len(projects) > 1 else "",
                "rows": [
                    {
                        "date": figures.short_day(row.entry_date),
                        "task": " ".join((row.task or "").split()),
                        "note": row.note or "",
                        "person": row.person,
                        "hours": figures.number(hours(row.seconds), 2),
                    }
                    for row in ordered
                    if row.project == project
                ],
            }
            for project in projects
        ],
        "total": {"label": said.total_hours, "value": _sum(sheet, ordered)},
    }


def _sum(sheet: Sheet, rows: Sequence[TimesheetRow]) -> str:
    """The sum of the hours as they are shown."""
    return sheet.figures.number(sum((hours(row.seconds) for row in rows), Decimal(0)), 2)
