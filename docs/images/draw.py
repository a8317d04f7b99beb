"""Draws data-model.svg from the row classes: `.venv/bin/python docs/images/draw.py`. A test holds both together."""

from __future__ import annotations

import importlib
import pkgutil
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Table

import tallystick.domain
from tallystick.db.base import Row

PICTURE = Path(__file__).with_name("data-model.svg")
GROUPS = {
    "who": (
        "People and access",
        ("workspaces", "members", "tokens", "sessions", "oauth", "api_keys", "people", "passkeys", "identities"),
    ),
    "work": (
        "Work",
        ("clients", "contacts", "categories", "projects", "milestones", "task_statuses", "tasks", "checklists",
         "comments", "notes", "rates", "time_entries", "device_actions", "pins", "expenses", "files"),
    ),
    "money": ("Money", (
        "dated_rates", "tax_rates", "invoices", "credit_notes", "payments", "client_credit", "recurring", "billing",
        "cards",
    )),
    "later": ("What happened, and what follows", ()),
}  # fmt: skip
"""Colour → heading, and the modules of the domain whose tables it holds; what no other has stands below the last."""
COLUMNS, WIDTH, GAP, LEFT, ROWS = 4, 250, 16, 24, 5
PLAIN = {"id", "workspace_id", "created_at", "updated_at", "deleted_at", "created_by", "serial"}
STYLE = """
    .page { fill: #ffffff; }
    rect.later { fill: #ffffff; stroke: #c6ceca; } rect.who { fill: #eef3fb; stroke: #a9bfe0; }
    rect.work { fill: #e4f2ed; stroke: #74b5a1; } rect.money { fill: #fbf1db; stroke: #d8bd80; }
    .name { font: 600 13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1b201e; }
    .row { font-size: 12.5px; fill: #4a534f; } .key { fill: #1b201e; }
    .head { font-size: 16px; font-weight: 600; fill: #1b201e; } .note { font-size: 13px; fill: #56605c; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; }
      rect.later { fill: #1a1f1e; stroke: #3b4441; } rect.who { fill: #162033; stroke: #3d547c; }
      rect.work { fill: #142a24; stroke: #37705f; } rect.money { fill: #2b2412; stroke: #75602a; }
      .name, .key, .head { fill: #e6ebe9; } .row { fill: #bac5c0; } .note { fill: #a0aca7; }
    }
"""


def picture() -> str:
    """The SVG: a box a table, with what it refers to first and then what it holds."""
    for module in pkgutil.walk_packages(tallystick.domain.__path__, "tallystick.domain."):
        importlib.import_module(module.name)
    modules = {mapper.local_table.name: mapper.class_.__module__.split(".")[2] for mapper in Row.registry.mappers}
    shapes: list[str] = []
    y = 72
    left = list(Row.metadata.sorted_tables)
    for group, (heading, wanted) in GROUPS.items():
        tables = [table for table in left if modules[table.name] in wanted or not wanted]
        left = [table for table in left if table not in tables]
        tables.sort(key=lambda table: (wanted.index(modules[table.name]) if wanted else 0, table.name))
        shapes.append(f'<text class="head" x="{LEFT}" y="{y}">{heading}</text>')
        y += 14
        for start in range(0, len(tables), COLUMNS):
            row = tables[start : start + COLUMNS]
            height = 40 + 18 * max(len(_lines(table)) for table in row)
            for place, table in enumerate(row):
                shapes += _box(table, group, LEFT + place * (WIDTH + GAP), y, height)
            y += height + GAP
        y += 28
    width = 2 * LEFT + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
    names = ", ".join(sorted(table.name for table in Row.metadata.sorted_tables))
    said = "→ is a reference by a foreign key of two columns, inside the workspace. All but people, passkeys, "
    said += "identities, workspaces and sign_in_counts belongs to one workspace."
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" role="img" aria-labelledby="title about"
 font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif">
<title id="title">The tables of Tallystick</title>
<desc id="about">A box for each table, by what it is about: {names}.</desc>
<style>{STYLE}</style>
<rect class="page" width="{width}" height="{y}" rx="12"/>
<text class="note" x="{LEFT}" y="36">{said}</text>
{chr(10).join(shapes)}
</svg>
"""


def _box(table: Table[Any], group: str, x: int, y: int, height: int) -> list[str]:
    said = [
        f'<rect class="{group}" x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="9" stroke-width="1.5"/>',
        f'<text class="name" x="{x + 13}" y="{y + 25}">{table.name}</text>',
    ]
    for number, line in enumerate(_lines(table)):
        key = " key" if "→" in line else ""
        said.append(f'<text class="row{key}" x="{x + 13}" y="{y + 46 + 18 * number}">{escape(line)}</text>')
    return said


def _lines(table: Table[Any]) -> list[str]:
    keys = {
        column.name: f"{column.name} → {key.referred_table.name}"
        for key in sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
        for column in list(key.columns)[1:2]
        if column.name not in PLAIN
    }
    others = [column.name for column in table.c if column.name not in keys and column.name not in PLAIN]
    lines, room = list(keys.values())[: ROWS - 1], ROWS
    while others and len(lines) < room:
        line = others.pop(0)
        while others and len(line) + len(others[0]) < 27:
            line += f", {others.pop(0)}"
        lines.append(line)
    if others and lines:
        lines[-1] += " …"
    return lines


if __name__ == "__main__":
    PICTURE.write_text(picture())
