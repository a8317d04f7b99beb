"""The studio's last months, day by day: who worked on what, from when to when. The same days give the same work."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tallystick.demo.nordlicht import CLIENTS, PEOPLE, ZONE, Person, Project, Task

ENTRIES: Final = 1_500
DAYS_A_YEAR_AWAY: Final = 0.07
QUARTER: Final = 15 * 60
TIMER_RUNS: Final = timedelta(minutes=47)


@dataclass(frozen=True)
class Work:
    """One stretch of work of one person."""

    person: str
    project: str
    task: str
    note: str | None
    begin: datetime
    seconds: int
    timed: bool
    """Kept by a timer: begin and end are known to the second."""

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(seconds=self.seconds)


def work_until(now: datetime) -> list[Work]:
    """Some 1,500 stretches of work up to an instant, oldest first; nobody does two things at once."""
    today = now.astimezone(ZoneInfo(ZONE)).date()
    days = _workdays(today)
    first = days[-1]
    planned: list[Work] = []
    for day in reversed(days):
        share = (day - first).days / max((today - first).days, 1)
        for person in PEOPLE:
            planned += _day_of(person, day, share)
    begun = now - TIMER_RUNS  # the member's timer of today comes after all else
    return sorted((one for one in planned if one.end < begun), key=lambda one: (one.end, one.person))


def _workdays(today: date) -> list[date]:
    """Today and as many weekdays before it as it takes to fill the record."""
    days = [today]
    found = 0
    while found < ENTRIES:
        day = days[-1] - timedelta(days=1)
        days.append(day)
        found += sum(len(_day_of(person, day, 0.5)) for person in PEOPLE)
    return days


def _day_of(person: Person, day: date, share: float) -> list[Work]:
    if day.weekday() > 4:
        return []
    chance = random.Random(f"{person.key} {day.isoformat()}")  # noqa: S311 - believable, not secret
    if chance.random() < DAYS_A_YEAR_AWAY:
        return []
    return list(_stretches(person, day, share, chance))


def _stretches(person: Person, day: date, share: float, chance: random.Random) -> Iterator[Work]:
    lengths = _lengths(person, chance)
    begin = datetime.combine(day, time(), ZoneInfo(ZONE)) + timedelta(
        seconds=round((person.day_starts + chance.uniform(-0.4, 0.6)) * 3600)
    )
    lunch = begin.replace(hour=12, minute=30)
    for length in lengths:
        timed = chance.random() < person.timers
        seconds = length + chance.randrange(-400, 400) if timed else length
        if begin > lunch:
            begin += timedelta(minutes=chance.randrange(30, 60))
            lunch = begin.replace(hour=23)
        project, task = _pick(person, share, chance)
        note = chance.choice(task.notes) if chance.random() < 0.93 else None
        yield Work(person.key, project.key, task.name, note, begin, seconds, timed)
        begin += timedelta(seconds=seconds + chance.randrange(60, 900))


def _lengths(person: Person, chance: random.Random) -> list[int]:
    """Seconds of each stretch of a day, in quarters of an hour; together about a day's work."""
    pieces = chance.choice((2, 2, 3, 3, 3, 4))
    hours = person.hours * chance.uniform(0.8, 1.15)
    shares = [chance.uniform(0.5, 1.5) for _ in range(pieces)]
    return [max(round(hours * 3600 * one / sum(shares) / QUARTER), 1) * QUARTER for one in shares]


def _pick(person: Person, share: float, chance: random.Random) -> tuple[Project, Task]:
    now_open: list[tuple[Project, Task]] = []
    weights: list[float] = []
    for project in (project for client in CLIENTS for project in client.projects):
        if project.begins <= share <= project.ends:
            tasks = [task for task in project.tasks if person.key in task.people.split() and share <= _end_of(task)]
            now_open += [(project, task) for task in tasks]
            weights += [project.weight / len(tasks) for _ in tasks]
    return chance.choices(now_open, weights)[0]


def _end_of(task: Task) -> float:
    """Tasks that are done were done some time ago; their projects may have ended before."""
    return 0.6 if task.facts.get("status") == "DONE" else 1.0
