"""Versions of every resource: what answers are tagged with, and changes that hold only for the version they name."""

from __future__ import annotations

from typing import Any

import pytest
from falcon import testing

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import HELD
from tallystick.api.versions import single_in, tags_in, wants_nothing_back
from tallystick.api.wire import Operation
from tallystick.values.errors import Invalid
from tests.matrix.requests import BY_ID, Request, example
from tests.matrix.stage import Stage
from tests.matrix.world import World, contents
from tests.studio import app_client

SINGLE, PLACES = single_in(OPERATIONS)
WRITES = [one for one in OPERATIONS if one.writes]
STRANGE = '"0123"'


def reader_of(operation: Operation) -> Operation | None:
    head, found, _ = operation.path.partition("{id}")
    return SINGLE.get(operation.path) or (SINGLE.get(head + found) if found else None)


def read(request: Request, reader: Operation, stage: Stage, who: str = "owner") -> testing.Result:
    """The resource that a request is about."""
    ids = {name: value for name, value in request.ids.items() if name == "id"}
    return stage.ask(Request(reader, ids, {}, None), who)


CHANGES = [one for one in WRITES if reader_of(one) is not None]
OTHERS = [one for one in WRITES if reader_of(one) is None]


@pytest.mark.parametrize("operation", SINGLE.values(), ids=lambda operation: operation.id)
def test_a_resource_says_its_version_and_is_not_sent_again_to_who_has_it(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    token = stage.world.studio.owner.token
    first = stage.ask(request)
    tag = first.headers["etag"]
    known = stage.ask_as(token, request, **{"If-None-Match": f'"x", W/{tag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    other = stage.ask_as(token, request, **{"If-None-Match": STRANGE})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("operation", CHANGES, ids=lambda operation: operation.id)
def test_a_change_holds_only_for_the_version_it_names(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    reader = reader_of(operation)
    assert reader is not None
    token = stage.world.studio.owner.token
    stale = stage.ask_as(token, request, **{"If-Match": STRANGE})
    assert (stale.status_code, stale.json["error"]["code"]) == (412, "precondition_failed"), stale.text
    current = read(request, reader, stage)
    if current.status_code == 200:
        tag = current.headers["etag"]
        for given in (tag, f"{STRANGE}, {tag}", "*"):
            result = stage.ask_as(token, request, **{"If-Match": given})
            assert result.status_code == operation.status, result.text
        weak = stage.ask_as(token, request, **{"If-Match": f"W/{tag}"})
        assert weak.status_code == 412
    bad = stage.ask_as(token, request, **{"If-Match": "no quotes"})
    assert (bad.status_code, list(bad.json["error"]["fields"])) == (422, ["If-Match"])


@pytest.mark.parametrize("operation", OTHERS, ids=lambda operation: operation.id)
def test_what_changes_no_single_resource_takes_no_version(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    refused = stage.ask_as(stage.world.studio.owner.token, request, **{"If-Match": STRANGE})
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["If-Match"])


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.id)
def test_who_prefers_so_gets_no_resource_back(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    result = stage.ask_as(stage.world.studio.owner.token, request, Prefer='return="minimal"; x=1, wait=5')
    place = PLACES.get(operation.answer)
    if place is None or operation.many:
        assert result.status_code == operation.status
        assert "preference-applied" not in result.headers
        return
    assert (result.status_code, result.content) == (201 if operation.status == 201 else 204, b"")
    assert result.headers["preference-applied"] == "return=minimal"
    assert result.headers["etag"]
    if operation.status == 201:
        assert result.headers["location"].startswith(f"/api/v1{place.removesuffix('{id}')}")


def test_everything_that_is_changed_by_its_id_is_held_while_it_is() -> None:
    """What has no row of its own to hold would hold the workspace, with an id that is not one."""
    for operation in CHANGES:
        reader = reader_of(operation)
        assert reader is not None
        if "{id}" in reader.path:
            assert reader.path.partition("{id}")[0] in HELD


def test_an_answer_to_a_change_has_the_version_that_is_read_next(furnished_world: World, tmp_path: Any) -> None:
    client = app_client(furnished_world.studio.database, furnished_world.studio.clock, tmp_path)
    token = furnished_world.studio.owner.token
    for name in (
        "updateOrganization", "updateClient", "updateProject", "updateTask", "updateMilestone", "updateTimeEntry",
        "updateExpense", "updateTaxRate", "updateRecurringInvoice", "updateReportView",
        "createClient", "createProject", "createTask", "createTimeEntry", "createExpense",
    ):  # fmt: skip
        operation = BY_ID[name]
        request = example(operation, furnished_world)
        changed = request.send(client, token)
        assert changed.status_code == operation.status, changed.text
        reader = SINGLE[PLACES[operation.answer]] if operation.answer in PLACES else SINGLE[operation.path]
        ids = {"id": changed.json["data"]["id"]} if "{id}" in reader.path else {}
        now = Request(reader, ids, {}, None).send(client, token)
        assert now.content == changed.content, name
        if operation.answer in PLACES:
            assert now.headers["etag"] == changed.headers["etag"]
        if operation.status == 201:
            assert (
                client.simulate_get(changed.headers["location"], headers={"Authorization": f"Bearer {token}"}).content
                == changed.content
            )


def test_a_retry_hears_the_first_answer_whatever_the_version_is_by_then(furnished_world: World, tmp_path: Any) -> None:
    """The key decides before the version does: else a lost answer would be a conflict with oneself."""
    studio = furnished_world.studio
    client = app_client(studio.database, studio.clock, tmp_path)
    request = example(BY_ID["updateClient"], furnished_world)
    read_it = Request(BY_ID["getClient"], request.ids, {}, None)
    tag = read_it.send(client, studio.owner.token).headers["etag"]
    how = {"If-Match": tag, "Idempotency-Key": "k", "Prefer": "return=minimal"}
    first = request.send(client, studio.owner.token, **how)
    assert first.status_code == 204
    again = request.send(client, studio.owner.token, **how)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (204, "true")
    assert again.headers["etag"] == first.headers["etag"] == read_it.send(client, studio.owner.token).headers["etag"]
    before = contents(studio.database.url, studio.workspace_id)
    stale = request.send(client, studio.owner.token, **{"If-Match": tag, "Idempotency-Key": "other"})
    assert stale.status_code == 412
    assert contents(studio.database.url, studio.workspace_id) == before, "nothing happened, and the key is free"


def test_money_changes_no_version_of_who_may_not_see_it(stage: Stage) -> None:
    request = example(BY_ID["updateTimeEntry"], stage.world, "member")
    reader = reader_of(BY_ID["updateTimeEntry"])
    assert reader is not None
    theirs, owners = read(request, reader, stage, "member"), read(request, reader, stage)
    assert theirs.headers["etag"] != owners.headers["etag"]
    token = stage.world.studio.people["member"].token
    assert stage.ask_as(token, request, **{"If-Match": owners.headers["etag"]}).status_code == 412
    assert stage.ask_as(token, request, **{"If-Match": theirs.headers["etag"]}).status_code == 200


@pytest.mark.parametrize("header", ["", "x", '"a" "b"', '"a",', "W/*", '"a", *', '"ä\x01"', '"'])
def test_a_version_is_written_as_it_was_given(header: str) -> None:
    with pytest.raises(Invalid):
        tags_in(header, "If-Match")


def test_a_preference_is_read_as_the_standard_writes_it() -> None:
    for text in ("return=minimal", "RETURN = minimal", "wait=3, return=minimal", "return=minimal; foo=bar"):
        assert wants_nothing_back(text)
    for text in ("", "return=representation", "minimal", "return", "return=representation, return=minimal"):
        assert not wants_nothing_back(text)
