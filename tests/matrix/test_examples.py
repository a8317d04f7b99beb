"""The matrices are worth something only while every operation has a request that succeeds."""

from __future__ import annotations

import pytest

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Nothing, Operation
from tests.matrix.requests import BODIES, BY_ID, TARGETS, data_of, example, wire_names
from tests.matrix.stage import Stage


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_the_owner_succeeds_with_the_example_of_each_operation(operation: Operation, stage: Stage) -> None:
    result = stage.ask(example(operation, stage.world))
    assert result.status_code == operation.status, result.text
    data = data_of(result)
    if operation.status == 204:
        assert result.content == b""
    elif operation.file:
        assert result.content
        assert result.headers["content-type"].partition(";")[0] in operation.file
        assert "sandbox" in result.headers["content-security-policy"]
    elif operation.nullable and data is None:
        pytest.fail("the world should have one")
    else:
        data = result.json if operation.whole else data
        shown = data[0] if isinstance(data, list) else data
        assert set(shown) == set(wire_names(operation.answer))


def test_each_body_is_one_of_an_operation() -> None:
    with_body = {one.id for one in OPERATIONS if one.body is not None and one.body is not Nothing}
    assert set(BODIES) == with_body
    assert set(TARGETS) - {"sendInvoice"} <= set(BY_ID)
