"""Saved views: a report with its filters under a name, of one person, and of everybody where they share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import CheckConstraint, ColumnElement, Index, bindparam, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, cast_rows, read_columns, workspace
from tallystick.domain.context import actor as the_actor
from tallystick.domain.reports.time import HIDDEN_GROUPS, HIDDEN_SORTS
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound

ReportName = Literal["time", "revenue", "uninvoiced", "projects", "utilisation"]
REPORTS: Final[tuple[ReportName, ...]] = get_args(ReportName)
FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("from", "to", "clientId", "projectId", "taskId", "userId", "billable", "group", "sort"),
    "revenue": ("from", "to", "clientId", "group"),
    "uninvoiced": ("clientId", "group"),
    "projects": ("clientId", "status"),
    "utilisation": ("from", "to", "userId"),
}
"""Report → the fields of its address."""
NEEDS: Final[Mapping[str, Permission]] = {
    "time": Permission.TRACK_TIME,
    "revenue": Permission.SEE_MONEY,
    "uninvoiced": Permission.SEE_MONEY,
    "projects": Permission.READ_PROJECTS,
    "utilisation": Permission.TRACK_TIME,
}
"""Report → what one must be allowed to, to see a view of it."""
LONGEST_NAME: Final = 80
LONGEST_QUERY: Final = 1000
MOST: Final = 200
"""Views of one person."""


class ReportView(Tenant):
    """A view. It holds no figures: whoever opens it sees what they may see."""

    __tablename__ = "report_views"
    noun: ClassVar[str] = "report view"

    user_id: Mapped[Id]
    name: Mapped[str]
    report: Mapped[str]
    query: Mapped[str] = mapped_column(default="")
    """The fields of the report's address, in their order."""
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            one_of("report", REPORTS),
            CheckConstraint(f"char_length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name"),
            CheckConstraint(f"char_length(query) <= {LONGEST_QUERY}", name="query"),
            Index(
                "uq_report_views_name",
                "workspace_id",
                "user_id",
                "report",
                "name",
                unique=True,
                postgresql_where="deleted_at IS NULL",
            ),
            Index("ix_report_views_shared", "workspace_id", "report", postgresql_where="shared AND deleted_at IS NULL"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        own = table_of(cls).c
        return or_(own.user_id == user_id, own.shared)


def save(ctx: Context, *, name: str, report: str, query: str = "", shared: bool = False) -> ReportView:
    """Keep a report with its filters; one that the actor has under this name takes the new filters."""
    ctx.require(Permission.TRACK_TIME)
    kind = _report(report)
    ctx.require(NEEDS[kind])
    name = _name(name)
    kept = canonical(kind, query)
    mine = [one for one in listed(ctx) if one.user_id == ctx.actor.user_id]
    known = next((one for one in mine if (one.report, one.name) == (kind, name)), None)
    if known is not None:
        return change(ctx, known.id, query=kept, shared=shared)
    if len(mine) >= MOST:
        raise Conflict(f"You keep {MOST} views already. Delete one first.", reason="too_many_views")
    view = ctx.add(ReportView(user_id=ctx.actor.user_id, name=name, report=kind, query=kept, shared=shared))
    ctx.record("created", view)
    return view


def read(ctx: Context, view_id: str) -> ReportView:
    """One view: one's own, or a shared one."""
    ctx.require(Permission.TRACK_TIME)
    view = ctx.find(ReportView, view_id)
    return _seen(ctx, view)


def change(ctx: Context, view_id: str, **facts: Any) -> ReportView:
    """Give one's own view another name, other filters, or share it."""
    view = _own(ctx, view_id)
    if "name" in facts:
        facts["name"] = _name(facts["name"])
    if "query" in facts:
        facts["query"] = canonical(view.report, facts["query"])
    if ctx.change(view, **facts):
        ctx.record("updated", view)
    return view


def delete(ctx: Context, view_id: str) -> None:
    """Delete one's own view."""
    view = _own(ctx, view_id)
    ctx.change(view, deleted_at=ctx.now)
    ctx.record("deleted", view)


def listed(ctx: Context, report: str | None = None) -> list[ReportView]:
    """One's own views, and those that others share, by name; of reports that one may see."""
    ctx.require(Permission.TRACK_TIME)
    found = cast_rows(ctx.rows(_LISTED, report=None if report is None else _report(report)), ReportView)
    return [one for one in found if ctx.actor.may(NEEDS[one.report])]


def canonical(report: str, query: str) -> str:
    """The fields of an address that a report has, in its order. Raises Invalid with those that it has not."""
    try:
        given = dict(parse_qsl(query.removeprefix("?"), errors="strict", max_num_fields=50))
    except ValueError:
        raise Invalid(fields={"query": "must be the query of a report's address"}) from None
    known = FILTERS[report]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Invalid(fields={"query": f"unknown filter {unknown[0][:40]}; known are {', '.join(known)}"})
    kept = urlencode([(name, given[name]) for name in known if given.get(name)])
    if len(kept) > LONGEST_QUERY or "%00" in kept:
        raise Invalid(fields={"query": f"at most {LONGEST_QUERY} characters"})
    return kept


def left_out(ctx: Context, given: Mapping[str, str]) -> list[str]:
    """Of the fields of an address those that the actor sees nothing of: a view that others share may have them."""
    if ctx.actor.sees_money:
        return []
    hidden = {"group": HIDDEN_GROUPS, "sort": HIDDEN_SORTS}
    return [
        name
        for name, value in given.items()
        if name == "clientId" or value.removeprefix("-") in hidden.get(name, frozenset())
    ]


def _report(name: str) -> ReportName:
    found: ReportName | None = next((one for one in REPORTS if one == name), None)
    if found is None:
        raise Invalid(fields={"report": f"must be one of {', '.join(REPORTS)}"})
    return found


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(fields={"name": f"1 to {LONGEST_NAME} characters"})
    return name


def _own(ctx: Context, view_id: str) -> ReportView:
    ctx.require(Permission.TRACK_TIME)
    view = _seen(ctx, ctx.find(ReportView, view_id, lock="update"))
    if view.user_id != ctx.actor.user_id:
        raise Forbidden("Only who saved a view may change it. Save it under a name of your own.")
    return view


def _seen(ctx: Context, view: ReportView) -> ReportView:
    """A view for whoever sees it: its owner, and everybody who may see its report where it is shared."""
    if (view.user_id != ctx.actor.user_id and not view.shared) or not ctx.actor.may(NEEDS[view.report]):
        raise NotFound("No such report view.")
    return view


_table = table_of(ReportView)
_LISTED = Prepared(
    select(*read_columns(ReportView))
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.deleted_at.is_(None),
        or_(_table.c.user_id == the_actor(), _table.c.shared),
        or_(
            bindparam("report", type_=_table.c.report.type).is_(None),
            _table.c.report == bindparam("report", type_=_table.c.report.type),
        ),
    )
    .order_by(_table.c.name, _table.c.id)
)
SENTENCES["uq_report_views_name"] = Conflict("You have a view with this name already.", reason="name_taken")
