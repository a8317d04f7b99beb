"""What the document promises is what the server does, for cases made up from it."""

from __future__ import annotations

import copy
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
from tallystick.api.growcrm.openapi import growcrm_document
from tallystick.api.growcrm.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.db.session import Database
from tests.growcrm.examples import BODIES, filled
from tests.growcrm.test_matrix import example
from tests.growcrm.world import key_of
from tests.matrix.world import Rehearsal, World, furnish
from tests.studio import app_client

SEED = 20260620
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
]


@pytest.fixture(scope="module")
def world(database: Database) -> World:
    return furnish(database)


@pytest.fixture(scope="module")
def key(world: World) -> str:
    return key_of(world.studio)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return growcrm_document(OPERATIONS, version=__version__, server="http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def schema(database: Database, world: World, document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = app_client(Rehearsal(database), world.studio.clock, tmp_path_factory.mktemp("limits")).app  # type: ignore[arg-type]
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
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_the_server_keeps_what_its_document_promises(
    operation: Operation, schema: Any, document: dict[str, Any], world: World, key: str
) -> None:
    try_out(operation, schema, document, (world, key), 20)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_the_server_keeps_its_promises_over_many_cases(
    operation: Operation, schema: Any, document: dict[str, Any], world: World, key: str
) -> None:
    try_out(operation, schema, document, (world, key), 500)


def try_out(operation: Operation, schema: Any, document: dict[str, Any], here: tuple[World, str], count: int) -> None:
    world, key = here
    answers = validators(document, operation)
    target = schema[operation.path][operation.method]
    headers = {"Authorization": f"Bearer {key}"}
    usual = example(operation, world)
    numbers = {
        name: value for name, value in filled(BODIES.get(operation.id, {}), world).items() if isinstance(value, int)
    }

    def case_by_case(mode: GenerationMode) -> None:
        @given(target.as_strategy(generation_mode=mode), st.booleans())
        @settings(
            max_examples=count, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @seed(SEED)
        def one_case(case: Any, at_home: bool) -> None:
            if at_home and usual.ids:
                case.path_parameters = usual.ids
            if at_home and isinstance(case.body, dict):
                case.body |= {name: value for name, value in numbers.items() if name in case.body}
            response = case.call(headers=headers)
            case.validate_response(response, checks=PROMISES, headers=headers)
            answers[response.status_code].validate(response.json())

        one_case()

    case_by_case(GenerationMode.POSITIVE)
    case_by_case(GenerationMode.NEGATIVE)
