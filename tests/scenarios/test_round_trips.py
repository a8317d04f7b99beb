"""How often a write asks the database: what can wait for its answer travels with what cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.growcrm.world import number
from tests.scenarios.faces import Faces
from tests.studio import Studio, round_trips


def native(owner: Faces, studio: Studio) -> Callable[[], object]:
    body = {"projectId": studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 60}
    return lambda: owner.native.post("/time-entries", body)


def expensicat(owner: Faces, studio: Studio) -> Callable[[], object]:
    body = {
        "project_id": studio.ids["project"],
        "start_time": "2026-06-15T07:00:00Z",
        "end_time": "2026-06-15T08:00:00Z",
        "description": "Agreed the plan",
    }
    return lambda: owner.expensicat.post("/time-entries", body)


def growcrm(owner: Faces, studio: Studio) -> Callable[[], object]:
    task = number(studio, "task", studio.ids["task"])
    body = {"task_id": task, "user_id": 1, "hours": 1, "minutes": 30, "timer_created": "2026-06-15"}
    return lambda: owner.growcrm.post("/timesheets", body)


@pytest.mark.parametrize(("face", "trips"), [(native, 2), (expensicat, 3), (growcrm, 3)])
def test_who_logs_time_waits_for_so_many_round_trips(
    face: Callable[[Faces, Studio], Callable[[], object]],
    trips: int,
    owner: Faces,
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Native: who asks, the key and the place; then the entry, its event and the answer, with the commit.

    Grow CRM first asks which task a number is; and the tests' stand-in for Expensicat's sessions asks for itself.
    """
    log = face(owner, studio)
    log()
    asked = round_trips(monkeypatch)
    log()
    assert asked == [None] * (trips - 1) + [b"COMMIT"]
