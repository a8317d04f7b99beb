"""Nobody reads, changes or detects what is not theirs: every id slot of every operation, made from the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from falcon import testing

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.values.ids import new_id
from tests.matrix.requests import BY_ID, Slot, data_of, example, said, slots, told
from tests.matrix.world import World, contents, identities

SLOTS = [slot for operation in OPERATIONS for slot in slots(operation)]
IN_PATH = [slot for slot in SLOTS if slot.where == "path"]
IN_BODY = [slot for slot in SLOTS if slot.where == "body"]
IN_FILTER = [slot for slot in SLOTS if slot.where == "filter"]
IN_CURSOR = [slot for slot in SLOTS if slot.where == "cursor"]

NOT_A_MEMBERS = frozenset({"client", "expense", "invoice", "payment"})
"""Nouns of which a Member sees none: their operations are refused before anybody looks for the id."""

PINNED = frozenset({("listTimeEntrys", "userId")})
"""Filters that a Member may send and that change nothing: they see their own, whatever they send."""


@pytest.fixture(scope="module")
def foreign(database_url: str, world: World, other: World) -> frozenset[str]:
    """Everything that must never be seen: ids and e-mails of the other workspace."""
    strange = identities(database_url, other.studio.workspace_id)
    assert len(strange) > 50
    assert not strange & identities(database_url, world.studio.workspace_id)
    return strange


@pytest.fixture(scope="module", autouse=True)
def untouched(database_url: str, world: World, other: World) -> Iterator[None]:
    """No row of the other workspace changes while these tests run."""
    before = contents(database_url, other.studio.workspace_id)
    yield
    assert contents(database_url, other.studio.workspace_id) == before


def absent(slot: Slot, world: World, other: World) -> dict[str, str]:
    """Ids that are not there for the owner: of another workspace, deleted, and of nothing at all."""
    noun = slot.noun
    theirs = other.ids.get(f"{noun}.draft") or other[noun]
    return {"foreign": theirs, "deleted": world[f"{noun}.deleted"], "nothing": new_id()}


def check_silence(result: testing.Result, foreign: frozenset[str], sent: str) -> None:
    text = said(result).decode().lower()
    assert "canary" not in text
    assert not {one for one in foreign if one in text} - {sent}


def same(first: testing.Result, second: testing.Result, *sent: str) -> bool:
    """Whether two answers are byte for byte the same but for the request id and the ids that were asked for."""

    def plain(result: testing.Result) -> object:
        status, body, headers = told(result)
        for one in sent:
            body = body.replace(one.encode(), b"?")
        return status, body, [pair for pair in headers if pair[0] != "content-length"]

    return plain(first) == plain(second)


@pytest.mark.parametrize("slot", IN_PATH, ids=str)
def test_a_path_with_an_id_of_nothing_of_mine_is_not_found(
    slot: Slot, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str],
    foreign: frozenset[str],
) -> None:  # fmt: skip
    request = example(slot.operation, world)
    ids = absent(slot, world, other)
    answers = {kind: request.put(slot, value).send(rehearse, token("owner")) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code == 404, f"{kind}: {answer.text}"
        assert answer.json["error"]["code"] == "not_found"
        check_silence(answer, foreign, "")
        assert told(answer) == told(answers["nothing"]), kind


@pytest.mark.parametrize("slot", IN_PATH, ids=str)
def test_a_path_with_an_id_hidden_from_a_member_looks_like_nothing(
    slot: Slot, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str]
) -> None:
    request = example(slot.operation, world, "member")
    ids = {**absent(slot, world, other), "hidden": world.ids.get(f"{slot.noun}.hidden", world[slot.noun])}
    answers = {kind: request.put(slot, value).send(rehearse, token("member")) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code in (403, 404), f"{kind}: {answer.text}"
        assert told(answer) == told(answers["nothing"]), kind


@pytest.mark.parametrize("slot", [slot for slot in IN_PATH if slot.at[0] != "id"], ids=str)
def test_a_child_in_a_path_belongs_to_its_parent(
    slot: Slot, world: World, rehearse: testing.TestClient, token: Callable[[str], str]
) -> None:
    request = example(slot.operation, world)
    right = request.send(rehearse, token("owner"))
    wrong = request.put(slot, world[f"{slot.noun}.elsewhere"]).send(rehearse, token("owner"))
    nothing = request.put(slot, new_id()).send(rehearse, token("owner"))
    assert (right.status_code, wrong.status_code) == (slot.operation.status, 404)
    assert told(wrong) == told(nothing)


@pytest.mark.parametrize("slot", IN_BODY, ids=str)
def test_a_body_with_an_id_of_nothing_of_mine_is_refused_by_its_field(
    slot: Slot, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str],
    foreign: frozenset[str], database_url: str,
) -> None:  # fmt: skip
    request = example(slot.operation, world)
    ids = absent(slot, world, other)
    before = contents(database_url, world.studio.workspace_id)
    answers = {kind: request.put(slot, value).send(rehearse, token("owner")) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code == 422, f"{kind}: {answer.text}"
        named = answer.json["error"]["fields"]
        assert [name for name in named if name.startswith(str(slot.at[0]))] == list(named), f"{kind}: {named}"
        check_silence(answer, foreign, ids[kind])
        assert same(answer, answers["nothing"], *ids.values()), kind
    assert contents(database_url, world.studio.workspace_id) == before


@pytest.mark.parametrize("slot", IN_BODY, ids=str)
def test_a_body_with_an_id_hidden_from_a_member_looks_like_nothing(
    slot: Slot, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str]
) -> None:
    request = example(slot.operation, world, "member")
    ids = {**absent(slot, world, other), "hidden": world.ids.get(f"{slot.noun}.hidden", world[slot.noun])}
    answers = {kind: request.put(slot, value).send(rehearse, token("member")) for kind, value in ids.items()}
    for kind, answer in answers.items():
        assert answer.status_code in (403, 422), f"{kind}: {answer.text}"
        assert same(answer, answers["nothing"], *ids.values()), kind


@pytest.mark.parametrize("slot", IN_FILTER, ids=str)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_a_filter_by_an_id_of_nothing_of_mine_finds_nothing(
    slot: Slot, who: str, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str],
    foreign: frozenset[str],
) -> None:  # fmt: skip
    request = example(slot.operation, world)
    ids = absent(slot, world, other)
    if who == "member" and f"{slot.noun}.hidden" in world.ids:
        ids["hidden"] = world[f"{slot.noun}.hidden"]
    answers = {kind: request.put(slot, value).send(rehearse, token(who)) for kind, value in ids.items()}
    refused = who == "member" and NOUN_OF_LIST[slot.operation.id] in NOT_A_MEMBERS
    for kind, answer in answers.items():
        check_silence(answer, foreign, "")
        assert told(answer) == told(answers["nothing"]), kind
        assert answer.status_code == (403 if refused else 200), f"{kind}: {answer.text}"
        if not refused and not (who == "member" and (slot.operation.id, slot.at[0]) in PINNED):
            assert data_of(answer) == [], kind
    found = request.put(slot, world[slot.noun]).send(rehearse, token("owner"))
    assert data_of(found) != [], "the filter finds what is there"


NOUN_OF_LIST = {
    "listClients": "client", "listProjects": "project", "listTasks": "task", "listTimeEntrys": "entry",
    "listExpenses": "expense", "listInvoices": "invoice", "listMembers": "member",
}  # fmt: skip


@pytest.mark.parametrize("slot", IN_CURSOR, ids=str)
def test_a_cursor_serves_only_the_workspace_and_the_list_it_came_from(
    slot: Slot, world: World, other: World, rehearse: testing.TestClient, token: Callable[[str], str],
    foreign: frozenset[str],
) -> None:  # fmt: skip
    request = example(slot.operation, world)
    request.query["limit"] = "1"

    def next_of(operation: Operation, owner_token: str) -> str:
        page = example(operation, world)
        page.query["limit"] = "1"
        return str(page.send(rehearse, owner_token).json["pagination"]["nextCursor"])

    mine = next_of(slot.operation, token("owner"))
    assert request.put(slot, mine).send(rehearse, token("owner")).status_code == 200
    elsewhere = BY_ID["listMembers" if slot.operation.id != "listMembers" else "listClients"]
    strange = {
        "foreign": next_of(slot.operation, other.studio.owner.token),
        "of another list": next_of(elsewhere, token("owner")),
        "forged": mine[:-2] + ("A" if mine[-2] != "A" else "B") + mine[-1],
        "nothing": new_id(),
    }
    for kind, cursor in strange.items():
        answer = request.put(slot, cursor).send(rehearse, token("owner"))
        assert answer.status_code == 422, kind
        assert list(answer.json["error"]["fields"]) == ["cursor"]
        check_silence(answer, foreign, "")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("who", ["owner", "member"])
def test_no_answer_holds_anything_of_another_workspace(
    operation: Operation, who: str, world: World, rehearse: testing.TestClient, token: Callable[[str], str],
    foreign: frozenset[str],
) -> None:  # fmt: skip
    answer = example(operation, world, who).send(rehearse, token(who))
    assert answer.status_code < 500
    check_silence(answer, foreign, "")


def test_every_operation_with_an_id_in_its_path_has_a_slot() -> None:
    """A canary for the generator itself: it must not lose operations."""
    assert {slot.operation.id for slot in IN_PATH} == {one.id for one in OPERATIONS if "{" in one.path}
    assert {slot.operation.id for slot in IN_CURSOR} == {one.id for one in OPERATIONS if one.listing is not None}
    assert len(IN_BODY) >= 12
    assert ("createInvoice", ("lines", 0, "projectId")) in {(slot.operation.id, slot.at) for slot in IN_BODY}
    assert set(NOUN_OF_LIST) == {slot.operation.id for slot in IN_CURSOR}


def test_a_leak_would_be_seen(
    world: World, other: World, rehearse: testing.TestClient, foreign: frozenset[str]
) -> None:
    """The check itself: the other workspace's owner does read what nobody else may."""
    answer = example(BY_ID["listClients"], other).send(rehearse, other.studio.owner.token)
    assert answer.status_code == 200
    with pytest.raises(AssertionError):
        check_silence(answer, foreign, "")
