"""Billing at a glance: what could be billed, what is late, what went wrong; and how a client's work bills itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tallystick.domain import clients
from tallystick.domain.access import Permission
from tallystick.domain.desk import money
from tallystick.domain.invoices.invoice import GROUPINGS
from tallystick.domain.mails.mail import MAILS
from tallystick.domain.recurring import automatic_billing
from tallystick.domain.recurring.automatic_billing import EVERY, AutomaticBilling, Every
from tallystick.domain.recurring.recurring import MODES, RECURRING_INVOICES
from tallystick.domain.sending import today_of
from tallystick.values.errors import NotFound
from tallystick.values.recurrence import WEEKDAYS, Weekday
from tallystick.web.app.builder import groupings
from tallystick.web.app.visit import Answer, Page, Visit

EVERY_NAMES: Final[Mapping[Every, str]] = {
    "WEEK": "Every week",
    "TWO_WEEKS": "Every two weeks",
    "MONTH": "Every month",
    "AMOUNT": "As soon as it comes to an amount",
    "HOURS": "As soon as there are so many hours",
}
WEEKDAY_NAMES: Final[Mapping[Weekday, str]] = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
    "SU": "Sunday",
}  # fmt: skip
_MAIL: Final = ("id", "subject", "recipients", "invoice_id", "last_error", "created_at")


def glance(visit: Visit) -> Answer:
    """What waits for somebody, of money."""
    ctx = visit.ctx
    failed = MAILS.page(ctx, _MAIL, {"state": "failed"}, limit=10).rows
    recurring = RECURRING_INVOICES.page(ctx, ("id", "name", "failure"), {"status": "ACTIVE"}, limit=200).rows
    return visit.show(
        "billing.html",
        day=today_of(ctx),
        glances=money.glances(ctx),
        unbilled=money.unbilled(ctx),
        overdue=sorted(money.invoices(ctx, status="OVERDUE"), key=lambda one: one.due_date or one.issue_date),
        drafts=money.invoices(ctx, status="DRAFT", limit=20),
        mails=[dict(zip(_MAIL, row, strict=True)) for row in failed],
        failures=[row for row in recurring if row[2] is not None],
    )


def automatic_page(visit: Visit) -> Answer:
    client = clients.read(visit.ctx, visit.id())
    found = of_client(visit, client.id)
    return visit.show(
        "automatic_billing.html",
        client=client,
        billing=found,
        every=[(value, visit.say(name)) for value, name in EVERY_NAMES.items()],
        weekdays=[(value, visit.say(name)) for value, name in WEEKDAY_NAMES.items()],
        groupings=groupings(visit),
        runs=automatic_billing.runs(visit.ctx, client.id)[:50],
    )


def arrange(visit: Visit) -> Answer:
    form = visit.form
    every = form.choice("every", EVERY)
    if every is None:
        form.wrong.setdefault("every", "required")
    facts: dict[str, Any] = {
        "every": every,
        "mode": form.choice("mode", MODES) or "DRAFT",
        "grouping": form.choice("grouping", GROUPINGS) or "PROJECT_TASK",
        "include_expenses": form.flag("expenses"),
        "minimum_amount": form.number("minimum_amount"),
    }
    if every in ("WEEK", "TWO_WEEKS"):
        facts["weekday"] = form.choice("weekday", WEEKDAYS)
    elif every == "MONTH":
        facts["month_day"] = form.whole("month_day", least=-28, most=31)
    elif every == "AMOUNT":
        facts["amount"] = form.number("amount")
    elif every == "HOURS":
        facts["hours"] = form.number("hours")
    form.check()
    automatic_billing.arrange(visit.ctx, visit.id(), **facts)
    return visit.go(f"/clients/{visit.id()}", "Its work bills itself now.")


def stop(visit: Visit) -> Answer:
    automatic_billing.stop(visit.ctx, visit.id())
    return visit.go(f"/clients/{visit.id()}", "Its work waits until somebody bills it.")


def of_client(visit: Visit, client_id: str) -> AutomaticBilling | None:
    """How a client's work bills itself; None where it does not."""
    try:
        return automatic_billing.of_client(visit.ctx, client_id)
    except NotFound:
        return None


_READ, _CHANGE = Permission.READ_INVOICES, Permission.CHANGE_INVOICES

PAGES = (
    Page("/billing", _READ, glance, label="Billing at a glance", section="invoices", icon="chart"),
    Page("/clients/{id}/billing", _CHANGE, automatic_page, arrange, section="clients"),
    Page("/clients/{id}/billing/stop", _CHANGE, post=stop, again=automatic_page),
)
