"""Nobody reads, changes or detects what is not theirs: every id slot of every operation, made from the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from falcon import testing

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.values.ids import new_id
from tests.matrix import stage as matrix
from tests.matrix.requests import BY_ID, Slot, data_of, example, slots, told
from tests.matrix.stage import Stage

SLOTS = [slot for operation in OPERATIONS for slot in slots(operation)]
IN_PATH = [slot for slot in SLOTS if slot.where == "path"]
IN_BODY = [slot for slot in SLOTS if slot.where == "body"]
IN_FILTER = [slot for slot in SLOTS if slot.where == "filter"]
IN_CURSOR = [slot for slot in SLOTS if slot.where == "cursor"]

NOT_A_MEMBERS = frozenset(
    {
        "client",
        "expense",
        "invoice",
        "payment",
        "app",
        "endpoint",
        "delivery",
        "mail",
        "rate",
        "invitation",
        "recurring",
        "billed_line",
        "credit_note",
        "refund",
        "receipt",
        "audit",
        "export",
    }
)
"""Nouns of which a Member sees none: their operations are refused before anybody looks for the id."""

REMEMBERING = frozenset({"listAuditLog", "exportAuditLog"})
"""Lists that tell of what is deleted too."""

FOUND = {"listCreditNotes": {"client": "client.hidden", "invoice": "invoice.hidden"}}
"""What a filter is tried with to find something, where it is not the plain one of its noun."""

PINNED = frozenset(
    (operation, "userId")
    for operation in (
        "listTimeEntrys", "getTimeReport", "exportTimeReport", "getTimeReportCsv", "getUtilisationReport",
        "exportUtilisationReport", "listWeeks",
    )
)  # fmt: skip
"""Filters that a Member may send and that change nothing: they see their own, whatever they send."""


@pytest.fixture(scope="module", autouse=True)
def untouched(stage: Stage) -> Iterator[None]:
    yield from matrix.untouched(stage)


def absent(slot: Slot, stage: Stage) -> dict[str, str]:
    """Ids that are not there for the owner: of another workspace, deleted, and of nothing at all."""
    noun = slot.noun
    theirs = stage.other.ids.get(f"{noun}.draft") or stage.other[noun]
    ids = {"foreign": theirs, "deleted": stage.world[f"{noun}.deleted"], "nothing": new_id()}
    if slot.operation.id in REMEMBERING:
        del ids["deleted"]
    return ids


def same(first: testing.Result, second: testing.Result, *sent: str) -> bool:
    """Whether two answers are byte for byte the same but for the request id and the ids that were asked for."""

    def plain(result: testing.Result) -> object:
        status, body, headers = told(result)
        for one in sent:
            body = body.replace(one.encode(), b"?")
        return status, body, [pair for pair in headers if pair[0] != "content-length"]

    return plain(first) == plain(second)


@pytest.mark.parametrize("slot", IN_PATH, ids=str)
def test_a_path_with_an_id_of_nothing_of_mine_is_not_found(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    ids = absent(slot, stage)
    before = stage.contents()
    answers = {kind: stage.ask(request.put(slot, value), lasting=True) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code == 404, f"{kind}: {answer.text}"
        assert answer.json["error"]["code"] == "not_found"
        stage.check_silence(answer)
        assert told(answer) == told(answers["nothing"]), kind
    assert stage.contents() == before


@pytest.mark.parametrize("slot", IN_PATH, ids=str)
def test_a_path_with_an_id_hidden_from_a_member_looks_like_nothing(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world, "member")
    ids = {**absent(slot, stage), "hidden": stage.world.ids.get(f"{slot.noun}.hidden", stage.world[slot.noun])}
    before = stage.contents()
    answers = {kind: stage.ask(request.put(slot, value), "member", lasting=True) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code in (403, 404), f"{kind}: {answer.text}"
        assert told(answer) == told(answers["nothing"]), kind
    assert stage.contents() == before


@pytest.mark.parametrize("slot", [slot for slot in IN_PATH if slot.at[0] != "id"], ids=str)
def test_a_child_in_a_path_belongs_to_its_parent(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    right = stage.ask(request)
    wrong = stage.ask(request.put(slot, stage.world[f"{slot.noun}.elsewhere"]))
    nothing = stage.ask(request.put(slot, new_id()))
    assert (right.status_code, wrong.status_code) == (slot.operation.status, 404)
    assert told(wrong) == told(nothing)


@pytest.mark.parametrize("slot", IN_BODY, ids=str)
def test_a_body_with_an_id_of_nothing_of_mine_is_refused_by_its_field(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    ids = absent(slot, stage)
    before = stage.contents()
    answers = {kind: stage.ask(request.put(slot, value), lasting=True) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code == 422, f"{kind}: {answer.text}"
        named = answer.json["error"]["fields"]
        assert [name for name in named if name.startswith(str(slot.at[0]))] == list(named), f"{kind}: {named}"
        stage.check_silence(answer, ids[kind])
        assert same(answer, answers["nothing"], *ids.values()), kind
    assert stage.contents() == before


@pytest.mark.parametrize("slot", IN_BODY, ids=str)
def test_a_body_with_an_id_hidden_from_a_member_looks_like_nothing(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world, "member")
    ids = {**absent(slot, stage), "hidden": stage.world.ids.get(f"{slot.noun}.hidden", stage.world[slot.noun])}
    before = stage.contents()
    answers = {kind: stage.ask(request.put(slot, value), "member", lasting=True) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code in (403, 422), f"{kind}: {answer.text}"
        assert same(answer, answers["nothing"], *ids.values()), kind
    assert stage.contents() == before


@pytest.mark.parametrize("slot", IN_FILTER, ids=str)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_a_filter_by_an_id_of_nothing_of_mine_finds_nothing(slot: Slot, who: str, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    ids = absent(slot, stage)
    if who == "member" and f"{slot.noun}.hidden" in stage.world.ids:
        ids["hidden"] = stage.world[f"{slot.noun}.hidden"]
    answers = {kind: stage.ask(request.put(slot, value), who) for kind, value in ids.items()}
    refused = who == "member" and NOUN_OF_LIST.get(slot.operation.id, slot.noun) in NOT_A_MEMBERS
    for kind, answer in answers.items():
        stage.check_silence(answer)
        assert told(answer) == told(answers["nothing"]), kind
        assert answer.status_code in ((403, 422) if refused else (200,)), f"{kind}: {answer.text}"
        if refused:
            continue
        pinned = who == "member" and (slot.operation.id, slot.at[0]) in PINNED
        assert rows_of(answer) == (rows_of(stage.ask(request, who)) if pinned else []), kind
    found = stage.ask(request.put(slot, stage.world[FOUND.get(slot.operation.id, {}).get(slot.noun, slot.noun)]))
    assert rows_of(found) != [], "the filter finds what is there"


def rows_of(answer: testing.Result) -> Any:
    """What a list or a report holds."""
    data = data_of(answer)
    return next((data[name] for name in ("rows", "totals") if name in data), data) if isinstance(data, dict) else data


NOUN_OF_LIST = {
    "listClients": "client", "listProjects": "project", "listTasks": "task", "listTimeEntrys": "entry",
    "listExpenses": "expense", "listInvoices": "invoice", "listMails": "mail", "listMembers": "member",
    "listRecurringInvoices": "recurring", "listRates": "rate", "listMilestones": "milestone",
    "listCreditNotes": "credit_note", "listTaxRates": "tax_rate", "listAuditLog": "audit", "exportAuditLog": "audit",
    "listWeeks": "week",
}  # fmt: skip


@pytest.mark.parametrize("slot", IN_CURSOR, ids=str)
def test_a_cursor_serves_only_the_workspace_and_the_list_it_came_from(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    request.query["limit"] = "1"

    def next_of(operation: Operation, owner_token: str) -> str:
        page = example(operation, stage.world)
        page.query["limit"] = "1"
        return str(stage.ask_as(owner_token, page).json["pagination"]["nextCursor"])

    mine = next_of(slot.operation, stage.world.studio.owner.token)
    assert stage.ask(request.put(slot, mine)).status_code == 200
    elsewhere = BY_ID["listMembers" if slot.operation.id != "listMembers" else "listClients"]
    strange = {
        "foreign": next_of(slot.operation, stage.other.studio.owner.token),
        "of another list": next_of(elsewhere, stage.world.studio.owner.token),
        "forged": mine[:-2] + ("A" if mine[-2] != "A" else "B") + mine[-1],
        "nothing": new_id(),
    }
    for kind, cursor in strange.items():
        answer = stage.ask(request.put(slot, cursor))
        assert answer.status_code == 422, kind
        assert list(answer.json["error"]["fields"]) == ["cursor"]
        stage.check_silence(answer)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_no_answer_holds_anything_of_another_workspace(operation: Operation, who: str, stage: Stage) -> None:
    answer = stage.ask(example(operation, stage.world, who), who)
    assert answer.status_code < 500
    stage.check_silence(answer)


@pytest.mark.parametrize("slot", [*IN_PATH, *IN_BODY, *IN_FILTER], ids=str)
def test_the_statements_hold_without_the_policies(slot: Slot, stage: Stage) -> None:
    """Two walls, and each would do: here row-level security is off."""
    request = example(slot.operation, stage.world)
    token = stage.world.studio.owner.token
    for kind, value in absent(slot, stage).items():
        answer = request.put(slot, value).send(stage.unwalled, token)
        assert answer.status_code == {"path": 404, "body": 422, "filter": 200}[slot.where], f"{kind}: {answer.text}"
        stage.check_silence(answer, value if slot.where == "body" else "")
        assert slot.where != "filter" or rows_of(answer) == [], kind


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_no_answer_holds_anything_of_another_workspace_without_the_policies(operation: Operation, stage: Stage) -> None:
    answer = example(operation, stage.world).send(stage.unwalled, stage.world.studio.owner.token)
    assert answer.status_code == operation.status
    stage.check_silence(answer)


def test_every_operation_with_an_id_in_its_path_has_a_slot() -> None:
    """A canary for the generator itself: it must not lose operations."""
    assert {slot.operation.id for slot in IN_PATH} == {one.id for one in OPERATIONS if "{" in one.path}
    assert {slot.operation.id for slot in IN_CURSOR} == {one.id for one in OPERATIONS if one.listing is not None}
    assert len(IN_BODY) >= 12
    assert ("createInvoice", ("lines", 0, "projectId")) in {(slot.operation.id, slot.at) for slot in IN_BODY}
    assert set(NOUN_OF_LIST) == {slot.operation.id for slot in IN_CURSOR} | REMEMBERING


def test_a_leak_would_be_seen(stage: Stage) -> None:
    """The check itself: the other workspace's owner does read what nobody else may."""
    answer = stage.ask_as(stage.other.studio.owner.token, example(BY_ID["listClients"], stage.other))
    assert answer.status_code == 200
    with pytest.raises(AssertionError):
        stage.check_silence(answer)
