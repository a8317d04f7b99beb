"""The calendar of time: entries with a start and an end as blocks of a week; made, moved and resized by their verbs.

Where a block stands is the wall clock of the reader. A pointer says where on that clock it goes; the keyboard says by
how much real time, so that a quarter of an hour is one also in the night in which the clocks change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from tallystick.domain import time_entries
from tallystick.domain.access import Permission
from tallystick.domain.desk import shell
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Entry, Sought
from tallystick.values.errors import Invalid
from tallystick.web.app.forms import EARLIEST, LATEST, Fields
from tallystick.web.app.visit import Answer, Page, Visit

DAY: Final = 24 * 60
SHORTEST: Final = 15
"""Minutes that a block is high at least, so that it can be read and touched."""


@dataclass(slots=True)
class Block:
    """A part of an entry on one day; `lane` of `lanes` beside others at the same time."""

    entry: Entry
    start: datetime
    end: datetime
    at: int
    """Minutes after midnight on the wall clock."""
    minutes: int
    first: bool
    last: bool
    lane: int = 0
    lanes: int = 1

    @property
    def fixed(self) -> bool:
        """It does not move: it is on an invoice, or runs."""
        return self.entry.locked or self.entry.running


@dataclass(slots=True)
class Column:
    """A day."""

    day: date
    blocks: list[Block]
    loose: list[Entry]
    """Time of this day of which no start is known."""
    seconds: int


def calendar_page(visit: Visit) -> Answer:
    ctx, query, formats = visit.ctx, visit.query, visit.formats
    today = ctx.today()
    chosen = query.day("day")
    first = formats.week_of(query.day("week") or chosen or today)
    days = [first + timedelta(days=n) for n in range(7)]
    if chosen not in days:
        chosen = today if today in days else first
    person = query.id("person") if ctx.actor.sees_everyone else None
    whose = person or ctx.actor.user_id
    entries = desk.entries(ctx, Sought(days[0] - timedelta(days=2), days[-1] + timedelta(days=2), user_id=whose))
    columns = [_column(day, entries, formats.zone, ctx.now) for day in days]
    return visit.show(
        "time_calendar.html",
        columns=columns,
        days=days,
        first=first,
        chosen=chosen,
        last_week=first - timedelta(days=7),
        next_week=first + timedelta(days=7),
        total=sum(one.seconds for one in columns),
        person=person,
        people=shell.colleagues(ctx) if ctx.actor.sees_everyone else [],
        hours=[formats.time(datetime(2026, 1, 1, hour, tzinfo=formats.zone)) for hour in range(24)],
    )


def new_page(visit: Visit) -> Answer:
    may = visit.actor.may(Permission.REASSIGN_TIME)
    return visit.show(
        "time_calendar_form.html",
        places=shell.places(visit.ctx, limit=500),
        people=shell.colleagues(visit.ctx) if may else [],
        day=visit.query.day("day") or visit.ctx.today(),
    )


def create(visit: Visit) -> Answer:
    """Record work from a start to an end; an end that is not after the start is on the next day."""
    form, zone = visit.form, visit.formats.zone
    project_id, task_id = form.place("place")
    day, start, end = form.need_day("day"), _clock(form, "start"), _clock(form, "end")
    facts: dict[str, Any] = {"task_id": task_id, "note": form.text("note")}
    if project_id is None:
        form.wrong.setdefault("place", "required")
    if form.has("person"):
        facts["user_id"] = form.id("person")
    form.check()
    started = _instant(day, start, zone)
    stopped = _instant(day, end, zone)
    if stopped <= started:
        stopped = _instant(day + timedelta(days=1), end, zone)
    entry = time_entries.log_interval(visit.ctx, project_id=project_id, started_at=started, stopped_at=stopped, **facts)
    return visit.back(
        f"/time/calendar?day={day.isoformat()}", "{time} logged.", time=visit.formats.hours(entry.duration_seconds)
    )


def move(visit: Visit) -> Answer:
    """Another time for an entry, from where it was shown: to a place on the clock, or by days and minutes."""
    form, zone = visit.form, visit.formats.zone
    entry_id = form.id("entry")
    started, stopped = _shown(form, "started"), _shown(form, "stopped")
    day, at = form.day("day"), form.whole("at", least=0, most=DAY)
    days = form.whole("days", least=-400, most=400) or 0
    minutes = form.whole("minutes", least=-DAY * 7, most=DAY * 7) or 0
    longer = form.whole("longer", least=-DAY * 7, most=DAY * 7) or 0
    if entry_id is None:
        form.wrong.setdefault("entry", "required")
    form.check()
    lasted = stopped - started
    if day is not None and at is not None:
        started = _instant(day, at, zone)
    elif days:
        local = started.astimezone(zone)
        started = (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone, fold=local.fold)
        started = started.astimezone(UTC)
    started += timedelta(minutes=minutes)
    stopped = started + lasted + timedelta(minutes=longer)
    if stopped <= started:
        raise Invalid(fields={"stopped_at": "must be after the start"})
    entry = time_entries.change(visit.ctx, entry_id or "", started_at=started, stopped_at=stopped)
    goal = f"/time/calendar?day={started.astimezone(zone).date().isoformat()}"
    times = f"{visit.formats.time(started)} – {visit.formats.time(stopped)}"
    if entry.user_id != visit.actor.user_id:
        goal += f"&person={entry.user_id}"
    return visit.go(goal, "{day}, {times}", day=visit.formats.short_day(started.astimezone(zone).date()), times=times)


def _column(day: date, entries: list[Entry], zone: ZoneInfo, now: datetime) -> Column:
    blocks: list[Block] = []
    loose: list[Entry] = []
    seconds = 0
    for entry in entries:
        if entry.started_at is None:
            if entry.entry_date == day:
                loose.append(entry)
                seconds += entry.duration_seconds
            continue
        end = entry.stopped_at or max(now, entry.started_at)
        block = _block(day, entry, entry.started_at, end, zone)
        if block is not None:
            blocks.append(block)
            if block.first:
                seconds += entry.seconds(now)
    blocks.sort(key=lambda one: (one.at, -one.minutes, one.entry.id))
    _side_by_side(blocks)
    return Column(day, blocks, loose, seconds)


def _block(day: date, entry: Entry, start: datetime, end: datetime, zone: ZoneInfo) -> Block | None:
    """The part of an entry that lies on a day, by the wall clock; None where none does."""
    midnight = datetime.combine(day, datetime.min.time())
    begins, ends = (one.astimezone(zone).replace(tzinfo=None) for one in (start, end))
    if begins.date() == day and ends <= begins:  # the clock went back meanwhile
        ends = begins + (end - start)
    if begins >= midnight + timedelta(days=1) or ends < midnight or (ends == midnight and begins < midnight):
        return None
    at = max(0, int((begins - midnight).total_seconds() // 60))
    until = min(DAY, -int((midnight - ends).total_seconds() // 60))
    return Block(
        entry, start, end, min(at, DAY - SHORTEST), max(until - at, SHORTEST), begins >= midnight,
        ends <= midnight + timedelta(days=1),
    )  # fmt: skip


def _side_by_side(blocks: list[Block]) -> None:
    """Blocks at the same time share the width: each takes the first lane that is free."""
    group: list[Block] = []
    free: list[int] = []
    until = -1
    for block in blocks:
        if block.at >= until:
            group, free, until = [], [], -1
        lane = next((number for number, end in enumerate(free) if end <= block.at), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = block.at + block.minutes
        block.lane = lane
        group.append(block)
        until = max(until, free[lane])
        for one in group:
            one.lanes = len(free)


def _clock(form: Fields, name: str) -> int:
    """Minutes after midnight of a time of day, `09:30`."""
    hour, _, minute = form.need(name, longest=8).partition(":")
    minute = minute[:2]
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
        form.wrong.setdefault(name, "must be a time of day, as 09:30")
        return 0
    if int(hour) > 23 or int(minute) > 59:
        form.wrong.setdefault(name, "must be a time of day, as 09:30")
        return 0
    return int(hour) * 60 + int(minute)


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant of a time on the wall clock; one that the clocks skip is as much later as they jump."""
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _shown(form: Fields, name: str) -> datetime:
    text = form.need(name, longest=40)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        form.wrong.setdefault(name, "must be an instant")
        return datetime(2000, 1, 1, tzinfo=UTC)
    if found.tzinfo is None or not EARLIEST <= found.date() <= LATEST:
        form.wrong.setdefault(name, "must be an instant")
        return datetime(2000, 1, 1, tzinfo=UTC)
    return found.astimezone(UTC)


_TRACK = Permission.TRACK_TIME

PAGES = (
    Page("/time/calendar", _TRACK, calendar_page, label="Time: calendar", section="time", icon="calendar"),
    Page("/time/calendar/new", _TRACK, new_page, create, section="time"),
    Page("/time/calendar/move", _TRACK, post=move),
)
