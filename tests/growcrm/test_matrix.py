"""Every operation with the numbers of another workspace in every place for one: they look like nothing."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.api.growcrm.operations import OPERATIONS
from tallystick.api.wire import Nothing, Operation
from tallystick.db.session import Database
from tests.growcrm.examples import BODIES, COUNTED_APART, NAMED, PATHS, QUERIES, TARGETS, filled, noun_of
from tests.growcrm.world import GrowCrm, key_of, number
from tests.matrix import stage as matrix
from tests.matrix.requests import Slot, fields_of, told
from tests.matrix.world import World
from tests.studio import app_client, round_trips

BY_ID = {operation.id: operation for operation in OPERATIONS}
NOBODY = 987_654_321


@dataclass
class Request:
    operation: Operation
    ids: dict[str, int]
    query: dict[str, Any]
    body: dict[str, Any] | None

    def send(self, client: testing.TestClient, key: str) -> testing.Result:
        path = self.operation.path
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", str(value))
        return GrowCrm(client, key)(self.operation.method, path, json=self.body, params=self.query)


@dataclass
class Stage(matrix.Stage):
    key: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.key = key_of(self.world.studio)


@pytest.fixture(scope="module")
def stage(database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return matrix.set_up(
        Stage, database, database_url,
        lambda over, world, _: app_client(over, world.studio.clock, tmp_path_factory.mktemp("limits")),
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def untouched(stage: Stage) -> Iterator[None]:
    yield from matrix.untouched(stage)


def holes(operation: Operation) -> Iterator[tuple[str, str]]:
    """The names of the numbers in a path, and the noun of each."""
    parts = operation.path.strip("/").split("/")
    for before, part in itertools.pairwise(parts):
        if part.startswith("{"):
            noun = TARGETS.get(operation.id, PATHS[before]) if part == "{id}" else PATHS[before]
            name = part.strip("{}")
            yield name, NAMED.get(f"{operation.id}.{name}") or noun


def example(operation: Operation, world: World) -> Request:
    """A request with which the operation succeeds."""
    ids = {name: number(world.studio, noun, world[noun]) for name, noun in holes(operation)}
    body = None
    if operation.body is not None and operation.body is not Nothing:
        body = filled(BODIES[operation.id], world)
    return Request(operation, ids, filled(QUERIES.get(operation.id, {}), world), body)


def put(request: Request, slot: Slot, value: int) -> Request:
    made = copy.deepcopy(request)
    if slot.where == "path":
        made.ids[slot.name] = value
    elif slot.where == "filter":
        made.query[slot.name] = value
    else:
        assert made.body is not None
        made.body[slot.name] = [value] if isinstance(made.body.get(slot.name), list) else value
    return made


def slots() -> Iterator[Slot]:
    """Every place for a number. A KeyError: a name that the examples do not know yet."""
    for one in OPERATIONS:
        for name, noun in holes(one):
            yield Slot(one, "path", (name,), noun)
        for name, rule in one.parameters.items():
            if rule.kind == "number" and (noun := noun_of(one.id, name)):
                yield Slot(one, "filter", (name,), noun)
        for name in fields_of(one, "Whole"):
            if noun := noun_of(one.id, name):
                yield Slot(one, "body", (name,), noun)


SLOTS = list(slots())


def absent(slot: Slot, stage: Stage) -> dict[str, int]:
    """Numbers that are nothing here: nobody's, one deleted, and one of the other workspace."""
    noun = slot.noun.partition(".")[0]
    found = {"nothing": NOBODY}
    if noun not in COUNTED_APART:
        found["foreign"] = number(stage.other.studio, noun, stage.other[noun])
    if f"{noun}.deleted" in stage.world.ids:
        found["deleted"] = number(stage.world.studio, noun, stage.world[f"{noun}.deleted"])
    return found


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_a_key_does_all_there_is_in_its_workspace(operation: Operation, stage: Stage) -> None:
    """Also where row-level security is off: two walls, and each would do."""
    for client in (stage.client, stage.unwalled):
        answer = example(operation, stage.world).send(client, stage.key)
        assert answer.status_code == operation.status, answer.text
        assert answer.json["message"] == operation.message
        stage.check_silence(answer)


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.where != "filter"], ids=str)
def test_what_is_not_mine_looks_like_nothing(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    before = stage.contents()
    for client in (stage.lasting, stage.unwalled):
        answers = {
            kind: put(request, slot, value).send(client, stage.key) for kind, value in absent(slot, stage).items()
        }
        for kind, answer in answers.items():
            assert answer.status_code in ((404,) if slot.where == "path" else (404, 422)), f"{kind}: {answer.text}"
            assert told(answer) == told(answers["nothing"]), kind
            stage.check_silence(answer)
    assert stage.contents() == before


@pytest.mark.parametrize("slot", [slot for slot in SLOTS if slot.where == "filter"], ids=str)
def test_a_filter_by_what_is_not_mine_finds_nothing(slot: Slot, stage: Stage) -> None:
    request = example(slot.operation, stage.world)
    for client in (stage.client, stage.unwalled):
        for kind, value in absent(slot, stage).items():
            answer = put(request, slot, value).send(client, stage.key)
            stage.check_silence(answer)
            assert answer.status_code == 200
            if kind != "deleted":  # what was deleted, and whoever left, has work that stays
                assert (answer.json["data"], answer.json["meta"]["total"]) == ([], 0), kind


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.writes], ids=lambda one: one.id)
def test_reading_writes_nothing(operation: Operation, stage: Stage) -> None:
    assert example(operation, stage.world).send(stage.looking, stage.key).status_code == 200


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.body and one.body is not Nothing], ids=lambda one: one.id
)
def test_no_body_sets_what_it_may_not(operation: Operation, stage: Stage) -> None:
    """Whatever else an answer shows is ignored in a body: the answer is the same with and without it."""
    request = example(operation, stage.world)
    plain = request.send(stage.client, stage.key).json["data"]
    assert request.body is not None
    assert operation.body is not None
    writable = set(operation.body.__struct_encode_fields__)
    foreign = {name: NOBODY for name in plain if name not in writable}
    foreign |= {"workspace_id": stage.other.studio.workspace_id, "created_by": NOBODY, "timer_id": NOBODY}
    request.body = {**foreign, **request.body}
    answer = request.send(stage.client, stage.key).json["data"]
    moving = {"id", "owner", "formatted_id", "refund"} if operation.status == 201 else set()
    assert {name: unnumbered(value) for name, value in answer.items() if name not in moving} == {
        name: unnumbered(value) for name, value in plain.items() if name not in moving
    }


def unnumbered(value: Any) -> Any:
    """The rows of a list without their numbers, which each attempt draws anew."""
    if isinstance(value, list):
        return [{**one, "id": None} if isinstance(one, dict) else one for one in value]
    return value


def test_a_hole_in_both_walls_would_be_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the workspace in the condition, and without the policies, a number of another workspace is found."""
    from tallystick.db.session import Prepared
    from tallystick.domain import overviews
    from tallystick.domain.tasks import Task

    open_to_all = Prepared("SELECT project_id FROM tasks WHERE serial = %(number)s")
    monkeypatch.setitem(overviews._ids, (Task, "id", "serial", True), open_to_all)
    slot = next(one for one in SLOTS if str(one) == "listTaskTimers path id")
    with pytest.raises(AssertionError):
        test_what_is_not_mine_looks_like_nothing(slot, stage)


@pytest.mark.parametrize(
    "name", ["listTimesheets", "getTimesheet", "listTasks", "getTask", "listTeam", "getTeamMember"]
)
def test_a_read_with_a_known_key_is_one_trip(
    name: str, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page and its total, too."""
    client = app_client(stage.world.studio.database, stage.world.studio.clock, tmp_path)
    request, key = example(BY_ID[name], stage.world), key_of(stage.world.studio)
    trips = round_trips(monkeypatch)
    for known in (False, True):
        assert request.send(client, key).status_code == 200
        assert len(trips) == 1 + (not known), "a new one is asked for first"
        trips.clear()


DONE_ALREADY = {"activateTask", "stopTaskTimers", "restoreProject", "updatePayment", "attachExpense"}
"""What the example of these asks for is so already: nothing happens, and nothing is told."""


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.writes], ids=lambda one: one.id)
def test_a_write_is_told_once(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    result, told = stage.told_by(lambda: request.send(stage.client, stage.key))
    assert result.status_code == operation.status, result.text
    assert bool(told) == (operation.id not in DONE_ALREADY)
