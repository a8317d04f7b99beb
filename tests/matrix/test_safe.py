"""Reading never writes: every GET, HEAD and OPTIONS in a transaction that may not."""

from __future__ import annotations

import pytest

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tests.matrix.requests import BY_ID, example, told
from tests.matrix.stage import Stage

READS = [operation for operation in OPERATIONS if not operation.writes]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("who", ["owner", "admin", "manager", "member", "left"])
def test_a_get_and_its_head_write_nothing(operation: Operation, who: str, stage: Stage) -> None:
    token = stage.world.studio.people[who].token
    request = example(operation, stage.world, who if who != "left" else "member")
    free = request.send(stage.client, token)
    bound = request.send(stage.looking, token)
    assert told(bound) == told(free)
    assert bound.status_code < 500
    path = operation.path
    for name, value in request.ids.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {"Authorization": f"Bearer {token}"}
    head = stage.looking.simulate_head(f"/api/v1{path}", headers=headers)
    assert (head.status_code, head.content) == (bound.status_code, b"")
    assert head.headers["content-length"] == str(len(bound.content))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_the_question_of_a_browser_writes_nothing(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    path = operation.path
    for name, value in request.ids.items():
        path = path.replace(f"{{{name}}}", value)
    answer = stage.looking.simulate_options(f"/api/v1{path}")
    assert answer.status_code == 204
    assert operation.method in answer.headers["access-control-allow-methods"]


def test_a_write_would_be_seen(stage: Stage) -> None:
    """The check itself: what writes fails in such a transaction."""
    answer = example(BY_ID["createClient"], stage.world).send(stage.looking, stage.world.studio.owner.token)
    assert answer.status_code >= 500
