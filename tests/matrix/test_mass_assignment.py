"""Nobody sets what is not theirs to set: every property of every answer, and the usual suspects, sent in every body."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Nothing, Operation
from tallystick.values.ids import new_id
from tests.matrix.requests import Request, data_of, example, wire_names
from tests.matrix.stage import Stage

WRITES = [operation for operation in OPERATIONS if operation.body is not None]
NEW_EACH_TIME = frozenset({"rate", "id", "number", "lines", "warnings", "secret", "secretPrefix"})
"""What differs between two answers to one request: a draft is named at random, lines have ids, secrets are new."""


def suspects(stage: Stage) -> dict[str, Any]:
    """Values somebody would like to set, each of them a real one where it is an id."""
    world, other = stage.world, stage.other
    return {
        "id": new_id(), "orgId": other.studio.workspace_id, "workspaceId": other.studio.workspace_id,
        "org_id": other.studio.workspace_id, "workspace_id": other.studio.workspace_id,
        "userId": world["user.second"], "user_id": world["user.second"], "ownerId": world["user.second"],
        "invoiceId": world["invoice.draft"], "paymentId": world["payment"], "role": "OWNER", "plan": "agency",
        "scopes": ["read", "write"], "permissions": ["*"], "isSystem": True, "isAdmin": True, "livemode": False,
        "number": "INV-9999", "status": "PAID", "paymentStatus": "paid", "subtotal": "0", "total": "0",
        "taxAmount": "0", "discountAmount": "9999", "amountPaid": "5000", "settled": "5000", "currency": "XAU",
        "hourlyRate": "1000", "rate": "1000", "amount": "0.01", "createdAt": "2001-01-01T00:00:00Z",
        "updatedAt": "2001-01-01T00:00:00Z", "deletedAt": "2001-01-01T00:00:00Z", "sentAt": "2001-01-01T00:00:00Z",
        "paidAt": "2001-01-01T00:00:00Z", "startedAt": "2001-01-01T00:00:00Z", "stoppedAt": "2001-01-01T00:00:00Z",
        "billToName": "Somebody else", "email": "owner@elsewhere.example", "__proto__": {"role": "OWNER"},
        "constructor": {}, "$set": {"role": "OWNER"}, "": "nothing",
    }  # fmt: skip


def value_for(name: str, stage: Stage) -> Any:
    return suspects(stage).get(name, new_id() if name.endswith("Id") else "1999-09-09")


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.id)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_no_body_sets_what_its_operation_does_not_write(operation: Operation, who: str, stage: Stage) -> None:
    assert operation.body is not None
    plain = example(operation, stage.world, who)
    plain.body = plain.body or {}
    usual = stage.ask(plain, who)
    written = set(wire_names(operation.body)) if operation.body is not Nothing else set()
    shown = set(wire_names(operation.answer)) if operation.answer is not None else set()
    for name in sorted((shown | set(suspects(stage))) - written):
        sent = value_for(name, stage)
        request = Request(operation, plain.ids, {}, {**plain.body, name: sent})
        answer = stage.ask(request, who)
        if usual.status_code != operation.status:  # refused before it is read, or for the same field
            assert answer.status_code in (usual.status_code, 422), name
            continue
        if answer.status_code == 422:
            assert list(answer.json["error"]["fields"]) == [name]
            assert "unknown field" in answer.json["error"]["fields"][name]
            continue
        assert answer.status_code == operation.status, f"{name}: {answer.text}"
        assert name in operation.read_only, f"{name} was taken without a word"
        before, after = data_of(usual), data_of(answer)
        if name in NEW_EACH_TIME:
            assert after[name] != sent
        else:
            assert after.get(name) == before.get(name), name  # Members are not shown all of them
        assert {key: value for key, value in after.items() if key not in NEW_EACH_TIME} == {
            key: value for key, value in before.items() if key not in NEW_EACH_TIME
        }


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.id)
def test_only_what_an_answer_shows_is_accepted_and_ignored(operation: Operation) -> None:
    """What clients send back after reading may stand in a body; anything else is a mistake they should hear of."""
    if operation.read_only:
        assert operation.read_only <= set(wire_names(operation.answer))
        assert operation.body is not None
        assert not operation.read_only & set(wire_names(operation.body))
