"""One key, one effect: for every POST of the table (RELIABILITY of a retry: nothing twice, nothing lost)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from falcon import testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.db.session import Database, owner_connection
from tallystick.domain import clients, idempotency, members, workspaces
from tallystick.domain.context import Context
from tallystick.domain.idempotency import BODY_LIMIT, WINDOW
from tallystick.domain.members import Member
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.errors import Conflict
from tests.conftest import superuser
from tests.matrix.requests import BY_ID, Request, example
from tests.matrix.test_audit import EVENTS
from tests.matrix.world import World, contents, mint
from tests.studio import KEY, Api, app_client, found_studio

POSTS = [operation for operation in OPERATIONS if operation.method == "POST"]
KEPT = frozenset({"idempotency_answers"})
QUIET = frozenset({"previewRate", "createInvoiceCheckout"})
"""What only looks, and what answers with the open one there is."""


@pytest.fixture
def world(request: pytest.FixtureRequest, database: Database) -> World:
    """A bare studio; with everything in it for the tests marked `furnished`."""
    if getattr(request, "param", None) == "furnished":
        furnished_world: World = request.getfixturevalue("furnished_world")
        return furnished_world
    studio = found_studio(database, KEY)
    ids = dict(studio.ids)
    for who, person in studio.people.items():
        ids |= {f"user.{who}": person.user_id, f"member.{who}": person.member_id}
    return World(studio, ids)


furnished = pytest.mark.parametrize("world", ["furnished"], indirect=True)


@pytest.fixture
def app(world: World, tmp_path: Path) -> testing.TestClient:
    return app_client(world.studio.database, world.studio.clock, tmp_path)


@pytest.fixture
def api(app: testing.TestClient, world: World) -> Api:
    return Api(app, world.studio.owner.token)


@pytest.fixture
def rows(world: World) -> Callable[[], dict[str, str]]:
    """A digest of every row of the workspace but the answers kept."""
    return lambda: contents(world.studio.database.url, world.studio.workspace_id, without=KEPT)


@pytest.fixture
def kept(world: World) -> Callable[[], set[str]]:
    """The keys of the workspace that have an answer."""

    def keys() -> set[str]:
        with owner_connection(world.studio.database.url) as connection:
            statement = b"SELECT key FROM idempotency_answers WHERE workspace_id = %s"
            return {key for (key,) in connection.execute(statement, [world.studio.workspace_id]).fetchall()}

    return keys


@pytest.fixture
def impatient(world: World, tmp_path: Path) -> testing.TestClient:
    """The app with one request in ten seconds."""
    (tmp_path / "impatient").mkdir()
    return app_client(world.studio.database, world.studio.clock, tmp_path / "impatient", burst=1, sustained=100)


@pytest.fixture
def kill(cluster_url: str) -> Callable[[Context], None]:
    """Take the connection of a request away, as a crash of the database would."""

    def terminate(ctx: Context) -> None:
        with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [ctx.connection.info.backend_pid])

    return terminate


def send(app: testing.TestClient, world: World, request: Request, key: str | None, **headers: str) -> testing.Result:
    """A request as the owner, with this key or none."""
    media, content = request.file or ("application/json", None)
    given: dict[str, str] = {"Authorization": f"Bearer {world.studio.owner.token}", "Content-Type": media}
    if key is not None:
        given["Idempotency-Key"] = key
    path = request.operation.path
    for name, value in request.ids.items():
        path = path.replace(f"{{{name}}}", value)
    text = json.dumps(request.body) if content is None and request.body is not None else content
    return app.simulate_request(
        request.operation.method, f"/api/v1{path}", body=text, headers={**given, **headers}, params=request.query
    )


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def reason(result: testing.Result) -> str | None:
    return result.json["error"].get("reason")


def client_named(name: str = "Umbrella") -> tuple[str, str, dict[str, str]]:
    return "POST", "/clients", {"name": name}


def clients_named(api: Api, name: str) -> int:
    return len(api.get(f"/clients?search={name}"))


# --- every POST


@furnished
@pytest.mark.parametrize("operation", POSTS, ids=lambda operation: operation.id)
def test_every_post_is_done_once_for_its_key(
    operation: Operation, app: testing.TestClient, world: World, rows: Callable[[], dict[str, str]]
) -> None:
    """No key: refused. The key again: the same answer, nothing done. The key for another request: refused."""
    request = example(operation, world)
    untouched = rows()
    missing = send(app, world, request, None)
    assert (missing.status_code, missing.json["error"]["code"]) == (422, "validation_error")
    assert missing.json["error"]["fields"] == {"Idempotency-Key": "required"}
    assert rows() == untouched
    first = send(app, world, request, "k")
    assert first.status_code == operation.status, first.text
    assert "idempotent-replayed" not in first.headers
    once = rows()
    assert (once == untouched) == (operation.id in QUIET)
    assert (once["events"] == untouched["events"]) == (operation.id in QUIET or not EVENTS[operation.id])
    for _ in range(2):
        again = send(app, world, request, "k")
        assert again.status_code == first.status_code
        if operation.kept is None:
            assert again.content == first.content
        else:  # what is shown once is not shown again
            hidden = {"secret": None, "secretShown": True}
            assert first.json["data"]["secret"].startswith("wsk_")
            assert again.json["data"] == {**first.json["data"], **hidden}
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["original-request-id"] == first.headers["x-request-id"]
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
    elsewhere = example(BY_ID["createClient" if operation.id != "createClient" else "createProject"], world)
    answer = send(app, world, elsewhere, "k")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")
    assert reason(answer) == "idempotency_key_reused"
    assert rows() == once


# --- what a request is


@furnished
def test_another_body_path_or_query_is_another_request(api: Api, world: World) -> None:
    assert api(*client_named(), **with_key("k")).status_code == 201
    assert reason(api(*client_named("Hooli"), **with_key("k"))) == "idempotency_key_reused"
    assert reason(api("POST", "/clients", {"name": "Umbrella", "notes": None}, **with_key("k"))) is not None
    assert clients_named(api, "Hooli") == 0
    draft, other = world["invoice.draft"], world["invoice.sent"]
    assert api("POST", f"/invoices/{draft}/duplicate", {}, **with_key("path")).status_code == 201
    assert reason(api("POST", f"/invoices/{other}/duplicate", {}, **with_key("path"))) == "idempotency_key_reused"
    patch = ("PATCH", f"/clients/{world['client']}", {"notes": "x"})
    assert api(*patch, **with_key("verb")).status_code == 200
    deleted = api("DELETE", f"/clients/{world['client.free']}", **with_key("verb"))
    assert reason(deleted) == "idempotency_key_reused"


def test_the_same_body_written_differently_is_the_same_request(app: testing.TestClient, api: Api, world: World) -> None:
    def post(text: str) -> testing.Result:
        headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", "Idempotency-Key": "k"}
        return app.simulate_post("/api/v1/clients", body=text, headers=headers)

    first = post('{"name":"Umbrella","notes":"é"}')
    assert first.status_code == 201
    for text in ('{ "notes" : "\\u00e9",\n "name" : "Umbrella" }', '{"notes":"é","name":"Umbrella"}  '):
        again = post(text)
        assert (again.content, again.headers.get("idempotent-replayed")) == (first.content, "true")
    assert reason(post('{"name":"Umbrella","notes":"e"}')) == "idempotency_key_reused"
    assert clients_named(api, "Umbrella") == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=json_values, second=json_values)
def test_a_fingerprint_is_the_same_exactly_for_the_same_json(first: object, second: object) -> None:
    assert (fingerprint({"a": first}) == fingerprint({"a": second})) == (
        json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    )
    shuffled = dict(reversed([("a", first), ("b", second)]))
    assert fingerprint({"a": first, "b": second}) == fingerprint(shuffled)


def fingerprint(body: dict[str, object]) -> bytes:
    import falcon

    from tallystick.api.fields import parse_json
    from tallystick.api.wire import _Exchange

    exchange = object.__new__(_Exchange)
    exchange._request = falcon.Request(testing.create_environ(path="/api/v1/clients", method="POST"))
    exchange._parsed = parse_json(json.dumps(body).encode())
    return exchange._fingerprint()


# --- whose key it is


def test_a_key_belongs_to_the_person_not_to_the_token(app: testing.TestClient, api: Api, world: World) -> None:
    first = api(*client_named(), **with_key("k"))
    fresh = Api(app, mint(world, "owner").token)
    again = fresh(*client_named(), **with_key("k"))
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


def test_another_persons_key_is_another_key(app: testing.TestClient, api: Api, world: World) -> None:
    first = api(*client_named(), **with_key("k"))
    for who in ("admin", "manager"):
        theirs = Api(app, world.studio.people[who].token)(*client_named(), **with_key("k"))
        assert theirs.status_code == 201
        assert theirs.json["data"]["id"] != first.json["data"]["id"]
        assert "idempotent-replayed" not in theirs.headers
    assert clients_named(api, "Umbrella") == 3


def test_a_person_in_two_workspaces_has_two_keys(
    app: testing.TestClient, api: Api, world: World, database: Database
) -> None:
    other = World(found_studio(database, KEY, name="Second studio"))
    with other.studio.context() as ctx:
        joined = members.add(ctx, email=world.studio.owner.email, name="Owner", role="ADMIN")
        assert joined.user_id == world["user.owner"]
    token = mint(other, "owner", user_id=joined.user_id).token
    first = api(*client_named(), **with_key("k"))
    second = Api(app, token)(*client_named(), **with_key("k"))
    assert second.status_code == 201
    assert second.json["data"]["id"] != first.json["data"]["id"]
    assert second.json["data"]["orgId"] == other.studio.workspace_id


# --- how a key is written


@pytest.mark.parametrize("key", ["a", "x" * 255, "0190-ABC_def.~!", '"quoted-key"', "semi;colon", "per%20cent"])
def test_a_key_is_up_to_255_visible_characters(key: str, api: Api) -> None:
    assert api(*client_named(), **with_key(key)).status_code == 201
    assert api(*client_named(), **with_key(key)).headers["idempotent-replayed"] == "true"


def test_a_quoted_key_is_the_key_without_its_quotes(api: Api) -> None:
    first = api(*client_named(), **with_key('"k-1"'))
    assert api(*client_named(), **with_key("k-1")).content == first.content


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "two keys", "one,two", "tab\there", "ümlaut", "\x7f"])
def test_a_bad_key_is_refused(key: str, api: Api, rows: Callable[[], dict[str, str]]) -> None:
    before = rows()
    answer = api(*client_named(), **with_key(key))
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["Idempotency-Key"])
    assert rows() == before


# --- PATCH and DELETE


@furnished
def test_patch_and_delete_need_no_key_and_honour_one(
    api: Api, world: World, rows: Callable[[], dict[str, str]]
) -> None:
    path = f"/time-entries/{world['entry.owner']}"
    assert api("PATCH", path, {"note": "one"}).status_code == 200
    first = api("PATCH", path, {"note": "two"}, **with_key("p"))
    assert api("PATCH", path, {"note": "three"}).status_code == 200
    again = api("PATCH", path, {"note": "two"}, **with_key("p"))
    assert (again.status_code, again.content) == (200, first.content)
    assert api.get(path)["note"] == "three", "the replay did nothing"
    assert api("DELETE", path, **with_key("d")).status_code == 204
    once = rows()
    again = api("DELETE", path, **with_key("d"))
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (204, b"", "true")
    assert api("DELETE", path).status_code == 404
    assert rows() == once


def test_a_get_ignores_a_key(api: Api, world: World) -> None:
    for path in ("/clients", f"/clients/{world['client']}"):
        answer = api("GET", path, **with_key("k"))
        assert answer.status_code == 200
        assert "idempotent-replayed" not in api("GET", path, **with_key("k")).headers


# --- which answers are kept


@furnished
def test_a_decision_is_kept_and_heard_again(api: Api, world: World) -> None:
    """404, 409 and 422 of a verb: the retry hears the same, also when it would go well by now."""
    stop = ("POST", f"/time-entries/{world['entry.owner']}/stop", {})
    entry = {"projectId": world["project.deleted"], "entryDate": "2026-06-15", "durationSeconds": 60}
    for key, request, status in (
        ("404", ("POST", f"/time-entries/{world['client']}/stop", {}), 404),
        ("409", stop, 409),
        ("422", ("POST", "/time-entries", entry), 422),
    ):
        first = api(*request, **with_key(key))
        assert first.status_code == status, first.text
        again = api(*request, **with_key(key))
        assert (again.status_code, again.content) == (status, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["original-request-id"] == first.headers["x-request-id"]
    assert api("POST", "/time-entries/stop", {}, **with_key("mine")).status_code == 200
    refused = api("POST", "/time-entries/stop", {}, **with_key("none"))
    assert (refused.status_code, reason(refused)) == (409, "no_running_timer")
    api.post("/time-entries/start", {"projectId": world["project"]})
    again = api("POST", "/time-entries/stop", {}, **with_key("none"))
    assert (again.status_code, again.content) == (409, refused.content)
    assert api.get("/time-entries/running") is not None


@furnished
def test_a_key_in_use_is_refused_at_once_though_what_it_is_about_is_locked(api: Api, world: World) -> None:
    """Who comes second does not wait for the row: then it would hear that it is busy, after three seconds."""
    entry = f"/time-entries/{world['entry.owner']}"
    with world.studio.context() as ctx:
        idempotency.claim_new(ctx, "k")
        ctx.find(TimeEntry, world["entry.owner"], lock="update")
        answer = api("PATCH", entry, {"note": "second"}, **with_key("k"))
        assert (answer.status_code, reason(answer)) == (409, "idempotency_in_progress")
    assert api("PATCH", entry, {"note": "third"}, **with_key("k")).status_code == 200, "the key is free again"


def test_nothing_runs_along_with_a_claim_of_a_known_key(api: Api, world: World) -> None:
    assert api(*client_named(), **with_key("k")).status_code == 201

    def work(ctx: Context) -> None:
        clients.create(ctx, name="Hooli")

    def nothing(ctx: Context) -> None:
        del ctx

    def refuse(ctx: Context) -> None:
        raise Conflict("This was decided before the claim was heard, and is not told.")

    def claim_and(go_on: Callable[[Context], None]) -> None:
        with world.studio.context() as ctx:
            idempotency.claim_new(ctx, "k")
            go_on(ctx)

    for go_on in (work, nothing, refuse):
        with pytest.raises(psycopg.DatabaseError) as error:
            claim_and(go_on)
        assert idempotency.is_known(error.value)
    assert clients_named(api, "Hooli") == 0


def test_a_mismatch_is_not_kept(api: Api) -> None:
    assert api(*client_named(), **with_key("k")).status_code == 201
    for _ in range(2):
        answer = api(*client_named("Hooli"), **with_key("k"))
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (409, False)
    assert api(*client_named(), **with_key("k")).status_code == 201


def test_what_decided_nothing_leaves_the_key_free(
    app: testing.TestClient, impatient: testing.TestClient, api: Api, world: World, kept: Callable[[], set[str]]
) -> None:
    """401, 402, 403, 413, 415, 400, a schema's 422 and 429: nothing happened, so the retry runs."""
    path = "/api/v1/clients"
    body = json.dumps({"name": "Umbrella"})
    good = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", "Idempotency-Key": "k"}
    member = {**good, "Authorization": f"Bearer {world.studio.people['member'].token}"}
    assert app.simulate_post(path, body=body, headers={**good, "Authorization": "Bearer x"}).status_code == 401
    assert app.simulate_post(path, body=body, headers=member).status_code == 403
    assert app.simulate_post(path, body=b'{"name":"' + b"x" * 1_100_000 + b'"}', headers=good).status_code == 413
    assert app.simulate_post(path, body=body, headers={**good, "Content-Type": "text/csv"}).status_code == 415
    assert app.simulate_post(path, body="{", headers=good).status_code == 400
    assert app.simulate_post(path, body='{"name":7}', headers=good).status_code == 422
    assert app.simulate_post(path, body="{}", headers=good).status_code == 422
    with world.studio.context() as ctx:
        workspaces.change(ctx, plan="free")
    assert app.simulate_post(path, body=body, headers=good).status_code == 402
    with world.studio.context() as ctx:
        workspaces.change(ctx, plan="agency")
    impatient.simulate_get("/api/v1/me", headers=good)
    assert impatient.simulate_post(path, body=body, headers=good).status_code == 429
    assert kept() == set()
    assert app.simulate_post(path, body=body, headers=good).status_code == 201
    assert app.simulate_post(path, body=body, headers=good).headers["idempotent-replayed"] == "true"
    assert app.simulate_post(path, body="{", headers=good).status_code == 400, "a broken body is not a replay"
    assert clients_named(api, "Umbrella") == 1


def test_a_fault_of_ours_leaves_the_key_free(
    api: Api, kept: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch, rows: Callable[[], dict[str, str]]
) -> None:
    before = rows()
    with monkeypatch.context() as broken:

        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        broken.setattr(idempotency, "keep", fail)
        assert api(*client_named(), **with_key("k")).status_code == 500
    assert rows() == before
    assert kept() == set()
    assert api(*client_named(), **with_key("k")).status_code == 201


# --- how long


@pytest.mark.parametrize(("later", "again"), [(timedelta(seconds=-1), True), (timedelta(seconds=1), False)])
def test_a_key_is_remembered_for_a_day(later: timedelta, again: bool, api: Api, world: World) -> None:
    first = api(*client_named(), **with_key("k"))
    world.studio.clock.now += WINDOW + later
    second = api(*client_named(), **with_key("k"))
    assert second.status_code == 201
    assert (second.content == first.content) == again
    assert clients_named(api, "Umbrella") == (1 if again else 2)
    third = api(*client_named(), **with_key("k"))
    assert third.content == second.content, "the new answer took the place of the old one"
    assert timedelta(hours=24) == WINDOW


def test_an_expired_key_may_serve_another_request(api: Api, world: World) -> None:
    assert api(*client_named(), **with_key("k")).status_code == 201
    world.studio.clock.now += WINDOW
    assert api(*client_named("Hooli"), **with_key("k")).status_code == 201
    assert reason(api(*client_named(), **with_key("k"))) == "idempotency_key_reused"


def test_a_sweep_forgets_what_expired_and_nothing_else(api: Api, world: World, kept: Callable[[], set[str]]) -> None:
    for key in ("old-1", "old-2", "old-3"):
        api(*client_named(), **with_key(key))
    world.studio.clock.now += WINDOW / 2
    api(*client_named(), **with_key("young"))
    world.studio.clock.now += WINDOW / 2
    with world.studio.context() as ctx:
        assert idempotency.sweep(ctx, batch=2) == 2
        assert idempotency.sweep(ctx, batch=2) == 1
        assert idempotency.sweep(ctx, batch=2) == 0
    assert kept() == {"young"}


# --- who asks again


def test_a_replay_is_refused_to_whoever_lost_the_right(app: testing.TestClient, world: World) -> None:
    manager = Api(app, world.studio.people["manager"].token)
    assert manager(*client_named(), **with_key("k")).status_code == 201
    with world.studio.context() as ctx:
        members.set_role(ctx, ctx.find(Member, world["member.manager"]), "MEMBER")
    answer = manager(*client_named(), **with_key("k"))
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (403, False)


def test_an_answer_too_large_to_keep_is_said_to_be_done(world: World, database: Database) -> None:
    """Rather than a half of it, or the work a second time."""
    with world.studio.context() as ctx:
        idempotency.keep(ctx, "k", b"f", status=201, body=b"x" * (BODY_LIMIT + 1), request_id="r")
        idempotency.keep(ctx, "j", b"f", status=201, body=b"x" * BODY_LIMIT, request_id="r")
    with world.studio.context() as ctx:
        with pytest.raises(Conflict) as refusal:
            idempotency.claim(ctx, "k", b"f")
        assert refusal.value.reason == "answer_too_large"
        replay = idempotency.claim(ctx, "j", b"f")
        assert replay is not None
        assert len(replay.body) == BODY_LIMIT


# --- crashes


@pytest.fixture(params=["after the claim", "before the answer is kept", "before the commit"])
def crashing(
    request: pytest.FixtureRequest, kill: Callable[[Context], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Every request with a key dies at one moment, until it is undone."""
    claim, keep = idempotency.claim_new, idempotency.keep

    def claim_and_die(ctx: Context, key: str) -> None:
        claim(ctx, key)
        ctx.connection.flush()
        kill(ctx)

    def die_and_keep(ctx: Context, *given: Any, **more: Any) -> None:
        kill(ctx)
        keep(ctx, *given, **more)

    def keep_and_die(ctx: Context, *given: Any, **more: Any) -> None:
        keep(ctx, *given, **more)
        kill(ctx)

    with monkeypatch.context() as patch:
        match request.param:
            case "after the claim":
                patch.setattr(idempotency, "claim_new", claim_and_die)
            case "before the answer is kept":
                patch.setattr(idempotency, "keep", die_and_keep)
            case _:
                patch.setattr(idempotency, "keep", keep_and_die)
        yield patch


@furnished
@pytest.mark.parametrize("operation", ["createClient", "startTimer", "createInvoice", "markInvoiceSent"])
def test_a_crash_before_the_commit_leaves_the_key_free(
    operation: str, app: testing.TestClient, world: World, crashing: pytest.MonkeyPatch, database_url: str
) -> None:
    request = example(BY_ID[operation], world)
    before = contents(world.studio.database.url, world.studio.workspace_id)
    answer = send(app, world, request, "k")
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    assert contents(world.studio.database.url, world.studio.workspace_id) == before, (
        "nothing happened, and the key is free"
    )
    crashing.undo()
    retried = send(app, world, request, "k")
    assert retried.status_code == BY_ID[operation].status
    assert "idempotent-replayed" not in retried.headers
    once = contents(world.studio.database.url, world.studio.workspace_id)
    assert send(app, world, request, "k").content == retried.content
    assert contents(world.studio.database.url, world.studio.workspace_id) == once


def test_an_answer_that_got_lost_after_the_commit_is_heard_by_the_retry(
    app: testing.TestClient, world: World, monkeypatch: pytest.MonkeyPatch, rows: Callable[[], dict[str, str]]
) -> None:
    from tallystick.api.wire import _Exchange

    whole = _Exchange._try

    def lost(exchange: _Exchange) -> tuple[int, bytes, dict[str, str]]:
        whole(exchange)
        raise ConnectionResetError

    request = example(BY_ID["createClient"], world)
    with monkeypatch.context() as crashing:
        crashing.setattr(_Exchange, "_try", lost)
        assert send(app, world, request, "k").status_code == 500
    once = rows()
    retried = send(app, world, request, "k")
    assert (retried.status_code, retried.headers["idempotent-replayed"]) == (201, "true")
    assert rows() == once
