"""Time: the list of days with its filters, the week as a grid, and entries to log, correct and change together."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final

from tallystick.domain import approvals, members, time_entries, timesheet, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.desk import shell, work
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.shell import Place
from tallystick.domain.desk.time import Cell, GridRow, Sought
from tallystick.domain.timesheet import Shown
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.web.app import offline
from tallystick.web.app.visit import Answer, Data, Page, Visit

FILTERS: Final = ("person", "client", "project", "task", "billable", "billed", "q")
NAMED: Final = 5
"""Of entries that were skipped, how many are named."""


def sought_by(visit: Visit) -> Sought:
    """The entries that the address asks for; without days, this week."""
    query, formats = visit.query, visit.formats
    today = visit.ctx.today()
    first = query.day("from")
    last = query.day("to")
    if first is None or last is None:
        first = first or (last - timedelta(days=6) if last else formats.week_of(today))
        last = last or max(first + timedelta(days=6), first)
    if last < first:
        first, last = last, first
    return Sought(
        first,
        last,
        user_id=query.id("person"),
        client_id=query.id("client"),
        project_id=query.id("project"),
        task_id=query.id("task"),
        billable=query.yes_no("billable"),
        billed=query.yes_no("billed"),
        text=query.text("q", longest=200) or "",
    )


def periods(visit: Visit, sought: Sought) -> dict[str, Any]:
    """Links to the periods beside this one, and to those that people ask for most."""
    today = visit.ctx.today()
    week = visit.formats.week_of(today)
    month = today.replace(day=1)
    last_month = (month - timedelta(days=1)).replace(day=1)
    named = {
        "This week": (week, week + timedelta(days=6)),
        "Last week": (week - timedelta(days=7), week - timedelta(days=1)),
        "This month": (month, _month_end(month)),
        "Last month": (last_month, month - timedelta(days=1)),
        "This year": (today.replace(month=1, day=1), today.replace(month=12, day=31)),
    }
    now = (sought.date_from, sought.date_to)
    if now[0].day == 1 and now[1] == _month_end(now[0]):
        before = ((now[0] - timedelta(days=1)).replace(day=1), now[0] - timedelta(days=1))
        after = (now[1] + timedelta(days=1), _month_end(now[1] + timedelta(days=1)))
        title = visit.formats.month(now[0])
    else:
        days = timedelta(days=(now[1] - now[0]).days + 1)
        before = (_shift(now[0], -days), _shift(now[1], -days))
        after = (_shift(now[0], days), _shift(now[1], days))
        title = visit.formats.span(*now)
    return {
        "title": title,
        "named": [
            (name, visit.here(**{"from": first, "to": last}), (first, last) == now)
            for name, (first, last) in named.items()
        ],
        "before": visit.here(**{"from": before[0], "to": before[1]}),
        "after": visit.here(**{"from": after[0], "to": after[1]}),
        "current": next((name for name, span in named.items() if span == now), ""),
    }


def days_page(visit: Visit) -> Answer:
    sought = sought_by(visit)
    ctx = visit.ctx
    found = desk.entries(ctx, sought)
    days = [
        (day, entries, sum(entry.seconds(ctx.now) for entry in entries))
        for day, entries in ((day, list(some)) for day, some in groupby(found, key=lambda entry: entry.entry_date))
    ]
    return visit.show(
        "time_list.html",
        sought=sought,
        days=days,
        sums=desk.sums(ctx, sought),
        shown=len(found),
        most=desk.SHOWN,
        periods=periods(visit, sought),
        places=shell.places(ctx, limit=500),
        people=shell.colleagues(ctx) if ctx.actor.sees_everyone else [],
        clients=work.client_names(ctx) if ctx.actor.sees_everyone else [],
        projects=work.project_names(ctx),
        filtered=any(visit.query.kept(name) for name in FILTERS),
    )


def log(visit: Visit) -> Answer:
    """Log what was typed into the line above the list, or into the form."""
    facts = _facts(visit, duration=True)
    key = offline.key_of(visit)
    if offline.came_before(visit, key):
        return visit.back("/time")
    entry = time_entries.log(visit.ctx, **facts)
    offline.done(visit, key, "log", entry.id)
    return visit.back("/time", "{time} logged.", time=visit.formats.hours(entry.duration_seconds))


def new_page(visit: Visit) -> Answer:
    return visit.show("time_form.html", entry=None, row=None, **_choices(visit))


def edit_page(visit: Visit) -> Answer:
    entry = desk.one(visit.ctx, visit.id())
    if entry is None:
        raise NotFound("No such time entry.")
    row = time_entries.read(visit.ctx, entry.id)
    return visit.show("time_form.html", entry=entry, row=row, **_choices(visit))


def edit(visit: Visit) -> Answer:
    entry = time_entries.read(visit.ctx, visit.id())
    facts = _facts(visit, duration=not entry.running)
    if entry.running:
        del facts["entry_date"]
    if facts.get("user_id") is None:
        facts.pop("user_id", None)
    if "duration_seconds" in facts and _same_minutes(visit, facts["duration_seconds"], entry.duration_seconds):
        del facts["duration_seconds"]  # the form shows minutes; whoever leaves them means every second
    if "billable" not in facts:
        facts["billable"] = False
    time_entries.change(visit.ctx, entry.id, **facts)
    return visit.back("/time", "Saved.")


def delete(visit: Visit) -> Answer:
    time_entries.delete(visit.ctx, visit.id())
    return visit.back("/time", "Deleted.")


def bulk(visit: Visit) -> Answer:
    """Change or delete the ticked entries; what is locked is skipped and named."""
    ids = visit.form.ids("entries")
    action = visit.form.choice("action", ("billable", "not-billable", "move", "delete"))
    visit.form.check()
    if not ids or action is None:
        raise Conflict("Tick the entries first, then choose what to do with them.")
    before = {entry.id: entry for entry_id in ids[: timesheet.TOGETHER] if (entry := desk.one(visit.ctx, entry_id))}
    if action == "delete":
        done = timesheet.delete_many(visit.ctx, ids)
    elif action == "move":
        project_id, task_id = visit.form.place("place")
        if project_id is None:
            raise Conflict("Choose where to move the entries.")
        done = timesheet.change_many(visit.ctx, ids, project_id=project_id, task_id=task_id)
    else:
        done = timesheet.change_many(visit.ctx, ids, billable=action == "billable")
    said = visit.words.count("{count} entry changed.", "{count} entries changed.", len(done.changed))
    if done.skipped:
        names = [
            f"{entry.project or visit.say('No project')} {visit.formats.short_day(entry.entry_date)}"
            for one in done.skipped[:NAMED]
            if (entry := before.get(one.entry_id))
        ]
        more = " …" if len(done.skipped) > NAMED else ""
        skipped = visit.words.count(
            "{count} skipped, because it is locked: {names}.", "{count} skipped, because they are locked: {names}.",
            len(done.skipped), names=", ".join(names) + more,
        )  # fmt: skip
        said = f"{said} {skipped}"
    goal = visit.back("/time")
    return type(goal)(goal.path, said)


# --- the week


def week_page(visit: Visit) -> Answer:
    """The grid of the week that the address asks for; of its form where that is shown again."""
    ctx, query = visit.ctx, visit.form if visit.form.has("week") else visit.query
    studio = workspaces.current(ctx)
    asked = query.day("week") or ctx.today()
    first = approvals.first_day_of(studio, asked) if studio.approve_weeks else visit.formats.week_of(asked)
    person = query.id("person") if ctx.actor.sees_everyone else None
    whose = person or ctx.actor.user_id
    rows = desk.week(ctx, first, whose)
    if query.kept("rows") == "last" or not rows:
        known = {row.place for row in rows}
        rows += [row for row in desk.rows_before(ctx, first, whose) if row.place not in known]
    places = shell.places(ctx, limit=500)
    for added in query.given.get("add", [])[:50]:
        place = next((one for one in places if one.key == added), None)
        if place is not None and all(row.place != added for row in rows):
            rows.append(_empty_row(place, first))
    days = [first + timedelta(days=n) for n in range(7)]
    closed = approvals.closed_days(ctx, whose, days[0], days[-1])
    for row in rows:
        for one in row.cells:
            one.closing = closed.get(one.day)
    week = approvals.of_person(ctx, whose, first) if studio.approve_weeks else None
    stored = sum(entry.duration_seconds for row in rows for one in row.cells for entry in one.entries)
    return visit.show(
        "time_week.html",
        approves=studio.approve_weeks,
        week=week,
        stored=stored,
        decider=members.name_of(ctx, week.decided_by) if week is not None else "",
        decides=ctx.actor.may(Permission.APPROVE_TIME)
        and (whose != ctx.actor.user_id or ctx.actor.may(Permission.CHANGE_WORKSPACE)),
        rows=rows,
        days=days,
        first=first,
        last_week=first - timedelta(days=7),
        next_week=first + timedelta(days=7),
        totals=_totals(rows),
        person=person,
        whose=whose,
        people=shell.colleagues(ctx) if ctx.actor.sees_everyone else [],
        places=places,
    )


def week_save(visit: Visit) -> Answer:
    """The whole grid at once, for who has no script: cells that differ from what was shown."""
    week = visit.form.day("week") or visit.ctx.today()
    person = visit.form.id("person")
    for name in [name for name in visit.form.given if name.startswith("cell ")]:
        _, key, day_text = name.split(" ", 2)
        if visit.form.kept(name).strip() == visit.form.kept(f"was {key} {day_text}"):
            continue
        visit.form.given["place"], visit.form.given["day"] = [key], [day_text]
        seconds = visit.form.duration(name) or 0
        project_id, task_id = visit.form.place("place")
        day = visit.form.need_day("day")
        visit.form.check()
        timesheet.put(
            visit.ctx,
            project_id=project_id or "",
            task_id=task_id,
            day=day,
            seconds=seconds,
            user_id=person,
            shown=_shown(visit, f"seconds {key} {day_text}"),
        )
    return visit.go(_week_url(week, person), "Saved.")


def cell(visit: Visit) -> Answer:
    """One cell, as it is left; answers the sums as they are now, also to whoever comes too late."""
    form = visit.form
    project_id, task_id = form.place("place")
    day, week, person = form.need_day("day"), form.need_day("week"), form.id("person")
    seconds = form.duration("value") or 0
    note = (form.text("note") or "") if form.has("note") else None
    form.check()
    if project_id is None:
        raise Invalid(fields={"place": "required"})
    key = f"{project_id}:{task_id}" if task_id else project_id
    whose = person or visit.ctx.actor.user_id
    before = _cell_of(desk.week(visit.ctx, week, whose), key, day, week)
    if before.total and _same_minutes(visit, seconds, before.total):
        seconds = before.total
    shown = _shown(visit, "seconds", form.kept("shown_note"))
    facts: dict[str, Any] = {"project_id": project_id, "task_id": task_id, "day": day, "seconds": seconds}
    status, problem = 200, {}
    try:
        timesheet.put(visit.ctx, **facts, user_id=person, note=note, shown=shown)
    except Conflict as refusal:
        if refusal.reason != "changed_meanwhile":
            raise
        status, problem = 409, {"problem": visit.explain(refusal)}
    rows = desk.week(visit.ctx, week, whose)
    now = _cell_of(rows, key, day, week)
    totals = _totals(rows)
    hours = visit.formats.hours
    return Data(
        {
            **problem,
            "cell": hours(now.total) if now.total else "",
            "seconds": now.total,
            "note": now.note,
            "sums": {
                f"row {key}": hours(sum(one.total for one in rows if one.place == key)),
                f"day {day.isoformat()}": hours(totals[(day - week).days]),
                "week": hours(sum(totals)),
            },
        },
        status,
    )


def copy_week(visit: Visit) -> Answer:
    week = visit.form.need_day("week")
    person = visit.form.id("person")
    visit.form.check()
    count = timesheet.copy_week(visit.ctx, week, source=week - timedelta(days=7), user_id=person)
    goal = visit.go(_week_url(week, person))
    said = visit.words.count("{count} entry copied.", "{count} entries copied.", count)
    return type(goal)(goal.path, said if count else visit.say("There was nothing to copy."))


def _week_url(week: date, person: str | None) -> str:
    return f"/time/week?week={week.isoformat()}" + (f"&person={person}" if person else "")


def _cell_of(rows: list[GridRow], key: str, day: date, week: date) -> Cell:
    """The cell of a place (`shell.Place.key`) and a day; an empty one where there is none."""
    if not 0 <= (day - week).days < 7:
        raise Invalid(fields={"day": "must be a day of this week"})
    return next((row.cells[(day - week).days] for row in rows if row.place == key), Cell(day))


def _shown(visit: Visit, seconds: str, note: str = "") -> Shown | None:
    """What a cell showed, as its form says; None where it does not."""
    shown = visit.form.whole(seconds, least=0, most=10**9)
    visit.form.check()
    return None if shown is None else Shown(shown, note)


def _same_minutes(visit: Visit, typed: int, kept: int) -> bool:
    """Whether what is kept is shown as what was typed: then the seconds behind it stay."""
    return visit.formats.hours(kept) == visit.formats.hours(typed) and typed % 60 == 0


def _empty_row(place: Place, first: date) -> GridRow:
    cells = [Cell(first + timedelta(days=n)) for n in range(7)]
    return GridRow(place.project_id, place.task_id, place.project, place.task, place.client, place.color, cells)


def _totals(rows: list[GridRow]) -> list[int]:
    return [sum(row.cells[n].total for row in rows) for n in range(7)]


def _facts(visit: Visit, *, duration: bool) -> dict[str, Any]:
    form = visit.form
    project_id, task_id = form.place("place")
    facts: dict[str, Any] = {
        "project_id": project_id,
        "task_id": task_id,
        "entry_date": form.need_day("date"),
        "note": form.text("note"),
    }
    if project_id is None:
        form.wrong.setdefault("place", "required")
    if duration:
        seconds = form.duration("duration")
        if seconds is None:
            form.wrong.setdefault("duration", "required")
        facts["duration_seconds"] = seconds or 0
    if form.has("billable") or form.kept("asked_billable"):
        facts["billable"] = form.flag("billable")
    if form.has("person"):
        facts["user_id"] = form.id("person")
    form.check()
    return facts


def _choices(visit: Visit) -> dict[str, Any]:
    may = visit.ctx.actor.may(Permission.REASSIGN_TIME)
    return {
        "places": shell.places(visit.ctx, limit=500),
        "people": shell.colleagues(visit.ctx) if may else [],
    }


def _month_end(day: date) -> date:
    if (day.year, day.month) == (date.max.year, 12):
        return date.max
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


def _shift(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day


_TRACK = Permission.TRACK_TIME

PAGES = (
    Page("/time", _TRACK, days_page, log, label="Time: list of days", section="time", icon="list"),
    Page("/time/week", _TRACK, week_page, week_save, label="Time: week", section="time", icon="grid"),
    Page("/time/week/cell", _TRACK, post=cell),
    Page("/time/week/copy", _TRACK, post=copy_week),
    Page("/time/new", _TRACK, new_page, log, label="Log time", section="time", icon="plus"),
    Page("/time/bulk", _TRACK, post=bulk),
    Page("/time/{id}", _TRACK, edit_page, edit, section="time"),
    Page("/time/{id}/delete", _TRACK, post=delete),
)
