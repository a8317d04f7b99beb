"""Pages of rows: which filters and sorts a noun has, turned into statements that walk an index from a cursor on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Cast,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import UUID

from tallystick.db.base import Tenant, table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, actor, workspace
from tallystick.values.errors import Invalid, NotFound

USUAL: Final = frozenset({20, 25, 50, 100})
"""Page sizes that stand in the statement of a join as they are: only then PostgreSQL keeps its plan, and the plan of
four joins takes longer than the page."""

COUNTED_AHEAD: Final = 10_000
"""How many rows behind a numbered page are counted at most: the total of a list costs no more, however long it is."""

FilterKind = Literal[
    "id", "text", "flag", "choice", "since", "until", "least", "most", "least_count", "most_count", "switch", "day",
    "number", "texts",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what kind of value it takes, and the condition it stands for."""

    kind: FilterKind
    clause: ColumnElement[bool]
    choices: tuple[str, ...] = ()
    about: str = ""
    permission: Permission | None = None
    """What one must be allowed to see: a filter by what is hidden would be an oracle."""
    required: bool = False
    members: bool = True
    """Honoured for people who see only their own work; otherwise silently pinned to themselves."""

    @property
    def money(self) -> bool:
        """Whether it filters by an amount."""
        return self.permission is Permission.SEE_MONEY


_MONEY = Permission.SEE_MONEY


class After(NamedTuple):
    """Where a page starts: behind the row with this value of the sort column (as text) and this id."""

    value: str | None
    id: str


class Page(NamedTuple):
    rows: list[tuple[Any, ...]]
    after: After | None
    """Where the next page starts; None at the end."""


class NumberedPage(NamedTuple):
    rows: list[tuple[Any, ...]]
    total: int
    """How many rows all pages have together; of those behind this page at most `COUNTED_AHEAD` are counted."""


@dataclass(slots=True)
class Listing:
    """The list operation of one noun.

    Names are the domain's (`entry_date`). `exact` columns become filters of that name; `dates` and `instants` become
    `<name>_from` and `<name>_to`, both inclusive; `amounts` and `counts` become `<name>_min` and `<name>_max`.
    `ranks` are columns whose sort order is that of their list of values, not of the alphabet.
    """

    kind: type[Tenant]
    sorts: tuple[str, ...]
    search: tuple[str, ...] = ()
    searched: tuple[ColumnElement[str], ...] = ()
    exact: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    dates: tuple[str, ...] = ()
    instants: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    ranks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    computed: Mapping[str, ColumnElement[Any]] = field(default_factory=dict[str, ColumnElement[Any]])
    extra: Mapping[str, Filter] = field(default_factory=dict[str, Filter])
    names: tuple[str, ...] = ("name",)
    """Columns that sort as people expect, é beside e (docs/decisions/0003)."""
    source: FromClause | None = None
    """The table joined with what `computed` takes from others; None: the table alone."""
    live: ColumnElement[bool] | None = None
    """Which rows a list holds by default; None: those without `deleted_at`."""
    filters: dict[str, Filter] = field(init=False)
    _statements: dict[tuple[object, ...], Prepared] = field(init=False, default_factory=dict)
    _numbered: dict[tuple[object, ...], tuple[Prepared, Prepared]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        table = table_of(self.kind)
        filters: dict[str, Filter] = {}
        if self.search or self.searched:
            columns = [*(table.c[name] for name in self.search), *self.searched]
            sought = func.lower(bindparam("search", type_=Text()))
            about = "Case-insensitive partial match. Max 200 chars."
            filters["search"] = Filter("text", or_(*[func.lower(c).like(sought) for c in columns]), about=about)
        for name in self.exact:
            column = table.c[name]
            bound = bindparam(name, type_=column.type)
            if name in self.choices:
                filters[name] = Filter("choice", column == bound, choices=self.choices[name])
            elif isinstance(column.type, Boolean):
                filters[name] = Filter("flag", column == bound)
            else:
                filters[name] = Filter("id", column == bound)
        for name in (*self.dates, *self.instants):
            column = table.c[name]
            since = bindparam(f"{name}_from", type_=column.type)
            until = bindparam(f"{name}_to", type_=column.type)
            filters[f"{name}_from"] = Filter("since", column >= since)
            filters[f"{name}_to"] = Filter("until", column <= until)
        for name in self.amounts:
            column = table.c[name]
            filters[f"{name}_min"] = Filter(
                "least", column >= bindparam(f"{name}_min", type_=Numeric()), permission=_MONEY
            )
            filters[f"{name}_max"] = Filter(
                "most", column <= bindparam(f"{name}_max", type_=Numeric()), permission=_MONEY
            )
        for name in self.counts:
            column = table.c[name]
            filters[f"{name}_min"] = Filter("least_count", column >= bindparam(f"{name}_min", type_=column.type))
            filters[f"{name}_max"] = Filter("most_count", column <= bindparam(f"{name}_max", type_=column.type))
        filters.update(self.extra)
        self.filters = filters

    def is_date(self, name: str) -> bool:
        """Whether a `since` or `until` filter is about local days, not instants."""
        return name.rsplit("_", 1)[0] in self.dates

    def page(
        self,
        ctx: Context,
        columns: tuple[str, ...],
        filters: Mapping[str, Any],
        *,
        sort: str = "-created_at",
        limit: int = 50,
        after: After | None = None,
    ) -> Page:
        """One page of these columns, in the order of `sort` (a name, `-` for descending), ties by id."""
        name = sort.removeprefix("-")
        if name not in self.sorts:
            raise Invalid(fields={"sort": f"one of {', '.join(self.sorts)}, with - in front for descending"})
        self._refuse_hidden(ctx, name, filters)
        values = {key: _bound(self, key, value) for key, value in filters.items() if value is not None}
        if not ctx.actor.sees_everyone:
            values = {key: value for key, value in values.items() if self.filters[key].members}
        for key in [key for key in values if self.filters[key].kind == "switch"]:
            values[key if values.pop(key) else f"not {key}"] = True
        shape = (
            columns,
            frozenset(values),
            sort,
            None if after is None else after.value is None,
            ctx.actor.sees_everyone,
        )
        size = limit + 1 if self.source is not None and limit in USUAL else None
        statement = self._statements.get((*shape, size))
        if statement is None:
            query = self._select(*shape)
            statement = Prepared(query if size is None else query.limit(literal_column(str(size))))
            self._statements[*shape, size] = statement
        if after is not None:
            values["after_value"] = after.value
            values["after_id"] = after.id
        rows = ctx.rows(statement, **values, limit=limit + 1)
        value_at, id_at = self._places(columns, name)
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            following = After(_cursor_text(last[value_at]), last[id_at])
            del rows[limit:]
        if max(value_at, id_at) < len(columns):
            return Page(rows, following)
        return Page([row[: len(columns)] for row in rows], following)

    def numbered(
        self,
        ctx: Context,
        columns: tuple[str, ...],
        filters: Mapping[str, Any],
        *,
        sort: str,
        page: int,
        limit: int,
    ) -> NumberedPage:
        """The page of this number, from 1, and how many rows there are: two statements in one trip.

        Which rows the page has is found in the table alone, so filters and sorts reach others by subqueries; only the
        page itself is joined with what the columns come from.
        """
        self._refuse_hidden(ctx, sort.removeprefix("-"), filters)
        values = {key: _bound(self, key, value) for key, value in filters.items() if value is not None}
        if not ctx.actor.sees_everyone:
            values = {key: value for key, value in values.items() if self.filters[key].members}
        for key in [key for key in values if self.filters[key].kind == "switch"]:
            values[key if values.pop(key) else f"not {key}"] = True
        names, everyone, first = frozenset(values), ctx.actor.sees_everyone, page == 1
        size = limit if limit in USUAL else None
        shape = (columns, names, sort, everyone, first, size)
        known = self._numbered.get(shape)
        if known is None:
            known = self._numbered[shape] = self._select_numbered(
                columns, names, sort, everyone=everyone, first=first, size=size
            )
        pages, counted = known
        offset = (page - 1) * limit
        total = 0

        def count(found: tuple[Any, ...] | None) -> None:
            nonlocal total
            total = found[0] if found else 0

        ctx.row_later(counted, count, **values, most=offset + limit + COUNTED_AHEAD)
        rows = ctx.rows(pages, **values, limit=limit, offset=offset)
        return NumberedPage(rows, total)

    def one(
        self, ctx: Context, columns: tuple[str, ...], identity: str | int, by: Literal["id", "serial", "number"] = "id"
    ) -> tuple[Any, ...]:
        """These columns of one row; what the actor may not see is not found. `by`: what `identity` is."""
        return self._found(ctx.row(self._single(ctx, columns, by), id=identity))

    def one_at_end(self, ctx: Context, columns: tuple[str, ...], identity: str) -> Callable[[], tuple[Any, ...]]:
        """`one` of a row just written, along with the commit; it can be asked for then."""
        heard: list[tuple[Any, ...] | None] = []
        ctx.row_at_end(self._single(ctx, columns, "id"), heard.append, id=identity)
        return lambda: self._found(heard[0])

    def some(self, ctx: Context, columns: tuple[str, ...], ids: list[str]) -> list[tuple[Any, ...]]:
        """The id, these columns, and whether it is listed, of each of these rows that the actor may see, or might."""
        shape = ("some", columns, ctx.actor.sees_everyone)
        statement = self._statements.get(shape)
        if statement is None:
            table = table_of(self.kind)
            there = self.live if self.live is not None else table.c.deleted_at.is_(None)
            source = table if self.source is None else self.source
            query = select(table.c.id, *self._chosen(columns), there).select_from(source)
            query = query.where(
                table.c.workspace_id == workspace(),
                table.c.id == any_(bindparam("ids", type_=ARRAY(UUID(as_uuid=False)))),
            )
            seen = None if ctx.actor.sees_everyone else self.kind.seen_by(actor())
            statement = self._statements[shape] = Prepared(query if seen is None else query.where(seen))
        return ctx.rows(statement, ids=ids)

    def _refuse_hidden(self, ctx: Context, sort: str, filters: Mapping[str, Any]) -> None:
        """Nobody sorts or filters by what they may not see."""
        wrong: dict[str, str] = {}
        for key, value in filters.items():
            asked = self.filters[key].permission
            if value is not None and asked is not None and not ctx.actor.may(asked):
                wrong[key] = f"your role may not {asked}"
        if sort in self.kind.money and not ctx.actor.sees_money:
            wrong["sort"] = f"your role may not {_MONEY}"
        if wrong:
            raise Invalid(fields=wrong)

    def _select(
        self,
        columns: tuple[str, ...],
        filters: frozenset[str],
        sort: str,
        after_null: bool | None,
        everyone: bool,
    ) -> Select[*tuple[Any, ...]]:
        table = table_of(self.kind)
        key = self._sort_key(sort.removeprefix("-"))
        value_at, id_at = self._places(columns, sort.removeprefix("-"))
        more = [
            one
            for one, at in ((key.label("sort_value"), value_at), (table.c.id.label("sort_id"), id_at))
            if at >= len(columns)
        ]
        query = self._rows(columns, *more, everyone=everyone)
        for name in sorted(filters):
            clause = self.filters[name.removeprefix("not ")].clause
            query = query.where(not_(clause) if name.startswith("not ") else clause)
        return _keyset(query, key, table.c.id, sort, after_null, nullable=self._nullable(sort))

    def _select_numbered(
        self,
        columns: tuple[str, ...],
        filters: frozenset[str],
        sort: str,
        *,
        everyone: bool,
        first: bool,
        size: int | None,
    ) -> tuple[Prepared, Prepared]:
        """The statements of a numbered page, and of how many rows there are."""
        table = table_of(self.kind)
        key = self._sort_key(sort.removeprefix("-"))
        query = self._seen(select(table.c.id, key.label("sort_value")), everyone=everyone)
        count = self._seen(select(table.c.workspace_id), everyone=everyone)
        for name in sorted(filters):
            clause = self.filters[name.removeprefix("not ")].clause
            clause = not_(clause) if name.startswith("not ") else clause
            query, count = query.where(clause), count.where(clause)
        query = query.order_by(*_order(key, table.c.id, sort, nullable=self._nullable(sort)))
        query = query.limit(bindparam("limit", type_=Integer()) if size is None else literal_column(str(size)))
        found = (query if first else query.offset(bindparam("offset", type_=BigInteger()))).subquery("page")
        source = found.join(table if self.source is None else self.source, table.c.id == found.c.id)
        pages = select(*self._chosen(columns)).select_from(source).where(table.c.workspace_id == workspace())
        pages = pages.order_by(*_order(found.c.sort_value, found.c.id, sort, nullable=self._nullable(sort)))
        rows = count.limit(bindparam("most", type_=BigInteger())).subquery("counted")
        return Prepared(pages), Prepared(select(func.count()).select_from(rows))

    def _single(self, ctx: Context, columns: tuple[str, ...], by: str) -> Prepared:
        """The statement of `one`."""
        shape = (columns, ctx.actor.sees_everyone, by)
        statement = self._statements.get(shape)
        if statement is None:
            table = table_of(self.kind)
            query = self._rows(columns, everyone=ctx.actor.sees_everyone)
            statement = Prepared(query.where(table.c[by] == bindparam("id", type_=table.c[by].type)))
            self._statements[shape] = statement
        return statement

    def _found(self, row: tuple[Any, ...] | None) -> tuple[Any, ...]:
        if row is None:
            raise NotFound(f"No such {self.kind.noun}.")
        return row

    def _rows(self, columns: tuple[str, ...], *more: ColumnElement[Any], everyone: bool) -> Select[*tuple[Any, ...]]:
        """Columns of the rows that somebody may see."""
        source = table_of(self.kind) if self.source is None else self.source
        return self._seen(select(*self._chosen(columns), *more).select_from(source), everyone=everyone)

    def _chosen(self, columns: tuple[str, ...]) -> list[ColumnElement[Any]]:
        table = table_of(self.kind)
        shown = {**self.kind.read_as(), **self.computed}
        return [shown[name].label(name) if name in shown else table.c[name] for name in columns]

    def _seen(self, query: Select[*tuple[Any, ...]], *, everyone: bool) -> Select[*tuple[Any, ...]]:
        """Only rows that are listed and that somebody may see."""
        table = table_of(self.kind)
        query = query.where(table.c.workspace_id == workspace())
        if self.live is not None:
            query = query.where(self.live)
        elif "deleted_at" in table.c:
            query = query.where(table.c.deleted_at.is_(None))
        seen = None if everyone else self.kind.seen_by(actor())
        return query if seen is None else query.where(seen)

    def _places(self, columns: tuple[str, ...], sort: str) -> tuple[int, int]:
        """Where in a row its sort value and its id stand: among the columns, or behind them."""
        apart = sort in self.ranks or sort in self.names or sort in self.computed or sort not in columns
        value_at = len(columns) if apart else columns.index(sort)
        return value_at, columns.index("id") if "id" in columns else len(columns) + apart

    def _nullable(self, sort: str) -> bool:
        name = sort.removeprefix("-")
        return name not in self.computed and bool(table_of(self.kind).c[name].nullable)

    def _sort_key(self, name: str) -> ColumnElement[Any]:
        column = self.computed[name] if name in self.computed else table_of(self.kind).c[name]
        if name in self.ranks:
            return case({value: rank for rank, value in enumerate(self.ranks[name])}, value=column)
        if name in self.names:
            return func.name_key(column, type_=Text())
        return column


def _keyset(
    query: Select[*tuple[Any, ...]],
    key: Any,
    identity: ColumnElement[str],
    sort: str,
    after_null: bool | None,
    *,
    nullable: bool,
) -> Select[*tuple[Any, ...]]:
    """Order, and start behind the cursor. Nulls come last when descending, first when ascending."""
    descending = sort.startswith("-")
    query = query.order_by(*_order(key, identity, sort, nullable=nullable))
    if after_null is not None:
        kind: Any = key.type
        value: Cast[Any] = cast(bindparam("after_value", type_=Text()), kind)
        here = bindparam("after_id", type_=UUID(as_uuid=False))
        if after_null:
            rest = and_(key.is_(None), identity < here if descending else identity > here)
            query = query.where(rest if descending else or_(rest, key.is_not(None)))
        else:
            pair, place = tuple_(key, identity), tuple_(value, here)
            beyond: ColumnElement[bool] = pair < place if descending else pair > place
            query = query.where(or_(beyond, key.is_(None)) if descending and nullable else beyond)
    return query.limit(bindparam("limit", type_=Integer()))


def _order(
    key: Any, identity: ColumnElement[str], sort: str, *, nullable: bool
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    if sort.startswith("-"):
        return key.desc().nulls_last() if nullable else key.desc(), identity.desc()
    return key.asc().nulls_first() if nullable else key.asc(), identity.asc()


def _bound(listing: Listing, name: str, value: Any) -> Any:
    kind = listing.filters[name].kind
    if kind == "text":
        return f"%{_escaped(value)}%"
    if kind in ("since", "until") and listing.is_date(name):
        return _day(value, upper=kind == "until")
    if kind == "since":
        return value if isinstance(value, datetime) else datetime.combine(value, time.min, UTC)
    if kind == "until":
        return value if isinstance(value, datetime) else datetime.combine(value, time.max, UTC)
    return value


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _day(value: date | datetime, *, upper: bool) -> date:
    """A bound on local days; an instant counts as against UTC midnight of the day."""
    if not isinstance(value, datetime):
        return value
    instant = value.astimezone(UTC)
    if upper or instant.time() == time.min or instant.date() == date.max:
        return instant.date()
    return instant.date() + timedelta(days=1)


def _cursor_text(value: Any) -> str | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return None if value is None else str(value)
