"""Work without the network: what a device takes along, what it sends when the network is back, and what waits on it.

`/offline` itself, the page that a browser shows when the network is away, is in `web/installed.py`: it knows nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from tallystick.domain import device_actions
from tallystick.domain.access import Permission
from tallystick.domain.desk import shell
from tallystick.domain.device_actions import CHOICES, KINDS, Action, Choice, Kind
from tallystick.values.errors import Conflict
from tallystick.web.app.visit import Answer, Data, Page, Visit

TAKEN: Final = 400
"""How many projects and tasks a device takes along."""


def waiting(visit: Visit) -> Answer:
    """What waits on this device: the script draws it."""
    return visit.show("waiting.html")


def state(visit: Visit) -> Answer:
    """What a device takes along: who is here, their timer, and the work there is."""
    me, timer = visit.shell, visit.shell.timer
    return Data(
        {
            "owner": owner_of(visit),
            "csrf": visit.csrf,
            "now": _milliseconds(visit.ctx.now),
            "name": me.name,
            "workspace": me.workspace,
            "language": visit.words.language,
            "theme": visit.theme,
            "limit": me.timer_limit_minutes * 60,
            "timer": None
            if timer is None
            else {
                "id": timer.id,
                "place": f"{timer.project_id}:{timer.task_id}" if timer.task_id else timer.project_id or "",
                "title": _title(timer.project, timer.task) or visit.say("No project"),
                "started": _milliseconds(timer.started_at),
                "note": timer.note or "",
            },
            "places": [
                [place.key, _title(place.project, place.task), place.client or "", place.color or ""]
                for place in shell.places(visit.ctx, limit=TAKEN)
            ],
        }
    )


def send(visit: Visit) -> Answer:
    """One action of a device, done once."""
    entry_id, again = device_actions.carry_out(visit.ctx, _action(visit))
    return Data({"done": True, "entry": entry_id, "again": again})


def refused(visit: Visit) -> Answer:
    """Why an action was not done, with what the person needs to know to decide."""
    facts: dict[str, Any] = {}
    timer = visit.shell.timer
    sent_at = visit.form.instant("sent_at")
    if visit.reason == "other_timer" and timer is not None:
        facts = {
            "title": _title(timer.project, timer.task) or visit.say("No project"),
            "started": _milliseconds(timer.started_at),
        }
    elif visit.reason == "timer_stopped":
        entry = device_actions.entry_of(visit.ctx, visit.form.text("timer", longest=80))
        if entry is not None and entry.stopped_at is not None:
            facts = {"stopped": _milliseconds(entry.stopped_at)}
    elif visit.reason == "clock_wrong" and sent_at is not None:
        ahead = device_actions.clock_ahead(visit.ctx, sent_at)
        facts = {"ahead": round(ahead.total_seconds() * 1000)}
    elif visit.reason == "timer_long":
        facts = {"limit": visit.shell.timer_limit_minutes * 60}
    said = next(iter(visit.errors.values()), visit.problem)
    return Data({"said": said, "reason": visit.reason, "fields": visit.errors, "facts": facts}, 409)


def owner_of(visit: Visit) -> str:
    """Whose a device's actions are: a person in a workspace."""
    return f"{visit.actor.user_id}:{visit.actor.workspace_id}"


def key_of(visit: Visit) -> str | None:
    """The key under which a form may come again, from a device that did not hear whether it arrived."""
    key = visit.form.text("key", longest=device_actions.LONGEST_KEY)
    visit.form.check()
    return key


def came_before(visit: Visit, key: str | None) -> bool:
    """Whether the form with this key was done already."""
    return key is not None and device_actions.known_as(visit.ctx, key) is not None


def done(visit: Visit, key: str | None, kind: Kind, entry_id: str) -> None:
    """Keep that it is done, where it may come again."""
    if key is not None:
        device_actions.remember(visit.ctx, key, kind, entry_id)


def _action(visit: Visit) -> Action:
    form = visit.form
    if form.kept("owner") != owner_of(visit):
        raise Conflict("This was done by somebody else, or for another workspace.", reason="somebody_else")
    project_id, task_id = form.place("place")
    ahead = form.whole("ahead", least=-(10**9), most=10**9)
    choices = [one for one in (form.text("choices") or "").split(",") if one]
    if not set(choices) <= set(CHOICES):
        form.wrong["choices"] = "choose one of the list"
    action = Action(
        key=form.need("key", longest=device_actions.LONGEST_KEY),
        kind=cast("Kind", form.choice("kind", KINDS) or "log"),
        made_at=form.instant("made_at") or datetime.max.replace(tzinfo=UTC),
        sent_at=form.instant("sent_at") or datetime.max.replace(tzinfo=UTC),
        ahead=None if ahead is None else timedelta(milliseconds=ahead),
        corrected={"correct": True, "right": False}.get(form.kept("clock")),
        choices=frozenset(cast("list[Choice]", choices)),
        timer=form.text("timer", longest=80),
        expects=form.text("expects", longest=80),
        project_id=project_id,
        task_id=task_id,
        note=form.text("note"),
        entry_date=form.day("date"),
        duration_seconds=form.duration("duration"),
        started_at=form.instant("started_at"),
        stopped_at=form.instant("stopped_at"),
    )
    for name in ("kind", "made_at", "sent_at"):
        if not form.kept(name):
            form.wrong.setdefault(name, "required")
    if project_id is None and action.kind in {"start", "log"}:
        form.wrong.setdefault("place", "required")
    form.check()
    return action


def _title(project: str | None, task: str | None) -> str:
    return f"{project} · {task}" if task else project or ""


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


_TRACK = Permission.TRACK_TIME

PAGES = (
    Page("/waiting", _TRACK, waiting, label="Waiting to be sent", section="time", icon="cloud"),
    Page("/offline/state", _TRACK, state),
    Page("/offline/send", _TRACK, post=send, again=refused),
)
