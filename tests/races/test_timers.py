"""At most one running timer, and no second counted twice, however many starts and stops come at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from itertools import pairwise
from threading import Event
from typing import Any

import pytest
from falcon import testing
from sqlalchemy import text

from tallystick.db.session import Connection, Prepared
from tallystick.domain import members, projects, time_entries
from tallystick.domain.context import Context, Transactions
from tallystick.domain.members import Member
from tallystick.domain.projects import Project
from tests.races.arena import PATIENCE, Arena, Together, at_once, statuses
from tests.studio import Api

STARTS = 32
PEOPLE = ("owner", "member", "second")
SPANS = (
    "SELECT started_at, stopped_at, duration_seconds FROM time_entries WHERE workspace_id = %s AND user_id = %s"
    " AND started_at IS NOT NULL ORDER BY started_at, stopped_at NULLS LAST, id"
)
RUNNING = "SELECT count(*) FROM time_entries WHERE workspace_id = %s AND started_at IS NOT NULL AND stopped_at IS NULL"
DROP_INDEX = "DROP INDEX uq_time_entries_running"


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take away the locks behind which the starts and stops of a person queue up."""

    here = "SELECT id FROM members WHERE workspace_id = :workspace AND user_id = :user_id AND removed_at IS NULL"

    def take_away() -> None:
        monkeypatch.setattr(time_entries, "_MEMBERSHIP", Prepared(text(here)))
        monkeypatch.setattr(time_entries, "_MY_TIMER_LOCKED", time_entries._MY_TIMER)

    return take_away


def everybody(arena: Arena) -> None:
    """Both members are on the project."""
    with arena.studio.context() as ctx:
        project = ctx.find(Project, arena.studio.ids["project"])
        for who in ("member", "second"):
            projects.put_on(ctx, project, members.active(ctx, arena.studio.people[who].user_id))


def start(arena: Arena, api: Api) -> Callable[[], testing.Result]:
    return lambda: api("POST", "/time-entries/start", {"projectId": arena.studio.ids["project"]})


def chain(arena: Arena, who: str) -> tuple[int, int]:
    """How many timers somebody started, and how many of them run; none of them overlap."""
    spans = arena.rows(SPANS, arena.studio.people[who].user_id)
    for (_, stopped, _), (started, _, _) in pairwise(spans):
        assert stopped is not None
        assert stopped <= started, "no second is counted twice"
    for started, stopped, seconds in spans:
        assert stopped is None or seconds == (stopped - started).total_seconds()
    return len(spans), sum(1 for _, stopped, _ in spans if stopped is None)


def test_many_starts_leave_one_timer_and_no_gap(arena: Arena) -> None:
    everybody(arena)
    apis = [arena.api(who) for who in PEOPLE]
    results = at_once([start(arena, api) for api in apis for _ in range(STARTS)])
    assert statuses(results) == {201: STARTS * len(PEOPLE)}
    for who in PEOPLE:
        assert chain(arena, who) == (STARTS, 1)
        spans = arena.rows(SPANS, arena.studio.people[who].user_id)
        assert all(stopped == started for (_, stopped, _), (started, _, _) in pairwise(spans)), "each stop is a start"


@pytest.mark.parametrize("round_", range(3))
def test_starts_and_stops_at_once_never_overlap(arena: Arena, round_: int) -> None:
    api = arena.api()
    running = api.post("/time-entries/start", {"projectId": arena.studio.ids["project"]})["id"]
    calls = [
        start(arena, api),
        lambda: api("POST", "/time-entries/stop", {}),
        lambda: api("POST", f"/time-entries/{running}/stop", {}),
    ] * 8
    results = at_once(calls)
    counted = statuses(results)
    assert set(counted) <= {200, 201, 409}, counted
    assert counted[201] == 8
    started, left = chain(arena, "owner")
    assert started == 9
    assert left <= 1
    by_id = [one for one in results[2::3] if one.status_code == 200]
    assert len(by_id) <= 1, "a timer is stopped once"


def test_the_lock_alone_keeps_one_timer(weak_arena: Arena) -> None:
    weak_arena.sabotage(DROP_INDEX)
    api = weak_arena.api()
    results = at_once([start(weak_arena, api)] * STARTS)
    assert statuses(results) == {201: STARTS}
    assert chain(weak_arena, "owner") == (STARTS, 1)


def test_the_index_alone_keeps_one_timer(arena: Arena, unlocked: Callable[[], None]) -> None:
    unlocked()
    api = arena.api()
    results = at_once([start(arena, api)] * STARTS)
    assert set(statuses(results)) <= {201, 409}
    refused = [one.json["error"]["reason"] for one in results if one.status_code == 409]
    assert set(refused) <= {"timer_running"}
    assert arena.one(RUNNING) == 1


def test_without_both_walls_several_timers_run(weak_arena: Arena, unlocked: Callable[[], None]) -> None:
    """The race itself: it is there to be lost."""
    weak_arena.sabotage(DROP_INDEX)
    unlocked()
    api = weak_arena.api(app=weak_arena.rivals(Together(weak_arena.database, 8)))
    results = at_once([start(weak_arena, api)] * 8)
    assert statuses(results) == {201: 8}
    assert weak_arena.one(RUNNING) == 8


def leave(arena: Arena, who: str) -> None:
    with arena.studio.context() as ctx:
        time_entries.let_go(ctx, ctx.find(Member, arena.studio.people[who].member_id))


@pytest.mark.parametrize("round_", range(5))
def test_who_leaves_while_they_start_leaves_no_timer_running(arena: Arena, round_: int) -> None:
    everybody(arena)
    api = arena.api("member")

    def let_go() -> None:
        leave(arena, "member")

    results = at_once([*[start(arena, api)] * 6, let_go, *[start(arena, api)] * 6])
    answered = [one.status_code for one in results if one is not None]
    assert set(answered) <= {201, 401, 404, 422}, answered  # 422: on no project any more
    assert chain(arena, "member")[1] == 0
    assert arena.one("SELECT count(*) FROM members WHERE workspace_id = %s AND removed_at IS NOT NULL") == 1


class Lingering:
    """Transactions that say when their work is done, and commit only when they are told."""

    def __init__(self, database: Transactions, done: Event, told: Event) -> None:
        self._database, self._done, self._told = database, done, told

    @contextlib.contextmanager
    def transaction(self, **how: Any) -> Generator[Connection]:
        with self._database.transaction(**how) as connection:
            yield connection
            self._done.set()
            self._told.wait(PATIENCE)

    def ping(self) -> bool:
        return True


def test_without_its_lock_a_timer_outlives_its_person(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Callable[[], None]
) -> None:
    """The race itself: they start a timer, and leave between the look for it and its commit."""
    everybody(arena)
    started, looked = Event(), Event()
    remove = members.remove

    def remove_after_the_look(ctx: Context, member: Member) -> None:
        looked.set()
        remove(ctx, member)

    def let_go() -> None:
        started.wait(PATIENCE)
        leave(arena, "member")

    monkeypatch.setattr(members, "remove", remove_after_the_look)
    without_locks()
    slow = arena.api("member", arena.rivals(Lingering(arena.database, started, looked)))
    answer, _ = at_once([start(arena, slow), let_go])
    assert answer is not None
    assert answer.status_code == 201
    assert chain(arena, "member") == (1, 1)
