"""A report on paper, and as a workbook: the same tables, each figure as its reader's country writes it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import xlsxwriter
from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_time

from tallystick.documents import paper, words
from tallystick.documents.figures import Figures, figures
from tallystick.values.report import Column, Fact, Report, Row, Table, clock

ENDING: Final = frozenset({"duration", "money", "percent", "count"})
"""What is compared by its last digits stands at the end of its column."""
BRAND: Final = "#0f5c4a"
LETTER: Final = frozenset({"US", "CA", "MX", "PH"})
LONGEST_SHEET_NAME: Final = 31
LONGEST_CELL: Final = 32_767
_NOT_IN_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def page_of(report: Report) -> dict[str, Any]:
    """The report, in the words of `templates/report.typ`."""
    said = words.ALL[paper.language_of(report.language)]
    shown = figures(report.locale)
    territory = report.locale.partition("_")[2]
    return {
        "language": paper.language_of(report.language),
        "rtl": False,
        "paper": "us-letter" if territory in LETTER else "a4",
        "layout": "compact",
        "brand": paper.colors(BRAND),
        "logo": None,
        "draft": None,
        "seller": {"name": _flat(report.workspace), "label": "", "lines": []},
        "buyer": {"label": "", "name": "", "lines": []},
        "footer": "",
        "page": said.page,
        "title": f"{_flat(report.workspace)} · {report.title}",
        "heading": report.title,
        "days": shown.span(report.date_from, report.date_to),
        "about": [{"label": label, "value": _flat(value)} for label, value in report.about],
        "tables": [_table(table, shown, report.locale) for table in report.tables],
        "several": len(report.tables) > 1,
    }


def workbook(report: Report) -> bytes:
    """One sheet for each table; durations are fractions of a day, so that they add up. No cell has a formula."""
    written = io.BytesIO()
    book: Any = xlsxwriter.Workbook(
        written,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )
    noon = datetime(report.made_on.year, report.made_on.month, report.made_on.day, 12)  # noqa: DTZ001 - a day
    book.set_properties({"title": report.title, "author": report.workspace, "created": noon})
    taken: set[str] = set()
    for table in report.tables:
        _sheet(book, table, taken)
    book.close()
    return written.getvalue()


def _sheet(book: Any, table: Table, taken: set[str]) -> None:
    name = table.name.translate(_NOT_IN_NAMES).strip()[:LONGEST_SHEET_NAME] or "Report"
    while name.casefold() in taken:
        name = f"{name[: LONGEST_SHEET_NAME - 2]} 2"
    taken.add(name.casefold())
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "bottom": 1})
    looks: dict[tuple[str, bool], Any] = {}

    def look(form: str, *, bold: bool) -> Any:
        if (form, bold) not in looks:
            looks[form, bold] = book.add_format({"num_format": form, "bold": bold})
        return looks[form, bold]

    for at, column in enumerate(table.columns):
        sheet.write_string(0, at, column.name, head)
        sheet.set_column(at, at, 28 if column.kind == "text" else 16 if column.kind == "moment" else 13)
    for number, row in enumerate(table.rows, start=1):
        bold = row.kind != "row"
        for at, (column, fact) in enumerate(zip(table.columns, row.facts, strict=True)):
            _cell(sheet, (number, at), column, fact, partial(look, bold=bold))
    sheet.freeze_panes(1, 0)
    if table.rows:
        sheet.autofilter(0, 0, sum(1 for row in table.rows if row.kind == "row"), len(table.columns) - 1)


def _cell(sheet: Any, place: tuple[int, int], column: Column, fact: Fact, look: Callable[[str], Any]) -> None:
    if fact is None:
        return
    if isinstance(fact, datetime):
        sheet.write_datetime(*place, fact.replace(tzinfo=None), look("yyyy-mm-dd hh:mm"))
    elif isinstance(fact, date) and fact.year >= 1900:
        sheet.write_datetime(*place, fact, look("yyyy-mm-dd"))
    elif column.kind == "duration" and isinstance(fact, int):
        sheet.write_number(*place, fact / 86_400, look("[h]:mm:ss"))
    elif isinstance(fact, Decimal):
        places = max(0, -int(fact.as_tuple().exponent))
        sheet.write_number(*place, fact, look("#,##0" + ("." + "0" * places if places else "")))
    elif isinstance(fact, int):
        sheet.write_number(*place, fact, look("#,##0"))
    else:
        sheet.write_string(*place, _plain(str(fact))[:LONGEST_CELL], look("@"))


def _table(table: Table, shown: Figures, locale: str) -> dict[str, Any]:
    # Where the money is named once, the column of currencies says it.
    return {
        "name": table.name,
        "columns": [{"name": one.name, "end": one.kind in ENDING, "wide": one.kind == "text"} for one in table.columns],
        "rows": [{"kind": row.kind, "cells": _cells(table.columns, row, shown, locale)} for row in table.rows],
    }


def _cells(columns: tuple[Column, ...], row: Row, shown: Figures, locale: str) -> list[str]:
    return [_text(column, fact, shown, locale) for column, fact in zip(columns, row.facts, strict=True)]


def _text(column: Column, fact: Fact, shown: Figures, locale: str) -> str:
    if fact is None:
        return ""
    if isinstance(fact, datetime):
        return format_time(fact, "short", locale=_known(locale))
    if isinstance(fact, date):
        return shown.short_day(fact)
    if column.kind == "duration" and isinstance(fact, int):
        return clock(fact).removesuffix(":00")
    if column.kind == "percent":
        return shown.percent(Decimal(fact))
    if isinstance(fact, Decimal):
        return shown.number(fact, max(0, -int(fact.as_tuple().exponent)))
    return shown.number(Decimal(fact), 0) if isinstance(fact, int) else _plain(fact)


def _known(name: str) -> Locale:
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return Locale("en", "GB")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Without the control characters that no file may have."""
    return "".join(one if one.isprintable() or one in "\n\t" else " " for one in text)
