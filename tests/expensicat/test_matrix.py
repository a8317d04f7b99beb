"""Every operation by every role and scope, and every place for an id with an id of somebody else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from falcon import testing

from tallystick.api.expensicat.operations import OPERATIONS, SCOPES
from tallystick.api.expensicat.wire import parameters_of
from tallystick.api.fields import Uuid
from tallystick.api.wire import Operation
from tallystick.db.session import Database
from tallystick.values.ids import new_id
from tests.expensicat.world import Credentials, Expensicat, expensicat_client, token_of
from tests.matrix import stage as matrix
from tests.matrix.requests import Slot, fields_of, told
from tests.matrix.world import MONEY, World

BY_ID = {operation.id: operation for operation in OPERATIONS}
ROLES = ("owner", "admin", "manager", "member")
MANAGE, ADMINS, ALL = frozenset(ROLES[:3]), frozenset(ROLES[:2]), frozenset(ROLES)
MAY: dict[str, frozenset[str]] = {
    "listTimeEntries": ALL, "createTimeEntry": ALL, "getTimeEntry": ALL, "updateTimeEntry": ALL,
    "deleteTimeEntry": ALL,
    "listProjects": ALL, "createProject": MANAGE, "getProject": ALL, "updateProject": MANAGE, "deleteProject": MANAGE,
    "listCustomers": MANAGE, "createCustomer": MANAGE, "getCustomer": MANAGE, "updateCustomer": MANAGE,
    "deleteCustomer": MANAGE,
    "listMembers": ALL, "updateMember": ADMINS, "removeMember": ADMINS,
    "getCurrentOrganization": ALL, "updateCurrentOrganization": ADMINS,
    "listRecurringInvoices": MANAGE, "createRecurringInvoice": MANAGE, "getRecurringInvoice": MANAGE,
    "updateRecurringInvoice": MANAGE, "deleteRecurringInvoice": MANAGE,
    "getProfitLoss": MANAGE, "getInvoiceAging": MANAGE,
}  # fmt: skip
"""Operation → who may, of what is theirs; written from the contract and docs/permissions.md, not from the code."""

START, END = "2026-06-15T07:00:00Z", "2026-06-15T08:00:00Z"
BODIES: dict[str, dict[str, Any]] = {
    "createTimeEntry": {"start_time": START, "end_time": END, "description": "x", "project_id": "project"},
    "updateTimeEntry": {"description": "Corrected"},
    "createProject": {"name": "Relaunch", "customer_id": "client"},
    "updateProject": {"name": "Relaunch"},
    "createCustomer": {"name": "Umbrella"},
    "updateCustomer": {"name": "Umbrella"},
    "createRecurringInvoice": {
        "customer_id": "client",
        "frequency": "monthly",
        "start_date": "2026-06-30",
        "items": [{"name": "Care", "quantity": 1, "price": 80}],
    },
    "updateRecurringInvoice": {"notes": "Thank you"},
    "updateMember": {"role": "admin"},
    "updateCurrentOrganization": {"name": "Studio South"},
}
QUERIES = {"getProfitLoss": {"start_date": "2026-01-01", "end_date": "2026-12-31"}}
NOUNS = {
    "time-entries": "entry", "projects": "project", "customers": "client", "members": "user",
    "recurring-invoices": "recurring",
}  # fmt: skip
NAMED = {"project_id": "project", "customer_id": "client", "user_id": "user"}
TARGETS = {"deleteCustomer": "client.free"}
SETTLED = "updateRecurringInvoice body customer_id"
"""It cannot be changed, whatever the customer: that is a 400."""


@dataclass
class Request:
    operation: Operation
    path: str
    query: dict[str, str]
    body: dict[str, Any] | None

    def send(self, client: testing.TestClient, token: str) -> testing.Result:
        return Expensicat(client, token)(self.operation.method, self.path, self.body, params=self.query)


class Stage(matrix.Stage):
    def token(self, who: str, scopes: str = "*") -> str:
        return token_of(self.world.studio, who, scopes)


@pytest.fixture(scope="module")
def stage(database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return matrix.set_up(
        Stage, database, database_url,
        lambda over, world, other: expensicat_client(
            over, world.studio.clock, tmp_path_factory.mktemp("limits"), world.studio, other.studio
        ),
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def untouched(stage: Stage) -> Iterator[None]:
    yield from matrix.untouched(stage)


def example(operation: Operation, world: World, who: str = "owner") -> Request:
    """A request with which the operation succeeds for whoever may."""
    path = operation.path
    if "{" in path:
        noun = TARGETS.get(operation.id) or NOUNS[path.split("/")[1]]
        one = world.own(noun, who) if noun == "entry" else world[noun]
        path = path[: path.index("{")] + one
    body = BODIES.get(operation.id)
    if body is not None:
        body = {name: world.ids.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    return Request(operation, path, dict(QUERIES.get(operation.id, {})), body)


def put(request: Request, slot: Slot, value: str) -> Request:
    made = copy.deepcopy(request)
    if slot.where == "path":
        made.path = made.operation.path[: made.operation.path.index("{")] + value
    elif slot.where == "filter":
        made.query[slot.name] = value
    else:
        assert made.body is not None
        made.body[slot.name] = value
    return made


def slots() -> Iterator[Slot]:
    """Every place for an id. A KeyError: a name that this test does not know yet."""
    for one in OPERATIONS:
        if "{" in one.path:
            yield Slot(one, "path", (one.path.split("{")[1].rstrip("}"),), NOUNS[one.path.split("/")[1]])
        for name, rule in parameters_of(one).items():
            if rule.kind == "id":
                yield Slot(one, "filter", (name,), NAMED[name])
        for name in fields_of(one, "Uuid"):
            yield Slot(one, "body", (name,), NAMED[name])


SLOTS = list(slots())


def absent(noun: str, stage: Stage) -> dict[str, str]:
    return {"nothing": new_id(), "foreign": stage.other[noun], "deleted": stage.world[f"{noun}.deleted"]}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
@pytest.mark.parametrize("who", ROLES)
def test_a_role_does_what_it_may_and_no_scope_widens_it(operation: Operation, who: str, stage: Stage) -> None:
    may = who in MAY[operation.id]
    scopes = {"*": True, operation.scope: True, "": False, "read write": False}
    scopes |= {" ".join(set(SCOPES) - {operation.scope}): False, " ".join(SCOPES): True}
    scopes |= {scope: scope == operation.scope for scope in SCOPES}
    for given, reaches in scopes.items():
        answer = example(operation, stage.world, who).send(stage.client, stage.token(who, given))
        assert answer.status_code == (operation.status if may and reaches else 403), f"{given}: {answer.text}"
        if answer.status_code == 403:
            assert answer.json["error"]["code"] == "FORBIDDEN"
            assert ("insufficient_scope" in answer.headers.get("WWW-Authenticate", "")) == (not reaches)
        stage.check_silence(answer)


def test_the_table_of_roles_is_the_table_of_operations() -> None:
    assert set(MAY) == set(BY_ID)
    assert all(operation.scope for operation in OPERATIONS)
    writes = {one.id for one in OPERATIONS if one.scope.endswith((":write", ":admin"))}
    assert writes == {one.id for one in OPERATIONS if one.writes}
    assert {str(slot) for slot in SLOTS if slot.where != "path"} == {
        "listTimeEntries filter project_id", "listTimeEntries filter user_id", "createTimeEntry body project_id",
        "updateTimeEntry body project_id", "createProject body customer_id", "updateProject body customer_id",
        "listRecurringInvoices filter customer_id", "createRecurringInvoice body customer_id", SETTLED,
    }  # fmt: skip


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.where != "filter"], ids=str)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_what_is_not_mine_looks_like_nothing(slot: Slot, who: str, stage: Stage) -> None:
    request = example(slot.operation, stage.world, who)
    ids = absent(slot.noun, stage)
    if who == "member" and f"{slot.noun}.hidden" in stage.world.ids:
        ids["hidden"] = stage.world[f"{slot.noun}.hidden"]
    before = stage.contents()
    answers = {kind: put(request, slot, value).send(stage.lasting, stage.token(who)) for kind, value in ids.items()}
    status = (400 if str(slot) == SETTLED else 404) if who in MAY[slot.operation.id] else 403
    for kind, answer in answers.items():
        assert answer.status_code == status, f"{kind}: {answer.text}"
        assert told(answer) == told(answers["nothing"]), kind
        stage.check_silence(answer)
    assert stage.contents() == before


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.where == "filter"], ids=str)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_a_filter_by_what_is_not_mine_finds_nothing(slot: Slot, who: str, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    for kind, value in absent(slot.noun, stage).items():
        answer = put(request, slot, value).send(stage.client, stage.token(who))
        if who not in MAY[slot.operation.id]:
            assert answer.status_code == 403
            continue
        if kind == "deleted":  # whoever left has work that stays
            assert answer.status_code == 200
            continue
        assert answer.json == {"data": [], "meta": {"count": 0, "next_cursor": None}}, kind
    own = stage.world[f"user.{who}"] if slot.noun == "user" else stage.world[slot.noun]
    if who in MAY[slot.operation.id]:
        assert put(request, slot, own).send(stage.client, stage.token(who)).json["data"] != []


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_the_statements_hold_without_the_policies(slot: Slot, stage: Stage) -> None:
    """Two walls, and each would do: here row-level security is off."""
    request = example(slot.operation, stage.world)
    for kind, value in absent(slot.noun, stage).items():
        answer = put(request, slot, value).send(stage.unwalled, stage.token("owner"))
        stage.check_silence(answer, value if slot.where == "body" else "")
        if slot.where == "filter":
            assert answer.status_code == 200
            assert kind == "deleted" or answer.json["data"] == []
        else:
            assert answer.status_code == (400 if str(slot) == SETTLED else 404), f"{kind}: {answer.text}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_no_answer_holds_anything_of_another_workspace_without_the_policies(operation: Operation, stage: Stage) -> None:
    answer = example(operation, stage.world).send(stage.unwalled, stage.token("owner"))
    assert answer.status_code == operation.status, answer.text
    stage.check_silence(answer)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.listing], ids=lambda one: one.id)
def test_a_cursor_serves_only_the_workspace_and_the_list_it_came_from(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    request.query["limit"] = "1"
    mine = request.send(stage.client, stage.token("owner")).json["meta"]["next_cursor"]
    theirs = request.send(stage.client, token_of(stage.other.studio)).json["meta"]["next_cursor"]
    assert mine is not None
    assert theirs is not None
    for cursor, status in ((mine, 200), (theirs, 400), (mine[:-2] + "xx", 400), (new_id(), 400)):
        request.query["cursor"] = cursor
        answer = request.send(stage.client, stage.token("owner"))
        assert answer.status_code == status, answer.text
        stage.check_silence(answer)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.writes], ids=lambda one: one.id)
def test_reading_writes_nothing(operation: Operation, stage: Stage) -> None:
    assert example(operation, stage.world).send(stage.looking, stage.token("owner")).status_code == 200


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_a_member_never_reads_an_amount_and_the_owner_does(operation: Operation, stage: Stage) -> None:
    text = example(operation, stage.world, "member").send(stage.client, stage.token("member")).text
    assert not [amount for amount in MONEY if amount in text]


def test_an_amount_would_be_seen(stage: Stage) -> None:
    for name in ("listTimeEntries", "listProjects"):
        text = example(BY_ID[name], stage.world).send(stage.client, stage.token("owner")).text
        assert [amount for amount in MONEY if amount in text]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body], ids=lambda one: one.id)
def test_no_body_sets_what_it_may_not(operation: Operation, stage: Stage) -> None:
    """Whatever else an answer shows is ignored in a body: the answer is the same with and without it."""
    request = example(operation, stage.world)
    plain = request.send(stage.client, stage.token("owner")).json["data"]
    assert request.body is not None
    assert operation.body is not None
    writable = set(operation.body.__struct_encode_fields__)
    foreign = {name: stage.other["user"] for name in plain if name not in writable}
    foreign |= {"workspace_id": stage.other.studio.workspace_id, "user_id": stage.world["user.second"]}
    foreign |= {} if "status" in writable else {"status": "X"}
    request.body = {**foreign, **request.body}
    answer = request.send(stage.client, stage.token("owner")).json["data"]
    moving = {"id", "created_at", "updated_at"} if operation.status == 201 else {"updated_at"}
    assert {name: value for name, value in answer.items() if name not in moving} == {
        name: value for name, value in plain.items() if name not in moving
    }


def test_a_wrong_cell_would_be_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.domain import access

    monkeypatch.setitem(access.GRANTS, "MEMBER", access.GRANTS["MANAGER"])
    with pytest.raises(AssertionError):
        test_a_role_does_what_it_may_and_no_scope_widens_it(BY_ID["createCustomer"], "member", stage)


def test_the_stand_in_for_credentials_knows_nobody_else(stage: Stage) -> None:
    assert isinstance(Credentials(stage.world.studio), Credentials)
    assert Uuid.read(new_id())
    answer = Expensicat(stage.client, "x/owner/*")("GET", "/members")
    assert answer.status_code == 401


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.writes], ids=lambda one: one.id)
def test_a_write_is_told_once(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    result, told = stage.told_by(lambda: request.send(stage.client, stage.token("owner")))
    assert result.status_code == operation.status, result.text
    assert told
