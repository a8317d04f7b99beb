"""Whoever carries webhooks is killed again and again: each event arrives, under the same id, with the same bytes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.webhooks.conftest import Hooks
from tests.webhooks.receivers import answer, receiver

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="forks and kills")


@pytest.mark.parametrize(
    ("kills", "events"), [(4, 40), pytest.param(50, 400, marks=pytest.mark.long)], ids=["four", "fifty"]
)
def test_each_event_arrives_at_least_once_and_is_always_the_same(
    hooks: Hooks, database_url: str, kills: int, events: int
) -> None:
    lot = random.Random(7)
    with receiver(*[answer(500) if lot.random() < 0.3 else answer() for _ in range(events)], answer()) as sink:
        hooks.endpoint(sink.url, "client.created")
        ids = {hooks.client(f"Client {number}") for number in range(events)}
        ended = subprocess.run(
            [sys.executable, "-m", "tests.webhooks.carrier", database_url, hooks.studio.clock.now.isoformat(),
             str(kills), "11"],
            check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        hooks.studio.clock.now = datetime.fromisoformat(ended.stdout.strip())
        for _ in range(4):  # until the waits of what failed are over
            hooks.carry()
            hooks.studio.clock.now += timedelta(hours=1)
        heard = list(sink.heard)
    by_event: dict[str, set[bytes]] = {}
    for one in heard:
        by_event.setdefault(one.headers["webhook-id"], set()).add(one.body)
    assert all(len(bodies) == 1 for bodies in by_event.values()), "the same bytes each time"
    told = [json.loads(body) for bodies in by_event.values() for body in bodies]
    assert {one["data"]["client"]["id"] for one in told} == ids
    assert len(told) == events, "one id for each event"
    assert {one["id"] for one in told} == set(by_event)
    assert sorted(one["sequence"] for one in told) == list(
        range(min(one["sequence"] for one in told), min(one["sequence"] for one in told) + events)
    )
