"""Series of numbers: what invoices and credit notes are called, one after the other, without a hole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Row, Tenant, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.workspaces import Workspace, current
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict, Invalid

Kind = Literal["invoice", "credit_note"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

TOKENS: Final = ("{{yyyy}}", "{{yy}}", "{{mm}}", "{{dd}}")
"""What a prefix may hold of the day of issue (contract hoursmith 3.8)."""
LONGEST: Final = 60
"""Characters of a prefix."""
HIGHEST: Final = 999_999_999_999


class NumberSeries(Row):
    """The next number of a series. Its row is the lock behind which issuers queue up: that is what leaves no hole."""

    __tablename__ = "invoice_series"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    """`invoice` or `credit_note`; `invoice/2026` where the count begins anew each year."""
    next: Mapped[int]

    __table_args__ = (
        within_workspace("workspace_id", "workspaces.id"),
        CheckConstraint("next >= 1", name="next"),
    )


class NumberJump(Tenant):
    """That somebody chose with which number a series goes on. Rows never change: they are why a hole is none."""

    __tablename__ = "number_jumps"
    noun = "number series"

    series: Mapped[str]
    value: Mapped[int]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("value >= 1", name="value"),
            Index("ix_number_jumps_series", "workspace_id", "series", "value"),
        )


class IssuedNumber(Row):
    """The ledger of numbers: what each value of a series became, and for what. Rows never change."""

    __tablename__ = "issued_numbers"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    invoice_id: Mapped[Id | None]
    credit_note_id: Mapped[Id | None]
    issued_at: Mapped[datetime]

    __table_args__ = (
        within_workspace("workspace_id", "workspaces.id"),
        ForeignKeyConstraint(["workspace_id", "invoice_id"], ["invoices.workspace_id", "invoices.id"]),
        ForeignKeyConstraint(["workspace_id", "credit_note_id"], ["credit_notes.workspace_id", "credit_notes.id"]),
        UniqueConstraint("workspace_id", "number"),
        CheckConstraint("value >= 1", name="value"),
        CheckConstraint("num_nonnulls(invoice_id, credit_note_id) = 1", name="of_one"),
        Index("ix_issued_numbers_invoice", "workspace_id", "invoice_id"),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """How a series stands today."""

    kind: Kind
    prefix: str
    digits: int
    """At least so many, with zeros in front."""
    yearly_reset: bool
    next: int
    """What a document issued today would be counted as."""
    next_number: str


def read(ctx: Context) -> list[Series]:
    """Both series of the workspace."""
    ctx.require(Permission.READ_WORKSPACE)
    studio = current(ctx)
    return [_series(ctx, kind, studio) for kind in KINDS]


def change(
    ctx: Context,
    kind: Kind,
    *,
    prefix: str | None = None,
    digits: int | None = None,
    yearly_reset: bool | None = None,
    next: int | None = None,  # noqa: A002 - the field's own name
) -> Series:
    """Change how a series is written, whether it begins anew each year, or with which number it goes on.

    The next number is never one that was used, nor lower than the highest issued. A series that begins to count by
    years goes on within this one; one that no longer does goes on behind the year's.
    """
    ctx.require(Permission.CHANGE_WORKSPACE)
    studio = ctx.find(Workspace, ctx.actor.workspace_id, lock="update")  # whoever issues has it shared
    facts = {f"{kind}_prefix": prefix, f"{kind}_digits": digits, f"{kind}_yearly": yearly_reset}
    facts = {name: value for name, value in facts.items() if value is not None}
    _check(kind, studio, facts)
    was = _key(kind, studio, _today(ctx, studio))
    if ctx.change(studio, **facts):
        ctx.record("updated", studio)
    key = _key(kind, studio, _today(ctx, studio))
    if key != was:
        _set(ctx, key, max(_next(ctx, was), _next(ctx, key)))
    if next is not None:
        _go_on_with(ctx, kind, studio, key, next)
    return _series(ctx, kind, studio)


class Drawn(NamedTuple):
    """A number, and the place in its series that it takes."""

    series: str
    value: int
    number: str
    day: date


def draw(ctx: Context, kind: Kind, day: date) -> Drawn:
    """The next number of a series, under the lock of its row: issuers queue up, and a rollback gives it back."""
    ctx.row(_WAIT)
    studio = ctx.find(Workspace, ctx.actor.workspace_id, lock="share")  # how it is written does not change meanwhile
    key = _key(kind, studio, day)
    drawn = ctx.row(_DRAW, series=key)
    assert drawn is not None  # noqa: S101 - INSERT … RETURNING answers a row
    (value,) = drawn
    return Drawn(key, value, _written(kind, studio, value, day), day)


def enter(ctx: Context, drawn: Drawn, **of: str) -> None:
    """Write in the ledger for what a number was drawn: `invoice_id` or `credit_note_id`."""
    ctx.add(IssuedNumber(series=drawn.series, value=drawn.value, number=drawn.number, issued_at=ctx.now, **of))


def on_day(prefix: str, day: date) -> str:
    """A prefix as it is written on a day."""
    written = (f"{day.year:04d}", f"{day.year % 100:02d}", f"{day.month:02d}", f"{day.day:02d}")
    for token, digits in zip(TOKENS, written, strict=True):
        prefix = prefix.replace(token, digits)
    return prefix


def _series(ctx: Context, kind: Kind, studio: Workspace) -> Series:
    today = _today(ctx, studio)
    value = _next(ctx, _key(kind, studio, today))
    return Series(
        kind,
        getattr(studio, f"{kind}_prefix"),
        getattr(studio, f"{kind}_digits"),
        getattr(studio, f"{kind}_yearly"),
        value,
        _written(kind, studio, value, today),
    )


def _today(ctx: Context, studio: Workspace) -> date:
    return local_date(ctx.now, studio.time_zone)


def _key(kind: Kind, studio: Workspace, day: date) -> str:
    return f"{kind}/{day.year:04d}" if getattr(studio, f"{kind}_yearly") else kind


def _written(kind: Kind, studio: Workspace, value: int, day: date) -> str:
    return f"{on_day(getattr(studio, f'{kind}_prefix'), day)}{value:0{getattr(studio, f'{kind}_digits')}d}"


def _next(ctx: Context, key: str) -> int:
    found = ctx.row(_NEXT, series=key)
    return 1 if found is None else found[0]


def _check(kind: Kind, studio: Workspace, facts: dict[str, Any]) -> None:
    prefix: str = facts.get(f"{kind}_prefix", getattr(studio, f"{kind}_prefix"))
    if len(prefix) > LONGEST or not prefix.isprintable():
        raise Invalid(fields={"prefix": f"at most {LONGEST} characters, in one line"})
    unknown = [found for found in re.findall(r"\{\{.*?\}\}", prefix) if found not in TOKENS]
    if unknown:
        raise Invalid(fields={"prefix": f"knows {', '.join(TOKENS)}, but not {unknown[0]}"})
    if facts.get(f"{kind}_yearly", getattr(studio, f"{kind}_yearly")) and not _names_year(prefix):
        raise Invalid(
            fields={"prefix": "must hold {{yyyy}} or {{yy}} where numbers begin anew each year: they would come again"}
        )
    if not 1 <= facts.get(f"{kind}_digits", 4) <= 12:
        raise Invalid(fields={"digits": "must be between 1 and 12"})


def _names_year(prefix: str) -> bool:
    return "{{yyyy}}" in prefix or "{{yy}}" in prefix


def _go_on_with(ctx: Context, kind: Kind, studio: Workspace, key: str, value: int) -> None:
    if not 1 <= value <= HIGHEST:
        raise Invalid(fields={"next": f"must be between 1 and {HIGHEST}"})
    (highest,) = ctx.row(_HIGHEST, series=key) or (0,)
    if value <= highest:
        raise Invalid(fields={"next": f"must be more than {highest}, the highest number that was issued"})
    number = _written(kind, studio, value, _today(ctx, studio))
    if ctx.row(_TAKEN, number=number) is not None:
        raise Invalid(fields={"next": f"{number} was used already"})
    _set(ctx, key, value)


def _set(ctx: Context, key: str, value: int) -> None:
    """Let a series go on with a value, and write down that somebody chose so where it does not follow by itself."""
    was = _next(ctx, key)
    ctx.write(_SET, series=key, next=value)
    if value != was:
        jump = ctx.add(NumberJump(series=key, value=value))
        ctx.record("changed", jump)


_DRAW = Prepared(
    text("""
        INSERT INTO invoice_series AS series (workspace_id, series, next) VALUES (:workspace, :series, 2)
        ON CONFLICT (workspace_id, series) DO UPDATE SET next = series.next + 1
        RETURNING next - 1
    """)
)
# Whoever is before us in the queue makes a document while they hold the row: we wait for a few of them.
_WAIT = Prepared(text("SELECT set_config('lock_timeout', '12s', true)"))
_NEXT = Prepared(text("SELECT next FROM invoice_series WHERE workspace_id = :workspace AND series = :series"))
_SET = Prepared(
    text("""
        INSERT INTO invoice_series (workspace_id, series, next) VALUES (:workspace, :series, :next)
        ON CONFLICT (workspace_id, series) DO UPDATE SET next = excluded.next
    """)
)
_HIGHEST = Prepared(
    text("""
        SELECT COALESCE(max(value), 0) FROM issued_numbers WHERE workspace_id = :workspace AND series = :series
    """)
)
_TAKEN = Prepared(text("SELECT 1 FROM issued_numbers WHERE workspace_id = :workspace AND number = :number"))

SENTENCES["uq_issued_numbers_workspace_id_number"] = Conflict(
    "This number is taken. Change the prefix of the series, or the number with which it goes on, and try again."
)
