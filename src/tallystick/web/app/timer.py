"""The timer: the bar on every page, where it can be started, and what to do with one that was forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tallystick.domain import approvals, pins, time_entries, timesheet
from tallystick.domain.access import Permission
from tallystick.domain.desk import shell
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.timesheet import Choice
from tallystick.values.errors import Conflict
from tallystick.web.app import offline
from tallystick.web.app.visit import Answer, Data, Page, Visit

CHOICES: Final[dict[str, Choice]] = {"keep": "keep", "trim": "trim", "discard": "discard"}


def page(visit: Visit) -> Answer:
    """The timer with everything about it, also for who has no script."""
    timer = time_entries.running(visit.ctx)
    return visit.show(
        "timer.html",
        places=shell.places(visit.ctx, limit=500),
        recent=shell.places(visit.ctx, limit=8, recent=True),
        forgotten=timer is not None and timesheet.is_forgotten(visit.ctx, timer),
    )


def bar(visit: Visit) -> Answer:
    """The bar alone, for a tab that wants to know."""
    return visit.show("timer_only.html")


def options(visit: Visit) -> Answer:
    """Work to choose from by what was typed."""
    found = shell.places(visit.ctx, visit.query.text("q", longest=200) or "", limit=12)
    return visit.show("timer_options.html", places=found)


def start(visit: Visit) -> Answer:
    project_id, task_id = visit.form.place("place")
    note = visit.form.text("note")
    key = offline.key_of(visit)
    if offline.came_before(visit, key):
        return visit.back("/time")
    running = time_entries.waiting_for_timer(visit.ctx)
    if running is not None and timesheet.is_forgotten(visit.ctx, running):
        return visit.go("/timer", "A timer is running for long. Say first what to do with it.")
    if running is not None and (running.project_id, running.task_id) == (project_id, task_id) and not note:
        return visit.back("/time")  # it runs already
    entry = time_entries.start(visit.ctx, project_id=project_id, task_id=task_id, note=note)
    offline.done(visit, key, "start", entry.id)
    return visit.back("/time")


def again(visit: Visit) -> Answer:
    """Go on with the work of an entry."""
    entry = time_entries.read(visit.ctx, visit.id())
    running = time_entries.waiting_for_timer(visit.ctx)
    if running is not None and timesheet.is_forgotten(visit.ctx, running):
        return visit.go("/timer", "A timer is running for long. Say first what to do with it.")
    time_entries.start(
        visit.ctx, project_id=entry.project_id, task_id=entry.task_id, note=entry.note, billable=entry.billable
    )
    return visit.back("/time")


def stop(visit: Visit) -> Answer:
    """Stop; a timer that ran for too long asks first what to do."""
    key = offline.key_of(visit)
    if offline.came_before(visit, key):
        return visit.back("/time")
    timer = _the_one_shown(visit)
    choice = visit.form.choice("choice", CHOICES)
    visit.form.check()
    if choice is None and timesheet.is_forgotten(visit.ctx, timer):
        return visit.go("/timer", "This timer ran for long. What shall become of it?")
    if choice is None:
        entry = time_entries.stop(visit.ctx)
        offline.done(visit, key, "stop", entry.id)
        goal = visit.back("/time", "{time} logged.", time=visit.formats.hours(entry.duration_seconds))
        return replace(goal, said=f"{goal.said} {_closed(visit, entry)}".strip())
    kept = timesheet.settle(visit.ctx, CHOICES[choice])
    offline.done(visit, key, "stop", timer.id)
    if kept is None:
        return visit.go("/time", "The timer is discarded.")
    goal = visit.go("/time", "{time} logged.", time=visit.formats.hours(kept.duration_seconds))
    return replace(goal, said=f"{goal.said} {_closed(visit, kept)}".strip())


def _closed(visit: Visit, entry: TimeEntry) -> str:
    """What to know of a timer that ran into a day that was closed meanwhile: it is stopped, and stays as it is."""
    day = entry.entry_date
    closing = approvals.closed_days(visit.ctx, entry.user_id, day, day).get(day)
    return "" if closing is None else visit.explain(closing.refusal())


def note(visit: Visit) -> Answer:
    """Another note on the timer that runs."""
    timer = _the_one_shown(visit)
    text, shown = visit.form.text("note"), visit.form.text("shown_note")
    visit.form.check()
    if visit.form.has("shown_note") and timer.note not in (text, shown):
        raise Conflict(
            "The note was changed meanwhile: “{note}”. Save yours again to keep it.",
            reason="changed_meanwhile",
            facts={"note": timer.note or "–"},
        )
    time_entries.change(visit.ctx, timer.id, note=text)
    return visit.back("/timer")


def note_again(visit: Visit) -> Answer:
    """What the note is now, beside the one that was not kept."""
    if not visit.swaps:
        return page(visit)
    timer = visit.shell.timer
    problem = next(iter(visit.errors.values()), visit.problem)
    return Data(
        {"problem": problem, "note": timer.note or "" if timer is not None else ""}, 422 if visit.errors else 409
    )


def _the_one_shown(visit: Visit) -> TimeEntry:
    """The timer that runs, if it is the one that the form showed: another was started elsewhere meanwhile."""
    timer = time_entries.waiting_for_timer(visit.ctx)
    shown = visit.form.id("timer")
    visit.form.check()
    if timer is None:
        raise Conflict("No timer is running.", reason="no_running_timer")
    if shown not in (None, timer.id):
        raise Conflict(
            "Another timer runs by now: it was started elsewhere. Nothing was done to it; look at it first.",
            reason="other_timer",
        )
    return timer


def pin(visit: Visit) -> Answer:
    """Pin a project or a task, or take its pin away."""
    work_id = visit.form.id("work")
    pinned = visit.form.yes_no("pinned")
    if work_id is None:
        visit.form.wrong.setdefault("work", "required")
    visit.form.check()
    if pinned is False:
        pins.unpin(visit.ctx, work_id or "")
        return visit.back("/", "Unpinned.")
    pins.pin(visit.ctx, work_id or "")
    return visit.back("/", "Pinned: it stands first when you start the timer.")


def arrange(visit: Visit) -> Answer:
    """Put the pins in an order: all of them as a script says, or one a place up."""
    order = visit.form.ids("order")
    up = visit.form.id("up")
    visit.form.check()
    if up is not None:
        there = [one.id for one in pins.pinned(visit.ctx)]
        at = there.index(up) if up in there else 0
        order = [*there[: max(at - 1, 0)], up, *(one for one in there[max(at - 1, 0) :] if one != up)]
    pins.arrange(visit.ctx, order)
    return visit.back("/")


_TRACK = Permission.TRACK_TIME

PAGES = (
    Page("/timer", _TRACK, page, label="Timer", section="time", icon="play"),
    Page("/timer/bar", _TRACK, bar),
    Page("/timer/options", _TRACK, options),
    Page("/timer/start", _TRACK, post=start),
    Page("/timer/stop", _TRACK, post=stop),
    Page("/timer/note", _TRACK, post=note, again=note_again),
    Page("/timer/pin", _TRACK, post=pin),
    Page("/timer/pins", _TRACK, post=arrange),
    Page("/time/{id}/again", _TRACK, post=again),
)
