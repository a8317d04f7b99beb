"""Rates that begin on a day: what an hour costs at a workspace, a client, a project or a task, and since when.

A place that has had one rate only keeps it in its own column. With the second its rates become rows here, the first of
them from the beginning of the calendar on, and `rates_from` of the place says since when the rows count.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Computed, Date, Index, Table, bindparam, case, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Row, Tenant, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.context import Context, columns_in, hydrate, workspace
from tallystick.values.duration import local_date
from tallystick.values.errors import Invalid

Scope = Literal["WORKSPACE", "CLIENT", "PROJECT", "TASK"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
BEGINNING: Final = date.min
"""A rate that begins on this day has been in force for ever."""
LARGEST: Final = Decimal(1_000_000_000)


class Rate(Tenant):
    """What an hour costs at a place from a day on, until the next one begins. No amount: it has none of its own."""

    __tablename__ = "rates"
    noun: ClassVar[str] = "rate"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    client_id: Mapped[Id | None]
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]
    scope: Mapped[str] = mapped_column(
        Computed(
            "CASE WHEN task_id IS NOT NULL THEN 'TASK' WHEN project_id IS NOT NULL THEN 'PROJECT' "
            "WHEN client_id IS NOT NULL THEN 'CLIENT' ELSE 'WORKSPACE' END",
            persisted=True,
        )
    )
    place_id: Mapped[Id] = mapped_column(
        Computed("COALESCE(task_id, project_id, client_id, workspace_id)", persisted=True)
    )
    """The task, project, client or workspace that it is a rate of."""
    amount: Mapped[Money | None]
    effective_from: Mapped[date]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        live = "deleted_at IS NULL"
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("num_nonnulls(client_id, project_id, task_id) <= 1", name="one_place"),
            CheckConstraint("amount >= 0", name="amount"),
            Index("uq_rates_day", "workspace_id", "place_id", "effective_from", unique=True, postgresql_where=live),
            Index("ix_rates_created", "workspace_id", "created_at", "id", postgresql_where=live),
        )


_rate = table_of(Rate)


def on_day(place: Table[Any], column: str, day: ColumnElement[Any]) -> ColumnElement[Any]:
    """The rate of a place on a day, as a part of a statement: its column, where no rates with days are kept for it."""
    studio = place.c.workspace_id if "workspace_id" in place.c else place.c.id
    dated = (
        select(_rate.c.amount)
        .where(
            _rate.c.workspace_id == studio,
            _rate.c.place_id == place.c.id,
            _rate.c.effective_from <= day,
            _rate.c.deleted_at.is_(None),
        )
        .order_by(_rate.c.effective_from.desc())
        .limit(1)
        .correlate_except(_rate)
        .scalar_subquery()
    )
    return case((place.c.rates_from <= day, dated), else_=place.c[column])


def sql_on_day(place: str, column: str, day: str) -> str:
    """`on_day` in SQL, for a statement that calls the place so."""
    studio = f"{place}.id" if place == "studio" else f"{place}.workspace_id"
    return f"""
        (CASE WHEN {place}.rates_from <= {day} THEN (
            SELECT dated.amount FROM rates AS dated
            WHERE dated.workspace_id = {studio} AND dated.place_id = {place}.id AND dated.effective_from <= {day}
              AND dated.deleted_at IS NULL
            ORDER BY dated.effective_from DESC LIMIT 1) ELSE {place}.{column} END)
    """


def cascade_on(day: str) -> str:
    """The rate found first on the way task → project → client → workspace on a day, in SQL.

    For a statement that joins them as `task`, `project`, `client` and `studio`. Rows are only looked for where one of
    the four has any, and by one subquery: four of them cost more to set up than all the rest of a small statement.
    """
    return f"""
        (CASE WHEN LEAST(task.rates_from, project.rates_from, client.rates_from, studio.rates_from) <= {day} THEN (
            SELECT found.amount FROM (
                SELECT place.nearness, CASE WHEN place.since <= {day} THEN (
                    SELECT dated.amount FROM rates AS dated
                    WHERE dated.workspace_id = studio.id AND dated.place_id = place.id
                      AND dated.effective_from <= {day} AND dated.deleted_at IS NULL
                    ORDER BY dated.effective_from DESC LIMIT 1) ELSE place.own END AS amount
                FROM (VALUES (1, task.id, task.rates_from, task.hourly_rate),
                             (2, project.id, project.rates_from, project.hourly_rate),
                             (3, client.id, client.rates_from, client.default_rate),
                             (4, studio.id, studio.rates_from, studio.default_rate)) AS place (nearness, id, since, own)
                OFFSET 0) AS found
            WHERE found.amount IS NOT NULL ORDER BY found.nearness LIMIT 1)
         ELSE COALESCE(task.hourly_rate, project.hourly_rate, client.default_rate, studio.default_rate) END)
    """


def today() -> ColumnElement[date]:
    """The actor's day, as a parameter of a statement."""
    return bindparam("today", type_=Date())


def settle(ctx: Context, place: Row, column: str, amount: Decimal | None) -> bool:
    """Give a place, which is locked, the rate that its column shall show from now on. Answers whether it was another.

    It holds from today on; from the beginning where there was none. What was said earlier today is corrected, where
    it begins: nobody worked by a slip of the hand.
    """
    check(amount, column)
    if getattr(place, column) == amount:
        return False
    if columns_in(place)["rates_from"] is None and _day(ctx, columns_in(place)["created_at"]) == ctx.today():
        ctx.change(place, **{column: amount})
        return True
    held = in_force(ctx, place, ctx.today())
    if columns_in(place)["rates_from"] is not None and held is not None and _day(ctx, held.created_at) == ctx.today():
        begin(ctx, place, column, amount, held.effective_from)
    elif held is None and getattr(place, column) is None:
        begin(ctx, place, column, amount, BEGINNING)
    else:
        begin(ctx, place, column, amount, ctx.today())
    return True


def begin(ctx: Context, place: Row, column: str, amount: Decimal | None, day: date) -> Rate:
    """Let a rate of a place, which is locked, begin on a day; one that began on that day is replaced."""
    check(amount, "amount")
    _unfold(ctx, place, column)
    found = ctx.row(_BEGINS, place_id=_id(place), day=day)
    if found is None:
        rate = add(ctx, place, amount=amount, effective_from=day)
        ctx.record("created", rate)
    else:
        rate = hydrate(Rate, found)
        if ctx.change(rate, amount=amount):
            ctx.record("updated", rate)
    refresh(ctx, place, column)
    return rate


def add(ctx: Context, place: Row, **facts: Any) -> Rate:
    """The row of a rate; what the database computes is on it at hand too."""
    scope = _SCOPE_OF[type(place).noun]
    if scope != "WORKSPACE":
        facts[f"{scope.lower()}_id"] = _id(place)
    rate = ctx.add(Rate(**facts))
    columns_in(rate).update(scope=scope, place_id=_id(place))
    return rate


def refresh(ctx: Context, place: Row, column: str) -> None:
    """Note at a place since when its rows count, and show the rate in force there today."""
    (first,) = ctx.row(_FIRST, place_id=_id(place)) or (None,)
    held = in_force(ctx, place, ctx.today())
    ctx.change(place, rates_from=first, updated_at=ctx.now)
    columns_in(place)[column] = None if held is None else held.amount


def in_force(ctx: Context, place: Row, day: date) -> Rate | None:
    """The row that says what an hour costs at a place on a day; None: none does."""
    found = ctx.row(_IN_FORCE, place_id=_id(place), day=day)
    return None if found is None else hydrate(Rate, found)


def own_on(ctx: Context, place: Row, column: str, day: date) -> Decimal | None:
    """The rate of a place itself on a day, whatever those around it say."""
    if columns_in(place)["rates_from"] is None:
        return columns_in(place)[column]
    held = in_force(ctx, place, day)
    return None if held is None else held.amount


def check(amount: Decimal | None, field: str) -> None:
    """A rate is an amount of money, or none."""
    if amount is not None and not 0 <= amount <= LARGEST:
        raise Invalid(fields={field: "must not be negative" if amount < 0 else "is more than an hour can cost"})


def _unfold(ctx: Context, place: Row, column: str) -> None:
    """Make the one rate of a place a row among others to come."""
    held = columns_in(place)
    if held["rates_from"] is None and held[column] is not None:
        made = held["created_at"]
        first = add(ctx, place, amount=held[column], effective_from=BEGINNING, created_at=made)
        ctx.record("created", first)
        ctx.change(place, **{column: None})


def _id(place: Row) -> str:
    return columns_in(place)["id"]


def _day(ctx: Context, instant: datetime) -> date:
    return local_date(instant, ctx.actor.time_zone)


_SCOPE_OF: Final[dict[str, Scope]] = {
    "workspace": "WORKSPACE",
    "client": "CLIENT",
    "project": "PROJECT",
    "task": "TASK",
}
_here = (
    _rate.c.workspace_id == workspace(),
    _rate.c.place_id == bindparam("place_id", type_=_rate.c.id.type),
    _rate.c.deleted_at.is_(None),
)
_bound_day = bindparam("day", type_=Date())
_BEGINS = Prepared(select(_rate).where(*_here, _rate.c.effective_from == _bound_day))
_IN_FORCE = Prepared(
    select(_rate).where(*_here, _rate.c.effective_from <= _bound_day).order_by(_rate.c.effective_from.desc()).limit(1)
)
_FIRST = Prepared(
    text("""
        SELECT min(effective_from) FROM rates
        WHERE workspace_id = :workspace AND place_id = :place_id AND deleted_at IS NULL
    """)
)
