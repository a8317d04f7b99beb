"""Many who read the same version, and each would change it: one of them does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from falcon import testing

from tallystick.api import wire
from tests.races.arena import Arena, at_once, statuses


def change_at_once(arena: Arena) -> dict[int, int]:
    """Status → how often it was answered to eight changes of one version."""
    api = arena.api()
    client = api.post("/clients", {"name": "Hooli"})["id"]
    tag = api("GET", f"/clients/{client}").headers["etag"]

    def change(number: int) -> Callable[[], testing.Result]:
        return lambda: api("PATCH", f"/clients/{client}", {"notes": f"{number}"}, headers={"If-Match": tag})

    answers = at_once([change(number) for number in range(8)])
    held = [str(number) for number, one in enumerate(answers) if one.status_code == 200]
    assert api.get(f"/clients/{client}")["notes"] in held
    return statuses(answers)


def test_one_of_many_changes_of_a_version_holds(arena: Arena) -> None:
    for _ in range(4):
        assert change_at_once(arena) == {200: 1, 412: 7}


def test_without_its_lock_more_than_one_would(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    class Loose(wire.Context):
        def find(self, kind, identity, *, lock=None):  # type: ignore[no-untyped-def]
            del lock
            return super().find(kind, identity)

    monkeypatch.setattr(wire, "Context", Loose)
    assert any(change_at_once(arena)[200] > 1 for _ in range(20))
