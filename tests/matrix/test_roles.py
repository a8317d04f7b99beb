"""Every operation by every role on their own, somebody else's and a hidden object, cell by cell."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from falcon import testing

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.domain import clients, tokens, workspaces
from tests.matrix.permissions import TABLE, Cell, Row, printed
from tests.matrix.requests import BY_ID, NOUNS, TARGETS, Request, data_of, example
from tests.matrix.stage import Stage
from tests.matrix.world import World, mint

PERMISSIONS_PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
STANDINGS = ("own", "others", "hidden")
ROLES = {"owner": "OWNER", "admin": "ADMIN", "manager": "MANAGER", "member": "MEMBER"}
CELLS = [
    pytest.param(row, who, standing, id=f"{row.operation}{row.way and '-' + row.way}-{who}-{standing}")
    for row in TABLE
    for who in ROLES
    for standing in STANDINGS
]
ASKING_FOR_WEBHOOKS = (
    "createWebhookEndpoint", "updateWebhookEndpoint", "rotateWebhookSecret", "testWebhookEndpoint",
    "replayWebhookRange", "replayWebhookDelivery",
)  # fmt: skip
"""What is there may be read and deleted on any plan."""
ADVANCED = {
    **dict.fromkeys(("getUtilisationReport", "exportUtilisationReport"), ("agency", "advancedReporting")),
    **dict.fromkeys(ASKING_FOR_WEBHOOKS, ("agency", "outboundWebhooks")),
}
"""What needs more than a plan with the API."""
NOUN_OF_LIST = {
    "listMembers": "member", "listClients": "client", "listProjects": "project", "listTasks": "task",
    "listTimeEntrys": "entry", "listExpenses": "expense", "listInvoices": "invoice",
    "listCreditNotes": "credit_note", "listMails": "mail",
    "listRecurringInvoices": "recurring", "listRates": "rate", "listMilestones": "milestone",
    "listTaxRates": "tax_rate", "listWeeks": "week",
}  # fmt: skip


def thing(noun: str, who: str, standing: str, world: World) -> str | None:
    """An object as one person stands to it; None where a noun has no such."""
    names = {
        "own": (f"{noun}.{who}", noun),
        "others": (f"{noun}.others", f"{noun}.second", noun),
        "hidden": (f"{noun}.hidden",),
    }
    return next((world[name] for name in names[standing] if name in world.ids), None)


def request_of(row: Row, who: str, standing: str, world: World) -> Request | None:
    """The request of a cell; None where the operation has no object of that standing."""
    operation = BY_ID[row.operation]
    request = example(operation, world, who)
    if "id" in request.ids:
        noun = NOUNS[operation.path.partition("/{id}")[0].rpartition("/")[2]]
        if row.operation == "stopTimeEntry":
            noun = "running"
        if noun in (
            "client",
            "expense",
            "invoice",
            "credit_note",
            "app",
            "mail",
            "invitation",
            "recurring",
        ):  # one is as good as another: nobody has their own
            return request if standing == "own" else None
        if noun == "week" and row.operation in TARGETS:  # of somebody else
            return request if standing == "own" else None
        found = thing(noun, who, standing, world)
        if found is None:
            return None
        request.ids["id"] = found
    elif "projectId" in (request.body or {}) and standing != "others":
        request.body["projectId"] = world["project" if standing == "own" else "project.hidden"]  # type: ignore[index]
    elif operation.listing is None and standing != "own":
        return None
    if row.way == "reassign":
        assert request.body is not None
        somebody = world["user.admin"]
        request.body |= {"assigneeIds": [somebody]} if "Task" in row.operation else {"userId": somebody}
    if row.operation == "createTask":
        request.body = {**(request.body or {}), "assigneeIds": []}
    return request


def expected(row: Row, who: str, standing: str) -> int:
    """The status of a cell."""
    operation = BY_ID[row.operation]
    done = operation.status
    match row.cell(ROLES[who]):  # type: ignore[arg-type]
        case Cell.YES:
            return done
        case Cell.NO:
            # What is hidden is not found before anybody asks who may do what with it; but whose day is asked first.
            unseen = {"updateTimeEntry": ("others", "hidden"), "createTimeEntry": ()}.get(row.operation, ("hidden",))
            if row.way == "reassign" and who == "member" and standing in unseen:
                return 404 if "{id}" in operation.path else 422
            return 403
        case _ if operation.listing is not None:
            return done
        case Cell.OWN:
            return done if standing == "own" else 404
        case Cell.ON:
            missing = 404 if "{id}" in operation.path else 422
            return missing if standing == "hidden" else done
        case Cell.ASSIGNED:
            return {"own": done, "others": 403, "hidden": 404}[standing]


@pytest.mark.parametrize(("row", "who", "standing"), CELLS)
def test_a_cell_of_the_table_is_what_the_server_does(row: Row, who: str, standing: str, stage: Stage) -> None:
    request = request_of(row, who, standing, stage.world)
    if request is None:
        return
    answer = stage.ask(request, who)
    assert answer.status_code == expected(row, who, standing), answer.text
    if answer.status_code == 403:
        assert answer.json["error"]["code"] == "forbidden_scope"
    listing = BY_ID[row.operation].listing
    if listing is not None and answer.status_code == 200:
        check_list(row, who, standing, answer, stage.world)


def check_list(row: Row, who: str, standing: str, answer: testing.Result, world: World) -> None:
    """A list holds exactly what its cell says."""
    noun = NOUN_OF_LIST[row.operation]
    found = thing(noun, who, standing, world)
    listed = {one["id"] for one in data_of(answer)}
    cell = row.cell(ROLES[who])  # type: ignore[arg-type]
    shown = {
        Cell.YES: True,
        Cell.OWN: standing == "own",
        Cell.ON: standing != "hidden",
    }[cell]
    if found is not None:
        assert (found in listed) == shown


def test_every_operation_is_in_the_table_and_nothing_else() -> None:
    assert {row.operation for row in TABLE} == {operation.id for operation in OPERATIONS}
    assert len({(row.operation, row.way) for row in TABLE}) == len(TABLE)


def test_every_cell_has_a_request(stage: Stage) -> None:
    """No cell of the table goes unasked."""
    for row in TABLE:
        for who in ROLES:
            assert request_of(row, who, "own", stage.world) is not None
    dependent = {Cell.OWN, Cell.ON, Cell.ASSIGNED}
    for row in TABLE:
        if row.member in dependent:
            assert request_of(row, "member", "hidden", stage.world) is not None or row.member is Cell.OWN
            in_path = "{id}" in BY_ID[row.operation].path
            assert request_of(row, "member", "others", stage.world) is not None or not in_path


def test_the_page_for_people_is_the_table() -> None:
    assert PERMISSIONS_PAGE.read_text() == printed(), "write tests.matrix.permissions.printed() to docs/permissions.md"


# --- credentials


@pytest.fixture(scope="module")
def credentials(stage: Stage) -> dict[str, str | None]:
    """Everything that is not a valid credential, by what is wrong with it."""
    world = stage.world
    expired = mint(world, "owner", lifetime=timedelta(0)).token
    revoked = mint(world, "owner").token
    prefix = revoked.split("_")[2]
    with world.studio.context() as ctx:
        (token,) = [one for one in tokens.of_member(ctx, world["user.owner"]) if one.prefix == prefix]
        tokens.revoke(ctx, token)
    good = world.studio.owner.token
    last = "A" if good[-1] != "A" else "B"
    return {
        "none": None,
        "empty": "",
        "garbage": "hello",
        "mistyped": good[:-1] + last,
        "of the other environment": good.replace("_live_", "_test_"),
        "of another brand": good.replace("hsk_", "hsa_"),
        "with a tail": good + "A",
        "two at once": f"{good} {good}",
        "unknown": mint_nothing(),
        "forged for a known prefix": forge(good),
        "expired": expired,
        "revoked": revoked,
        "of a member who left": world.studio.people["left"].token,
    }


def mint_nothing() -> str:
    from tallystick.auth.tokens import mint as mint_text

    return mint_text("live")


def forge(good: str) -> str:
    """A well-formed token with the public prefix of a real one."""
    from tallystick.auth.tokens import checksum

    body = "_".join([*mint_nothing().split("_")[:2], good.split("_")[2], "z" * 26])
    return body + checksum(body)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_whoever_is_not_known_gets_one_answer_everywhere(
    operation: Operation, stage: Stage, credentials: dict[str, str | None]
) -> None:
    request = example(operation, stage.world)
    bodies = set()
    for kind, credential in credentials.items():
        answer = stage.ask_as(credential, request)
        assert answer.status_code == 401, kind
        assert answer.headers["www-authenticate"].startswith("Bearer"), kind
        bodies.add(answer.content.replace(answer.headers["x-request-id"].encode(), b"-"))
    assert len(bodies) == 1
    for scheme in ("Basic", "Token", "Bearer:"):
        header = f"{scheme} {stage.world.studio.owner.token}"
        assert stage.ask_as(None, request, Authorization=header).status_code == 401
    in_query = example(operation, stage.world)
    in_query.query["access_token"] = stage.world.studio.owner.token
    assert stage.ask_as(None, in_query).status_code == 401


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_a_token_reaches_as_far_as_its_scopes(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world)
    for scope in ("read", "write"):
        answer = stage.ask_as(scoped(stage, scope), request)
        may = (scope == "write") == (operation.method != "GET")
        assert answer.status_code == (operation.status if may else 403), answer.text


def scoped(stage: Stage, scope: str) -> str:
    if f"owner {scope}" not in stage.world.studio.people:
        stage.world.studio.people[f"owner {scope}"] = mint(stage.world, "owner", scopes=(scope,))  # type: ignore[arg-type]
    return stage.world.studio.people[f"owner {scope}"].token


def test_a_token_may_say_test_or_live(stage: Stage) -> None:
    """The word says how the server ran that made the token; there is no separate test data."""
    token = mint(stage.world, "owner", env="test").token
    assert stage.ask_as(token, example(BY_ID["getMe"], stage.world)).status_code == 200


def test_a_plan_without_the_api_has_no_operation(stage: Stage) -> None:
    """The free plan is refused everywhere; the next one is not."""
    other = stage.other
    try:
        for plan, status in (("free", 402), ("studio", 200)):
            with other.studio.context() as ctx:
                workspaces.change(ctx, plan=plan)
            for operation in OPERATIONS:
                answer = stage.ask_as(other.studio.owner.token, example(operation, other))
                lacking = ("studio", "apiAccess") if status == 402 else ADVANCED.get(operation.id)
                assert answer.status_code == (402 if lacking else operation.status), operation.id
                if lacking:
                    error = answer.json["error"]
                    assert (error["code"], error["requiredPlan"], error["feature"]) == ("forbidden_plan", *lacking)
    finally:
        with other.studio.context() as ctx:
            workspaces.change(ctx, plan="agency")


def test_a_wrong_cell_would_be_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix itself: a role that may do more than the table says fails it."""
    from tallystick.domain import access

    row = next(row for row in TABLE if row.operation == "createClient")
    assert clients.CLIENTS is not None
    monkeypatch.setitem(access.GRANTS, "MEMBER", access.GRANTS["MANAGER"])
    with pytest.raises(AssertionError):
        test_a_cell_of_the_table_is_what_the_server_does(row, "member", "own", stage)
