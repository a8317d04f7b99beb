"""Recurring invoices: the list, one with its days to come and those that were, and the form that shows the dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import msgspec

from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.desk import work
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.recurring import CATCH_UPS, MODES, RECURRING_INVOICES, RecurringInvoice, Template
from tallystick.domain.workspaces import current
from tallystick.values.errors import Invalid
from tallystick.values.recurrence import FIRST, HORIZON, MONTH_ENDS, Rule, parse_rule
from tallystick.web.app.builder import discount_in, line_rows, lines_in, row_of, tax_choices, written
from tallystick.web.app.visit import Answer, Page, Visit

RULE_NAMES: Final[Mapping[str, str]] = {
    "FREQ=WEEKLY": "Every week",
    "FREQ=WEEKLY;INTERVAL=2": "Every two weeks",
    "FREQ=MONTHLY": "Every month, on the day of the start",
    "FREQ=MONTHLY;BYMONTHDAY=-1": "On the last day of every month",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1": "On the last working day of every month",
    "FREQ=MONTHLY;INTERVAL=3": "Every quarter",
    "FREQ=MONTHLY;INTERVAL=6": "Every half year",
    "FREQ=YEARLY": "Every year",
}
OWN: Final = "own"
SHOWN: Final = 6
_LISTED: Final = ("id", "name", "client_id", "status", "mode", "rule", "next_run_on", "failure")


def list_page(visit: Visit) -> Answer:
    rows = RECURRING_INVOICES.page(visit.ctx, _LISTED, {}, sort="name", limit=200).rows
    clients = {identity: name for identity, name, _ in work.client_names(visit.ctx)}
    found: list[dict[str, Any]] = []
    for row in rows:
        one: dict[str, Any] = dict(zip(_LISTED, row, strict=True))
        found.append(one | {"client": clients.get(one["client_id"], ""), "every": said_rule(visit, one["rule"])})
    return visit.show("recurring.html", found=found)


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    one = recurring.read(ctx, visit.id())
    count, _ = recurring.made(ctx, [one.id]).get(one.id, (0, None))
    return visit.show(
        "recurring_one.html",
        one=one,
        template=one.facts,
        client=ctx.find(Client, one.client_id),
        every=said_rule(visit, one.rule),
        days=recurring.occurrences(ctx, one.id, SHOWN),
        runs=recurring.runs(ctx, one.id)[:50],
        count=count,
    )


def new_page(visit: Visit) -> Answer:
    return _form(visit, None)


def edit_page(visit: Visit) -> Answer:
    return _form(visit, recurring.read(visit.ctx, visit.id()))


def create(visit: Visit) -> Answer:
    """Let it recur; or, with `preview`, only show on which days it would."""
    if visit.form.has("preview"):
        return new_page(visit)
    plain, template = _facts(visit)
    client_id = visit.form.id("client_id")
    if client_id is None:
        visit.form.wrong.setdefault("client_id", "required")
    visit.form.check()
    one = recurring.create(visit.ctx, client_id=client_id or "", template=Template(**template), **plain)
    return visit.go(f"/recurring/{one.id}", "{name} recurs.", name=one.name)


def edit(visit: Visit) -> Answer:
    """Change it; or, with `preview`, only show on which days it would recur."""
    if visit.form.has("preview"):
        return edit_page(visit)
    plain, template = _facts(visit)
    visit.form.check()
    one = recurring.change(visit.ctx, visit.id(), **plain, **template)
    return visit.go(f"/recurring/{one.id}", "Saved.")


def pause(visit: Visit) -> Answer:
    recurring.pause(visit.ctx, visit.id())
    return visit.go(f"/recurring/{visit.id()}", "Paused.")


def resume(visit: Visit) -> Answer:
    recurring.resume(visit.ctx, visit.id())
    return visit.go(f"/recurring/{visit.id()}", "It goes on from today.")


def skip(visit: Visit) -> Answer:
    recurring.skip(visit.ctx, visit.id())
    return visit.go(f"/recurring/{visit.id()}", "The next day is left out.")


def run(visit: Visit) -> Answer:
    made = [one for one in runs.run_now(visit.ctx, visit.id()) if one.invoice_id is not None]
    if len(made) == 1:
        return visit.go(f"/invoices/{made[0].invoice_id}", "Here it is.")
    return visit.go(f"/recurring/{visit.id()}", "{count} invoices are made.", count=len(made))


def end(visit: Visit) -> Answer:
    recurring.cancel(visit.ctx, visit.id())
    return visit.go(f"/recurring/{visit.id()}", "It has ended. Its invoices stay.")


def delete(visit: Visit) -> Answer:
    recurring.delete(visit.ctx, visit.id())
    return visit.go("/recurring", "Deleted. Its invoices stay.")


def said_rule(visit: Visit, rule: str) -> str:
    """A rule in words, where it is one of the usual; else as it is written."""
    plain, count, until = _parted(parse_rule(rule))
    said = visit.say(RULE_NAMES[plain]) if plain in RULE_NAMES else plain
    if count is not None:
        said += visit.say(", {count} times", count=count)
    if until is not None:
        said += visit.say(", until {day}", day=visit.formats.day(until))
    return said


def _form(visit: Visit, one: RecurringInvoice | None) -> Answer:
    form, ctx = visit.form, visit.ctx
    client_id = one.client_id if one is not None else (form or visit.query).id("client_id")
    template = None if one is None else one.facts
    plain, count, until = ("FREQ=MONTHLY", None, None) if one is None else _parted(one.schedule)
    lines = () if template is None else template.lines
    rows = line_rows(form) if form else [row_of(visit, line) for line in lines]
    percents = {line.tax.tax_rate for line in lines if isinstance(line.tax.tax_rate, Decimal)}
    days, why_none = _days(visit, one)
    return visit.show(
        "recurring_form.html",
        one=one,
        template=template,
        client_id=client_id,
        clients=work.client_names(ctx),
        projects=[] if client_id is None else work.project_names(ctx, client_id),
        rules=[
            *((value, visit.say(name)) for value, name in RULE_NAMES.items()),
            (OWN, visit.say("A rule of your own")),
        ],
        rule=plain if plain in RULE_NAMES else OWN,
        own_rule="" if plain in RULE_NAMES else plain,
        count=count,
        until=until,
        rows=rows,
        line_taxes=tax_choices(visit, percents),
        discount="" if template is None else written(visit, template.discount),
        zone=current(ctx).time_zone if one is None else one.time_zone,
        days=days,
        why_none=why_none,
    )


def _days(visit: Visit, one: RecurringInvoice | None) -> tuple[list[date], str]:
    """The first days from today on by what the form says, or why there are none."""
    today = visit.ctx.today()
    if not visit.form:
        if one is None:
            return [], ""
        return [day.occurs_on for day in recurring.occurrences(visit.ctx, one.id, SHOWN)], ""
    try:
        rule, start = _rule(visit), visit.form.need_day("start_date")
        month_end = MONTH_ENDS[int(visit.form.kept("month_end") == "SKIP")]
        visit.form.check()
        if not FIRST <= start <= HORIZON:
            return [], visit.say("It falls on no day to come.")
    except Invalid as refusal:
        return [], visit.words.refusal(next(iter(refusal.fields.values()), refusal.message))
    found = list(islice((day for day in rule.dates(start, month_end) if day >= today), SHOWN))
    return found, "" if found else visit.say("It falls on no day to come.")


def _rule(visit: Visit) -> Rule:
    form = visit.form
    chosen = form.choice("rule", (*RULE_NAMES, OWN))
    text = form.text("own_rule", longest=200) if chosen == OWN else chosen
    if text is None:
        raise Invalid(fields={"own_rule" if chosen == OWN else "rule": "required"})
    try:
        rule = parse_rule(text)
    except ValueError as error:
        raise Invalid(fields={"own_rule": str(error)}) from None
    count, until = form.whole("count", least=1, most=10_000), form.day("until")
    return msgspec.structs.replace(rule, count=count or rule.count, until=until or rule.until)


def _parted(rule: Rule) -> tuple[str, int | None, date | None]:
    """A rule without its end, and its end."""
    return str(msgspec.structs.replace(rule, count=None, until=None)), rule.count, rule.until


def _facts(visit: Visit) -> tuple[dict[str, Any], dict[str, Any]]:
    form = visit.form
    rule = _rule(visit)
    plain: dict[str, Any] = {
        "rule": str(rule),
        "start_date": form.need_day("start_date"),
        "name": form.text("name", longest=200),
        "mode": form.choice("mode", MODES) or "DRAFT",
        "month_end": form.choice("month_end", MONTH_ENDS) or "LAST_DAY",
        "catch_up": form.choice("catch_up", CATCH_UPS) or "ALL",
        "time_zone": form.text("time_zone", longest=64),
    }
    template: dict[str, Any] = {
        "lines": tuple(lines_in(visit)),
        "discount": discount_in(visit, form.text("discount", longest=40)),
        "tax_rate": form.number("tax_rate"),
        "notes": form.text("notes"),
        "po_number": form.text("po_number", longest=100),
    }
    if not template["lines"]:
        form.wrong.setdefault("lines", "at least one line")
    return plain, template


_READ, _CHANGE = Permission.READ_INVOICES, Permission.CHANGE_INVOICES

PAGES = (
    Page("/recurring", _READ, list_page, label="Recurring invoices", section="invoices", icon="receipt"),
    Page("/recurring/new", _CHANGE, new_page, create, label="New recurring invoice", section="invoices", icon="plus"),
    Page("/recurring/{id}", _READ, page, section="invoices"),
    Page("/recurring/{id}/edit", _CHANGE, edit_page, edit, section="invoices"),
    Page("/recurring/{id}/pause", _CHANGE, post=pause, again=page),
    Page("/recurring/{id}/resume", _CHANGE, post=resume, again=page),
    Page("/recurring/{id}/skip", _CHANGE, post=skip, again=page),
    Page("/recurring/{id}/run", _CHANGE, post=run, again=page),
    Page("/recurring/{id}/end", _CHANGE, post=end, again=page),
    Page("/recurring/{id}/delete", _CHANGE, post=delete, again=page),
)
