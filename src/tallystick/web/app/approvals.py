"""Approvals: weeks that wait, decided on one by one or together; a week handed in and taken back; the settings."""

from __future__ import annotations

from typing import Any, Final

from tallystick.domain import approvals, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.approvals import Status
from tallystick.domain.desk import shell
from tallystick.domain.desk import weeks as desk
from tallystick.domain.workspaces import WEEK_STARTS
from tallystick.values.errors import Conflict
from tallystick.web.app.visit import Answer, Page, Visit

STATUSES: Final[dict[str, Status]] = {"SUBMITTED": "SUBMITTED", "APPROVED": "APPROVED", "RETURNED": "RETURNED"}
NAMED: Final = 3
"""Of weeks that were skipped, how many say why."""


def page(visit: Visit) -> Answer:
    """The weeks that wait, and those that nobody handed in; or the weeks in another state."""
    ctx = visit.ctx
    studio = workspaces.read(ctx)
    status = STATUSES.get(visit.query.choice("status", STATUSES) or "SUBMITTED", "SUBMITTED")
    person = visit.query.id("person")
    return visit.show(
        "approvals.html",
        on=studio.approve_weeks,
        status=status,
        person=person,
        people=shell.colleagues(ctx),
        weeks=desk.weeks(ctx, status=status, user_id=person) if studio.approve_weeks else [],
        missing=desk.missing(ctx, studio, person) if studio.approve_weeks and status == "SUBMITTED" else [],
    )


def decide(visit: Visit) -> Answer:
    """Approve the ticked weeks, or return them with one reason; what cannot be is skipped and named."""
    ids = visit.form.ids("weeks")
    action = visit.form.choice("action", ("approve", "return"))
    reason = visit.form.text("reason", longest=500)
    visit.form.check()
    if not ids or action is None:
        raise Conflict("Tick the weeks first, then choose what to do with them.")
    if action == "return" and not reason:
        raise Conflict("Say why you return them.")
    done, skipped = approvals.decide_each(visit.ctx, ids, reason=reason if action == "return" else None)
    if action == "approve":
        said = visit.words.count("{count} week approved.", "{count} weeks approved.", len(done))
    else:
        said = visit.words.count("{count} week returned.", "{count} weeks returned.", len(done))
    if skipped:
        why = " ".join(dict.fromkeys(visit.explain(one.refusal) for one in skipped[:NAMED]))
        said += " " + visit.words.count("{count} left as it is.", "{count} left as they are.", len(skipped)) + " " + why
    goal = visit.back("/approvals")
    return type(goal)(goal.path, said)


def approve(visit: Visit) -> Answer:
    seen = visit.form.whole("seconds", least=0, most=10**9)
    visit.form.check()
    approvals.approve(visit.ctx, visit.id(), seen_seconds=seen)
    return visit.back("/approvals", "The week is approved.")


def return_(visit: Visit) -> Answer:
    reason = visit.form.need("reason", longest=500)
    visit.form.check()
    approvals.return_(visit.ctx, visit.id(), reason)
    return visit.back("/approvals", "The week is returned.")


def reopen(visit: Visit) -> Answer:
    reason = visit.form.need("reason", longest=500)
    visit.form.check()
    approvals.reopen(visit.ctx, visit.id(), reason)
    return visit.back("/approvals", "The week is open again.")


def submit(visit: Visit) -> Answer:
    """Hand a week in: one's own, or as an approver somebody else's."""
    week = visit.form.need_day("week")
    person = visit.form.id("person")
    visit.form.check()
    approvals.submit(visit.ctx, week, user_id=person)
    return visit.back("/time/week", "The week is submitted.")


def withdraw(visit: Visit) -> Answer:
    approvals.withdraw(visit.ctx, visit.id())
    return visit.back("/time/week", "The week is yours again.")


def settings_page(visit: Visit) -> Answer:
    return visit.show("time_settings.html", studio=workspaces.read(visit.ctx))


def change_settings(visit: Visit) -> Answer:
    form = visit.form
    facts: dict[str, Any] = {
        "approve_weeks": form.flag("approve_weeks"),
        "lock_submitted_weeks": form.flag("lock_submitted_weeks"),
        "bill_approved_only": form.flag("bill_approved_only"),
        "locked_until": form.day("locked_until"),
        "lock_month_after_days": form.whole("lock_month_after_days", least=0, most=365),
    }
    week_start = form.choice("week_start", WEEK_STARTS)
    if week_start is not None:
        facts["week_start"] = week_start
    form.check()
    workspaces.change(visit.ctx, **facts)
    return visit.go("/settings/time", "Saved.")


_APPROVE, _TRACK = Permission.APPROVE_TIME, Permission.TRACK_TIME

PAGES = (
    Page("/approvals", _APPROVE, page, decide, label="Approvals", section="time", icon="check"),
    Page("/approvals/{id}/approve", _APPROVE, post=approve),
    Page("/approvals/{id}/return", _APPROVE, post=return_),
    Page("/approvals/{id}/reopen", _APPROVE, post=reopen),
    Page("/time/week/submit", _TRACK, post=submit),
    Page("/time/week/{id}/withdraw", _TRACK, post=withdraw),
    Page(
        "/settings/time", Permission.READ_WORKSPACE, settings_page, change_settings,
        label="Settings: time and approvals", section="settings", icon="clock", change=Permission.CHANGE_WORKSPACE,
    ),
)  # fmt: skip
