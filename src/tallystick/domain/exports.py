"""Exports: everything a workspace has as one zip, written by a job in pieces, kept for a week, for its owner alone.

What is taken is asked of the tables themselves, so that a new one cannot be forgotten; what it may not hold is named.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, NamedTuple, cast, get_args
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, Tenant, one_of, within_workspace
from tallystick.db.session import Connection, Prepared, text_query
from tallystick.domain import jobs
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, cast_rows
from tallystick.values import csv
from tallystick.values.errors import Conflict, NotFound

State = Literal["queued", "running", "done", "failed"]
STATES: Final[tuple[State, ...]] = get_args(State)
KEPT: Final = timedelta(days=7)
GIVEN_UP: Final = timedelta(hours=6)
"""A job that was at it for longer is gone."""
PIECE: Final = 1024 * 1024
AT_ONCE: Final = 1000
"""Rows that are held at a time."""
LEFT_OUT: Final = frozenset(
    {
        "api_keys", "change_heads", "change_queue", "changes", "export_pieces", "exports", "file_contents",
        "idempotency_answers", "invoice_views", "oauth_apps", "oauth_codes", "oauth_grants", "oauth_tokens",
        "password_links", "portal_links", "portal_sessions", "sessions", "tokens",
    }
)  # fmt: skip
"""Ways in, and what the server keeps for itself."""
SECRET: Final = ("digest", "secret", "token", "password", "hash", "sealed")
"""A column whose name has one of these is left out wherever it is, as are bytes: they are files, or locked up."""
_HERE: Final = ":workspace:"
_PEOPLE: Final = (
    "member_id", "user_id", "name", "email", "role", "number", "phone", "job_position", "time_zone", "language",
    "weekly_capacity_hours", "created_at", "removed_at",
)  # fmt: skip
_PEOPLE_QUERY: Final = f"""
    SELECT m.id, m.user_id, p.name, p.email, m.role, m.number, m.phone, m.job_position, p.time_zone, p.language,
           m.weekly_capacity_hours, m.created_at, m.removed_at
    FROM members AS m JOIN people AS p ON p.id = m.user_id WHERE m.workspace_id = {_HERE} ORDER BY m.number
"""
MONEY: Final = ("amount", "total", "balance", "subtotal")

Opened = Callable[[], AbstractContextManager[Context]]
Ahead = Callable[[int], None]
"""Is told how many of a hundred are done."""
Sink = Callable[[bytes], None]


class Export(Tenant):
    """One zip, on its way or ready."""

    __tablename__ = "exports"
    noun: ClassVar[str] = "export"

    state: Mapped[str] = mapped_column(default="queued")
    progress: Mapped[int] = mapped_column(default=0)
    """Of a hundred."""
    size: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            one_of("state", STATES),
            CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
            CheckConstraint("(state IN ('done', 'failed')) = (finished_at IS NOT NULL)", name="finished_at"),
            CheckConstraint("(state = 'done') = (expires_at IS NOT NULL)", name="expires_at"),
            Index(
                "uq_exports_under_way", "workspace_id", unique=True, postgresql_where="state IN ('queued', 'running')"
            ),
        )  # fmt: skip


class ExportPiece(Tenant):
    """A part of the zip: nobody ever holds the whole."""

    __tablename__ = "export_pieces"
    noun: ClassVar[str] = "export piece"

    export_id: Mapped[Id]
    position: Mapped[int]
    content: Mapped[Blob]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("export_id", "exports.id"),
            UniqueConstraint("workspace_id", "export_id", "position"),
        )


class Noun(NamedTuple):
    """A table of the export: its columns, and in which order its rows come."""

    name: str
    columns: tuple[str, ...]
    query: str


# --- asking and looking


def ask(ctx: Context) -> Export:
    """Have everything written into a zip; one at a time."""
    ctx.even_closed()
    ctx.require(Permission.EXPORT_EVERYTHING)
    for one in cast_rows(ctx.rows(_UNDER_WAY), Export):
        if one.updated_at + GIVEN_UP > ctx.now:
            raise Conflict("An export is under way. Wait until it is ready.", reason="export_under_way")
        ctx.change(one, state="failed", failure="It was given up.", finished_at=ctx.now)
    export = ctx.add(Export())
    jobs.defer(ctx, "export_everything", lock=f"export:{ctx.actor.workspace_id}", export_id=export.id)
    ctx.record_facts("asked", export)
    return export


def listed(ctx: Context) -> list[Export]:
    """The exports of the last weeks, the newest first."""
    ctx.require(Permission.EXPORT_EVERYTHING)
    return cast_rows(ctx.rows(_LISTED), Export)


def read(ctx: Context, export_id: str) -> Export:
    """One export."""
    ctx.require(Permission.EXPORT_EVERYTHING)
    return ctx.find(Export, export_id)


def download(ctx: Context, export_id: str) -> Export:
    """Say that the zip is fetched, by whom is in the audit log. Who they are was seen by the caller just now."""
    ctx.even_closed()
    export = read(ctx, export_id)
    if export.state != "done" or export.expires_at is None or export.expires_at <= ctx.now:
        raise NotFound("This export is not there any more. Ask for a new one.")
    ctx.record_facts("downloaded", export, size=export.size)
    return export


def piece(ctx: Context, export_id: str, position: int) -> bytes | None:
    """A part of the zip, from 0 on; None after the last. For whoever was let in by `download`."""
    found = ctx.row(_PIECE, export_id=export_id, position=position)
    return None if found is None else bytes(found[0])


# --- writing; what a worker does


def begin(ctx: Context, export_id: str) -> bool:
    """Take an export that waits; False where somebody else has it, or had it."""
    ctx.even_closed()
    try:
        export = ctx.find(Export, export_id, lock="update")
    except NotFound:
        return False
    if export.state in ("done", "failed"):
        return False
    ctx.write(_FORGET_PIECES, export_id=export.id)
    ctx.change(export, state="running", progress=0)
    return True


def finish(ctx: Context, export_id: str, size: int) -> None:
    """It is ready, for a week."""
    ctx.even_closed()
    export = ctx.find(Export, export_id, lock="update")
    ctx.change(export, state="done", progress=100, size=size, finished_at=ctx.now, expires_at=ctx.now + KEPT)
    ctx.record_facts("finished", export, size=size)


def fail(ctx: Context, export_id: str, why: str) -> None:
    """Nothing comes of it."""
    ctx.even_closed()
    export = ctx.find(Export, export_id, lock="update")
    if export.state in ("queued", "running"):
        ctx.change(export, state="failed", failure=why[:500], finished_at=ctx.now)
        ctx.write(_FORGET_PIECES, export_id=export.id)
        ctx.record_facts("failed", export, why=why[:500])


def tell(ctx: Context, export_id: str, progress: int) -> None:
    """Say how far it is."""
    ctx.write(_TELL, export_id=export_id, progress=progress, now=ctx.now)


def keep_piece(ctx: Context, export_id: str, position: int, content: bytes) -> None:
    """Put a part of the zip down."""
    ctx.add(ExportPiece(export_id=export_id, position=position, content=content))


def forget(ctx: Context) -> int:
    """Delete what was kept for long enough; answers how many exports lost their zip."""
    return ctx.write(_FORGET_OLD, now=ctx.now)


def write(connection: Connection, workspace_id: str, named: str, *, sink: Sink, ahead: Ahead, at: datetime) -> int:
    """Write the zip of a workspace into a sink; answers its size.

    The connection sees one moment of the workspace (REPEATABLE READ); it is the caller's to open.
    """
    out = _Out(sink)
    counts: dict[str, int] = {}
    sums: dict[str, dict[str, Decimal]] = {}
    found = nouns()
    every = sum(_count(connection, noun, workspace_id) for noun in found) or 1
    done = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:  # type: ignore[arg-type]
        for noun in found:

            def of_noun(count: int, before: int = done) -> None:
                ahead((before + count) * 90 // every)

            written, totals = _write_noun(connection, archive, noun, workspace_id, of_noun)
            counts[noun.name], sums[noun.name] = written, totals
            done += written
        ahead(90)
        counts["files"] = _write_files(connection, archive, workspace_id)
        ahead(95)
        counts["documents"] = _write_documents(connection, archive, workspace_id)
        said = {name: {key: f"{value}" for key, value in of.items()} for name, of in sums.items() if of}
        archive.writestr("totals.json", json.dumps({"counts": counts, "sums": said}, indent=1))
        archive.writestr("README.txt", _readme(named, counts, at))
    out.close()
    return out.size


def nouns() -> list[Noun]:
    """Every table of a workspace but those left out, without bytes and secrets."""
    found = [Noun("people", _PEOPLE, _PEOPLE_QUERY)]
    tables = Row.metadata.tables
    for name in ("workspaces", *sorted(set(tables) - LEFT_OUT - {"workspaces"})):
        table = tables[name]
        if name != "workspaces" and "workspace_id" not in table.c:
            continue
        columns = tuple(
            column.key
            for column in table.columns
            if column.key != "workspace_id" and not _is_secret(column.key, str(column.type))
        )
        whose = "id" if name == "workspaces" else "workspace_id"
        order = "id" if "id" in columns else ", ".join(columns)
        listed = ", ".join(f'"{column}"' for column in columns)
        query = f'SELECT {listed} FROM "{name}" WHERE {whose} = {_HERE} ORDER BY {order}'
        found.append(Noun(name, columns, query))
    return found


def _is_secret(column: str, kind: str) -> bool:
    if "BYTEA" in kind or "BLOB" in kind:
        return True
    return any(word in column for word in SECRET)


def _count(connection: Connection, noun: Noun, workspace_id: str) -> int:
    query = text_query(f"SELECT count(*) FROM ({_within(noun, workspace_id)}) AS every")
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _within(noun: Noun, workspace_id: str) -> str:
    """The query of a workspace; a cursor takes no parameters."""
    return noun.query.replace(_HERE, f"'{UUID(workspace_id)}'::uuid")


def _rows(connection: Connection, noun: Noun, workspace_id: str) -> Iterator[list[tuple[Any, ...]]]:
    """In portions, from a cursor of the server: never all of them."""
    query = f"DECLARE export_rows NO SCROLL CURSOR FOR {_within(noun, workspace_id)}"
    connection.execute(text_query(query))
    try:
        while found := connection.execute(text_query(f"FETCH {AT_ONCE} FROM export_rows")).fetchall():
            yield found
    finally:
        connection.execute("CLOSE export_rows")


def _write_noun(
    connection: Connection, archive: zipfile.ZipFile, noun: Noun, workspace_id: str, ahead: Ahead
) -> tuple[int, dict[str, Decimal]]:
    """A noun as JSON Lines and as CSV. Two readings of one moment: a zip is written one file after the other."""
    sums: dict[str, Decimal] = {}
    money = [n for n, column in enumerate(noun.columns) if column in MONEY]
    currency = noun.columns.index("currency") if "currency" in noun.columns else None
    count = 0
    with archive.open(f"jsonl/{noun.name}.jsonl", "w", force_zip64=True) as lines:
        for rows in _rows(connection, noun, workspace_id):
            for row in rows:
                for n in money:
                    if isinstance(row[n], Decimal):
                        key = f"{noun.columns[n]} {row[currency]}" if currency is not None else noun.columns[n]
                        sums[key] = sums.get(key, Decimal(0)) + row[n]
            lines.write("".join(_line(noun.columns, row) for row in rows).encode())
            count += len(rows)
            ahead(count // 2)
    with archive.open(f"csv/{noun.name}.csv", "w", force_zip64=True) as table:
        table.write(csv.table(noun.columns, ()))
        for rows in _rows(connection, noun, workspace_id):
            made = csv.table((), [[_cell(value) for value in row] for row in rows])
            table.write(made.partition(b"\r\n")[2])  # without the mark and the empty header
    return count, sums


def _line(columns: Sequence[str], row: Sequence[Any]) -> str:
    return json.dumps(dict(zip(columns, map(_plain, row), strict=True)), ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list):
        return cast("list[object]", value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(_plain(value)) if not isinstance(value, bool) else "yes" if value else "no"


def _write_files(connection: Connection, archive: zipfile.ZipFile, workspace_id: str) -> int:
    known = connection.execute(
        "SELECT id, kind, name FROM files WHERE workspace_id = %s ORDER BY id", [workspace_id]
    ).fetchall()
    for identity, kind, name in known:
        found = connection.execute("SELECT content FROM file_contents WHERE file_id = %s", [identity]).fetchone()
        if found is not None:
            archive.writestr(f"files/{kind.lower()}/{identity}-{_safe(name)}", found[0], zipfile.ZIP_STORED)
    return len(known)


def _write_documents(connection: Connection, archive: zipfile.ZipFile, workspace_id: str) -> int:
    known = connection.execute(
        "SELECT id, number FROM issued_documents WHERE workspace_id = %s ORDER BY id", [workspace_id]
    ).fetchall()
    for identity, number in known:
        found = connection.execute("SELECT pdf, xml FROM issued_documents WHERE id = %s", [identity]).fetchone()
        if found is not None:
            archive.writestr(f"documents/{_safe(number)}.pdf", found[0], zipfile.ZIP_STORED)
            if found[1] is not None:
                archive.writestr(f"documents/{_safe(number)}.xml", found[1])
    return len(known)


def _safe(name: str) -> str:
    """A name that stays in its folder, on every system."""
    plain = "".join(one if one.isalnum() or one in "._- " else "_" for one in name).strip(". ")
    return plain[:120] or "unnamed"


def _readme(named: str, counts: Mapping[str, int], at: datetime) -> str:
    lines = "\n".join(f"{count:>9}  {name}" for name, count in counts.items())
    return f"""Everything of {named} in Tallystick, as it was at {at:%Y-%m-%d %H:%M} UTC.

csv/        one table for each kind of thing, for spreadsheets (UTF-8; a text that a spreadsheet would take for a
            formula stands behind an apostrophe; lists are joined by blanks)
jsonl/      the same as JSON Lines: one object a line, amounts and rates as text so that no digit is lost
files/      receipts and the logo; their names begin with the id in files.csv
documents/  every issued invoice and credit note as PDF, and as XML where there is one
totals.json how many rows there are, and the sums of amounts by currency

Rows refer to each other by id: invoice_lines.invoice_id is an id in invoices. events tell what happened, audit_log who
did it and in which order. Not in here: passwords, tokens, sessions and other ways in.

{lines}
"""


class _Out:
    """What zipfile writes to: bytes go on in pieces, and nothing is looked at again."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = bytearray()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._held += data
        self.size += len(data)
        while len(self._held) >= PIECE:
            self._sink(bytes(self._held[:PIECE]))
            del self._held[:PIECE]
        return len(data)

    def flush(self) -> None:
        """Nothing waits for it."""

    def close(self) -> None:
        if self._held:
            self._sink(bytes(self._held))
            self._held.clear()


_columns = ", ".join(column.key for column in Export.__table__.columns)
_UNDER_WAY = Prepared(f"""
    SELECT {_columns} FROM exports
    WHERE workspace_id = %(workspace)s::uuid AND state IN ('queued', 'running') FOR UPDATE
""")
_LISTED = Prepared(f"""
    SELECT {_columns} FROM exports WHERE workspace_id = %(workspace)s::uuid ORDER BY created_at DESC, id DESC LIMIT 20
""")
_PIECE = Prepared("""
    SELECT content FROM export_pieces
    WHERE workspace_id = %(workspace)s::uuid AND export_id = %(export_id)s::uuid AND position = %(position)s::bigint
""")
_FORGET_PIECES = Prepared("""
    DELETE FROM export_pieces WHERE workspace_id = %(workspace)s::uuid AND export_id = %(export_id)s::uuid
""")
_TELL = Prepared("""
    UPDATE exports SET progress = %(progress)s::bigint, updated_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND id = %(export_id)s::uuid
""")
_FORGET_OLD = Prepared("""
    DELETE FROM export_pieces WHERE workspace_id = %(workspace)s::uuid AND export_id IN (
        SELECT id FROM exports WHERE workspace_id = %(workspace)s::uuid AND expires_at <= %(now)s::timestamptz)
""")
