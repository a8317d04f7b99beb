"""Notifications: what one was told of, marked as read, and how one hears of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tallystick.domain.access import Permission
from tallystick.domain.notifications import choices, notification
from tallystick.domain.notifications.choices import Kind
from tallystick.domain.notifications.notification import Told
from tallystick.values.ids import parse_id
from tallystick.web.app.visit import Answer, Page, Visit

SHOWN: Final = 50
KIND_NAMES: Final[Mapping[Kind, str]] = {
    "budget_threshold": "A project's budget is nearly or wholly used",
    "invoice_overdue": "An invoice is overdue",
    "timer_forgotten": "Your timer looks forgotten",
    "week_not_submitted": "Your last week is not submitted",
    "week_returned": "Your week was returned",
    "webhook_failing": "A webhook is failing",
    "webhook_disabled": "A webhook was disabled",
}
SIGNS: Final[Mapping[Kind, str]] = {
    "budget_threshold": "chart",
    "invoice_overdue": "receipt",
    "timer_forgotten": "clock",
    "week_not_submitted": "calendar",
    "week_returned": "calendar",
    "webhook_failing": "warn",
    "webhook_disabled": "warn",
}


def page(visit: Visit) -> Answer:
    """What one was told of, the newest first; `before`: those that came before this one."""
    only_unread = visit.query.flag("unread")
    before = parse_id(visit.query.kept("before"))
    found, more = notification.page(visit.ctx, unread=True if only_unread else None, before=before, limit=SHOWN)
    return visit.show(
        "notifications.html",
        told=[(one, SIGNS[one.kind], *_said(visit, one)) for one in found],
        only_unread=only_unread,
        older=found[-1].id if more else None,
    )


def read(visit: Visit) -> Answer:
    """Mark one as read, and go to what it is about where that was asked for."""
    told = notification.read(visit.ctx, visit.id())
    return visit.go(told.path) if visit.form.flag("open") else visit.back("/notifications")


def read_all(visit: Visit) -> Answer:
    notification.read_all(visit.ctx)
    return visit.go("/notifications", "All are read.")


def choose(visit: Visit) -> Answer:
    """Take the ticks of all kinds: what is not ticked is not wanted."""
    in_app, by_mail = (visit.form.given.get(name, []) for name in ("in_app", "by_mail"))
    for kind, was in choices.read(visit.ctx).items():
        wanted = choices.Choice(kind in in_app, kind in by_mail)
        if wanted != was:
            choices.choose(visit.ctx, kind, in_app=wanted.in_app, by_mail=wanted.by_mail)
    return visit.go("/account#notifications", "Saved.")


def offered(visit: Visit) -> list[tuple[Kind, str, bool, bool]]:
    """Each kind that one may be told of, its name, and how one hears of it."""
    found = choices.read(visit.ctx).items()
    return [(kind, visit.say(KIND_NAMES[kind]), choice.in_app, choice.by_mail) for kind, choice in found]


def _said(visit: Visit, told: Told) -> tuple[str, str]:
    """What happened, and a line about it, in the reader's words."""
    say, formats, facts = visit.say, visit.formats, told.facts
    match told.kind:
        case "budget_threshold":
            used, budget = (_budget(visit, facts, name) for name in ("used", "budget"))
            percent = formats.percent(facts["percent"])
            if facts["level"] >= 100:
                head = say("The budget of {project} is used up", project=facts["project"])
            else:
                head = say("{percent} of the budget of {project} is used", percent=percent, project=facts["project"])
            return head, say("{used} of {budget}, {percent}", used=used, budget=budget, percent=percent)
        case "invoice_overdue":
            balance = formats.money(Decimal(facts["balance"]), facts["currency"])
            day = formats.short_day(date.fromisoformat(facts["due_date"]))
            line = say("{client}: {balance}, due on {day}", client=facts["client"], balance=balance, day=day)
            return say("Invoice {number} is overdue", number=facts["number"]), line
        case "timer_forgotten":
            work = " · ".join(one for one in (facts["project"], facts["task"]) if one) or say("No project")
            limit = formats.hours(facts["limit_minutes"] * 60)
            return say("Did you forget your timer?"), say("It ran for more than {time}: {work}", time=limit, work=work)
        case "week_not_submitted":
            head = say("Your week {days} is not submitted", days=_span(visit, facts))
            return head, say("It has ended, and it has time in it.")
        case "week_returned":
            return say("Your week {days} was returned", days=_span(visit, facts)), facts["reason"]
        case "webhook_failing":
            return say("A webhook is failing"), facts["url"]
        case "webhook_disabled":
            return say("A webhook was disabled"), facts["url"]


def _budget(visit: Visit, facts: dict[str, Any], name: str) -> str:
    amount = Decimal(facts[name])
    if facts["measure"] == "hours":
        return visit.formats.hours(int(amount * 3600))
    return visit.formats.money(amount, facts["currency"])


def _span(visit: Visit, facts: dict[str, Any]) -> str:
    return visit.formats.span(date.fromisoformat(facts["first_day"]), date.fromisoformat(facts["last_day"]))


_SELF: Final = Permission.READ_SELF

PAGES = (
    Page("/notifications", _SELF, page, label="Notifications", icon="bell"),
    Page("/notifications/read-all", _SELF, post=read_all),
    Page("/notifications/{id}/read", _SELF, post=read),
    Page("/account/notifications", _SELF, post=choose),
)
