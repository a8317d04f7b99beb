"""What every operation has in common (contract hoursmith, part 1), from the table of operations."""

from __future__ import annotations

from pathlib import Path

import pytest
from falcon import testing

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.db.session import Database
from tallystick.domain import tokens as token_rows
from tallystick.domain import workspaces
from tests.conformance.world import NOBODY, UUID, World, invalid, refused
from tests.matrix.requests import UPLOADS
from tests.studio import KEY, Api, app_client, found_studio

DOCUMENTED = {
    ("GET", "/me"), ("GET", "/organization"), ("GET", "/members"), ("GET", "/members/{id}"),
    ("GET", "/clients"), ("POST", "/clients"), ("GET", "/clients/{id}"), ("PATCH", "/clients/{id}"),
    ("DELETE", "/clients/{id}"), ("GET", "/projects"), ("POST", "/projects"), ("GET", "/projects/{id}"),
    ("PATCH", "/projects/{id}"), ("POST", "/projects/{id}/archive"), ("GET", "/tasks"), ("POST", "/tasks"),
    ("GET", "/tasks/{id}"), ("PATCH", "/tasks/{id}"), ("POST", "/tasks/{id}/archive"), ("GET", "/time-entries"),
    ("POST", "/time-entries"), ("GET", "/time-entries/{id}"), ("PATCH", "/time-entries/{id}"),
    ("DELETE", "/time-entries/{id}"), ("GET", "/time-entries/running"), ("GET", "/expenses"), ("POST", "/expenses"),
    ("GET", "/expenses/{id}"), ("PATCH", "/expenses/{id}"), ("DELETE", "/expenses/{id}"), ("GET", "/invoices"),
    ("GET", "/invoices/{id}"),
}  # fmt: skip
NAMED = {
    "getMe", "getOrganization", "listMembers", "getMember", "listClients", "createClient", "getClient", "updateClient",
    "deleteClient", "listProjects", "createProject", "getProject", "updateProject", "listTasks", "createTask",
    "getTask", "updateTask", "listTimeEntrys", "createTimeEntry", "getTimeEntry", "updateTimeEntry", "deleteTimeEntry",
    "listExpenses", "createExpense", "getExpense", "updateExpense", "deleteExpense", "listInvoices", "getInvoice",
}  # fmt: skip
EVERY = [pytest.param(one, id=one.id) for one in OPERATIONS]


def path_of(operation: Operation) -> str:
    return "/".join(NOBODY if part.startswith("{") else part for part in operation.path.split("/"))


def knock(api: Api, operation: Operation) -> testing.Result:
    """Ask for an operation with a body of its kind, and nothing in it."""
    if operation.upload is not None:
        media, content = UPLOADS[operation.id]
        return api(operation.method, path_of(operation), headers={"Content-Type": media}, body=content)
    return api(operation.method, path_of(operation), {} if operation.method in ("POST", "PATCH") else None)


def test_every_documented_operation_is_there_under_its_name() -> None:
    assert {(one.method, one.path) for one in OPERATIONS} >= DOCUMENTED
    assert {one.id for one in OPERATIONS} >= NAMED
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)


def test_statuses_are_200_for_reading_201_for_making_and_204_for_deleting() -> None:
    for one in OPERATIONS:
        deleted = {204} if one.answer is None else {200}  # what is left is told where something is
        expected = {"GET": {200}, "PATCH": {200}, "PUT": {200}, "POST": {200, 201}, "DELETE": deleted}[one.method]
        assert one.status in expected, one.id
        if one.id.startswith("create"):
            assert one.status == 201


@pytest.mark.parametrize("operation", EVERY)
def test_without_a_valid_token_nothing_is_told(world: World, operation: Operation) -> None:
    for header in (None, "", "Bearer", "Basic eDp5", "Bearer hsk_live_4f8a2c1bdedf_9X3kQp7vT2nM5wRzL8sJyB6FhA1uC0gE"):
        headers = {} if header is None else {"Authorization": header}
        method = operation.method
        result = world.app.simulate_request(method, f"/api/v1{path_of(operation)}", headers=headers)
        error = refused(result, 401, "unauthenticated")
        assert result.headers["WWW-Authenticate"].startswith("Bearer")
        assert "hsk_" not in error["message"]


@pytest.mark.parametrize("operation", EVERY)
def test_a_workspace_on_the_free_plan_has_no_api(free: Api, operation: Operation) -> None:
    error = refused(knock(free, operation), 402, "forbidden_plan")
    assert (error["requiredPlan"], error["feature"]) == ("studio", "apiAccess")


@pytest.fixture(scope="module")
def free(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Api:
    studio = found_studio(database, KEY, plan="free")
    return Api(app_client(database, studio.clock, tmp_path_factory.mktemp("limits")), studio.owner.token)


@pytest.mark.parametrize("operation", EVERY)
def test_every_answer_carries_an_id_and_the_cors_headers(world: World, operation: Operation) -> None:
    result = knock(world.api(), operation)
    assert UUID.fullmatch(result.headers["X-Request-Id"])
    assert result.headers["Access-Control-Allow-Origin"] == "*"
    assert result.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in result.headers
    assert result.headers["Cache-Control"] == "no-store"
    if result.content:
        media = ("application/json", *operation.file) if result.status_code == 200 else "application/json"
        assert result.headers["Content-Type"].startswith(media)


@pytest.mark.parametrize("path", sorted({path_of(one) for one in OPERATIONS}))
def test_the_preflight_allows_what_the_path_has(world: World, path: str) -> None:
    methods = {one.method for one in OPERATIONS if path_of(one) == path}
    headers = {
        "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }  # fmt: skip
    result = world.app.simulate_options(f"/api/v1{path}", headers=headers)
    assert result.status_code in (200, 204)
    assert result.headers["Access-Control-Allow-Origin"] == "*"
    assert set(result.headers["Access-Control-Allow-Methods"].split(", ")) >= methods
    allowed = result.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key"))


@pytest.mark.parametrize("path", sorted({path_of(one) for one in OPERATIONS}))
def test_another_method_is_405_and_says_which_there_are(world: World, path: str) -> None:
    methods = {one.method for one in OPERATIONS if path_of(one) == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - methods:
        result = world.api()(method, path)
        error = refused(result, 405, "bad_request")
        assert set(result.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == methods
        assert error["reason"] == "method_not_allowed"


@pytest.mark.parametrize("path", ["/me", "/clients", "/members", "/time-entries/running"])
def test_head_is_get_without_the_body(world: World, path: str) -> None:
    get, head = world.api()("GET", path), world.api()("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.content))
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    missing = world.api()("HEAD", f"/clients/{NOBODY}")
    assert (missing.status_code, missing.content) == (404, b"")


def test_a_trailing_slash_makes_no_difference(world: World) -> None:
    client = world.studio.ids["client"]
    for path in ("/me", "/clients", f"/clients/{client}"):
        assert world.api()("GET", f"{path}/").json == world.api()("GET", path).json
    assert world.api()("POST", "/clients/", {"name": "slash"}).status_code == 201


@pytest.mark.parametrize("path", ["/nothing", "/client", "/clients/x/y", "/Clients", "", "/v1/clients", "/me/me"])
def test_what_is_not_there_is_not_found_in_the_envelope(world: World, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        refused(world.api()(method, path), 404, "not_found")


def test_ids_are_read_in_either_case_and_in_no_other_form(world: World) -> None:
    client = world.studio.ids["client"]
    assert world.api().get(f"/clients/{client.upper()}")["id"] == client
    for wrong in (client.replace("-", ""), f"{{{client}}}", f"urn:uuid:{client}", client[:-1], f"{client}0", "cl_1"):
        refused(world.api()("GET", f"/clients/{wrong}"), 404, "not_found")


@pytest.mark.parametrize("operation", [one for one in EVERY if one.values[0].method == "POST"])  # type: ignore[union-attr]
def test_every_post_needs_an_idempotency_key(world: World, operation: Operation) -> None:
    path = path_of(operation)
    for key in (None, "", "x" * 256, "two words", "é", "a,b"):
        headers = {"Authorization": f"Bearer {world.studio.owner.token}"}
        if key is not None:
            headers["Idempotency-Key"] = key.encode().decode("latin-1")
        media, content = UPLOADS.get(operation.id, ("application/json", b"{}"))
        headers["Content-Type"] = media
        result = world.app.simulate_post(f"/api/v1{path}", headers=headers, body=content)
        assert result.status_code == 422, (operation.id, key, result.text)
        if not operation.required and operation.check is None:
            invalid(result, "Idempotency-Key")


def test_a_missing_key_is_named_when_all_else_is_right(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.studio.owner.token}"}
    result = world.app.simulate_post("/api/v1/clients", headers=headers, json={"name": "x"})
    invalid(result, **{"Idempotency-Key": "required"})
    for method, path, body in (
        ("PATCH", f"/clients/{world.studio.ids['client']}", {"notes": "no key"}),
        ("DELETE", f"/clients/{world.api().post('/clients', {'name': 'x'})['id']}", None),
    ):
        assert world.app.simulate_request(method, f"/api/v1{path}", headers=headers, json=body).status_code in (
            200,
            204,
        )


def test_a_token_with_only_the_read_scope_writes_nothing(fresh: World) -> None:
    with fresh.studio.context() as ctx:
        (token,) = token_rows.of_member(ctx, fresh.studio.owner.user_id)
        ctx.change(token, scopes=["read"])
    assert fresh.api().get("/me")["scopes"] == ["read"]
    for operation in OPERATIONS:
        result = knock(fresh.api(), operation)
        if operation.writes:
            refused(result, 403, "forbidden_scope")
        else:
            assert result.status_code in (200, 404)


def test_a_revoked_or_expired_token_is_dead_at_the_very_next_request(fresh: World) -> None:
    with fresh.studio.context() as ctx:
        (token,) = token_rows.of_member(ctx, fresh.studio.people["admin"].user_id)
        ctx.change(token, expires_at=ctx.now)
    refused(fresh.api("admin")("GET", "/me"), 401, "unauthenticated")
    assert fresh.api("manager")("GET", "/me").status_code == 200
    with fresh.studio.context() as ctx:
        (token,) = token_rows.of_member(ctx, fresh.studio.people["manager"].user_id)
        token_rows.revoke(ctx, token)
    refused(fresh.api("manager")("GET", "/me"), 401, "unauthenticated")


def test_the_plan_is_asked_at_every_call(fresh: World) -> None:
    assert fresh.api()("GET", "/me").status_code == 200
    with fresh.studio.context() as ctx:
        ctx.change(workspaces.current(ctx), plan="free")
    refused(fresh.api()("GET", "/me"), 402, "forbidden_plan")


MEMBER_MONEY = ("rate", "amount", "fee", "budget", "total", "currency", "price")


def test_no_answer_to_a_member_has_a_word_about_money(world: World, tmp_path: Path) -> None:
    """Fields are absent, not null; whatever the operation."""

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {key for part in value.values() for key in keys(part)}
        if isinstance(value, list):
            return {key for part in value for key in keys(part)}
        return set()

    ids = world.studio.ids
    places = {"/projects": ids["project"], "/tasks": ids["task"]}
    for operation in OPERATIONS:
        if operation.writes:
            continue
        head = "/" + operation.path.split("/")[1]
        path = operation.path.replace("{id}", places.get(head, NOBODY))
        result = world.api("member")("GET", path)
        if not result.headers.get("Content-Type", "").startswith("application/json"):
            continue  # a table, which tests of its own read
        told = keys(result.json) - {"rateType", "totals"}  # of hours
        assert not [key for key in told if any(word in key.lower() for word in MEMBER_MONEY)], operation.id


def test_a_member_cannot_ask_by_money(world: World) -> None:
    refused(world.api("member")("GET", "/expenses", query_string="sort=amount"), 403, "forbidden_scope")
    refused(world.api("member")("GET", "/expenses", query_string="amountMin=1"), 403, "forbidden_scope")
    refused(world.api("member")("GET", "/invoices", query_string="totalMin=1"), 403, "forbidden_scope")
