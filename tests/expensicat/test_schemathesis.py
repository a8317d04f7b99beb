"""What the document promises is what the server does, for cases made up from it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tallystick import __version__
from tallystick.api.expensicat.openapi import expensicat_document
from tallystick.api.expensicat.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.db.session import Database
from tests.expensicat.world import expensicat_client, token_of
from tests.matrix.world import Rehearsal, World, furnish

SEED = 20260615
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
]
PATHS = {"time-entries": "entry", "projects": "project", "customers": "client", "members": "user",
    "recurring-invoices": "recurring",
}  # fmt: skip
REAL = {"project_id": "project", "customer_id": "client"}
"""Fields into which something that is there is put now and then: made-up ids get no further than "not found"."""


@pytest.fixture(scope="module")
def world(database: Database) -> World:
    return furnish(database)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return expensicat_document(OPERATIONS, version=__version__, server="http://127.0.0.1:8000", prefix="/v1")


@pytest.fixture(scope="module")
def schema(database: Database, world: World, document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    data: Path = tmp_path_factory.mktemp("limits")
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = expensicat_client(Rehearsal(database), world.studio.clock, data, world.studio).app
    return loaded


def validators(document: dict[str, Any], operation: Operation) -> dict[int, Any]:
    """The schemas of an operation's answers, their objects closed: a key that is not named is a broken promise."""
    components = copy.deepcopy(document["components"])
    for component in components["schemas"].values():
        if component.get("type") == "object":
            component.setdefault("additionalProperties", False)
    said = document["paths"][operation.path][operation.method.lower()]["responses"]
    return {
        int(status): jsonschema_rs.Draft202012Validator(
            {**one["content"]["application/json"]["schema"], "components": components}, validate_formats=True
        )
        for status, one in said.items()
        if "content" in one
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_the_server_keeps_what_its_document_promises(
    operation: Operation, schema: Any, document: dict[str, Any], world: World
) -> None:
    try_out(operation, schema, document, world, 30)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_the_server_keeps_its_promises_over_many_cases(
    operation: Operation, schema: Any, document: dict[str, Any], world: World
) -> None:
    try_out(operation, schema, document, world, 700)


def try_out(operation: Operation, schema: Any, document: dict[str, Any], world: World, count: int) -> None:
    answers = validators(document, operation)
    target = schema[operation.path][operation.method]
    headers = {"Authorization": f"Bearer {token_of(world.studio)}"}
    hole = operation.path.split("{")[1].rstrip("}") if "{" in operation.path else None

    def case_by_case(mode: GenerationMode) -> None:
        @given(target.as_strategy(generation_mode=mode), st.booleans())
        @settings(
            max_examples=count, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @seed(SEED)
        def one_case(case: Any, at_home: bool) -> None:
            if at_home and hole is not None:
                noun = PATHS[operation.path.split("/")[1]]
                case.path_parameters = {hole: world.own(noun, "owner") if noun == "entry" else world[noun]}
            if at_home and isinstance(case.body, dict):
                case.body |= {name: world[noun] for name, noun in REAL.items() if name in case.body}
            response = case.call(headers=headers)
            case.validate_response(response, checks=PROMISES, headers=headers)
            if response.content:
                answers[response.status_code].validate(response.json())
            if mode is GenerationMode.POSITIVE and response.status_code == 400:
                assert response.json()["error"]["code"] == "VALIDATION_ERROR", response.text

        one_case()

    case_by_case(GenerationMode.POSITIVE)
    case_by_case(GenerationMode.NEGATIVE)


def test_the_database_is_as_the_rows_say(database_url: str) -> None:
    """The migrations and the row classes are one schema."""
    from tallystick.db import schema as database_schema

    assert database_schema.differences(database_url) == []
