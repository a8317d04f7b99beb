"""A report as tables of facts: what its page shows, and what its CSV, XLSX and PDF are all made from.

Facts are raw: seconds, exact amounts, days. Whoever writes them down formats them, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple, get_args

from tallystick.values import csv
from tallystick.values.duration import hours

Kind = Literal["text", "word", "day", "moment", "duration", "money", "percent", "count"]
"""`word` is a short text; `duration` is in seconds; the currency of `money` stands in a column of its own."""
Format = Literal["csv", "xlsx", "pdf"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
MEDIA: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
Fact = str | date | datetime | int | Decimal | None


class Column(NamedTuple):
    """What stands in a column, and what it is called."""

    name: str
    kind: Kind = "text"


class Row(NamedTuple):
    """One row; `group` begins a group with its sums, `total` is the sum of a currency."""

    facts: tuple[Fact, ...]
    kind: Literal["row", "group", "total"] = "row"


class Table(NamedTuple):
    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Report(NamedTuple):
    """One report. The last table is the one that has every row: it is what a CSV has."""

    title: str
    name: str
    """What it is saved as, without an ending."""
    workspace: str
    about: tuple[tuple[str, str], ...]
    """Which filters, in words."""
    date_from: date
    date_to: date
    tables: tuple[Table, ...]
    language: str
    locale: str
    made_on: date


def csv_of(report: Report) -> bytes:
    """The last table as CSV. Sums are left out: whoever adds the rows up finds them, and counts nothing twice."""
    table = report.tables[-1]
    header: list[str] = []
    for column in table.columns:
        header.append(column.name)
        if column.kind == "duration":
            header.append(f"{column.name} (decimal)")
    rows = (list(_texts(table.columns, row.facts)) for row in table.rows if row.kind == "row")
    return csv.table(header, rows)


def clock(seconds: int) -> str:
    """`1:30:00`, exact to the second; it may pass 24 hours."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _texts(columns: Iterable[Column], facts: tuple[Fact, ...]) -> Iterable[str]:
    for column, fact in zip(columns, facts, strict=True):
        if column.kind == "duration":
            assert isinstance(fact, int)  # noqa: S101 - durations are whole seconds
            yield clock(fact)
            yield f"{hours(fact):f}"
        elif fact is None:
            yield ""
        elif isinstance(fact, date):
            yield fact.isoformat()
        else:
            yield f"{fact:f}" if isinstance(fact, Decimal) else str(fact)
