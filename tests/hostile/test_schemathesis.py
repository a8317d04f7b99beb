"""The OpenAPI document is valid, and what it promises is what the server does, for cases made up from it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.wire import Operation
from tests.hostile.corpus import NOBODY
from tests.hostile.test_every_operation import place
from tests.hostile.wsgi import Attacker

EVERY = [pytest.param(one, id=one.id) for one in OPERATIONS]
SEED = 20260615
PROMISES = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
]
REAL = ("clientId", "projectId", "taskId", "userId")
"""Fields into which something that is there is put now and then: made-up ids get no further than "no such project"."""


@pytest.fixture(scope="module")
def document(attack: Attacker) -> dict[str, Any]:
    answer = attack("GET", "", environ={"PATH_INFO": "/api/openapi.json"})
    assert answer.status == 200
    return answer.json


@pytest.fixture(scope="module")
def schema(attack: Attacker, document: dict[str, Any]) -> Any:
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = attack.app
    return loaded


class Answers:
    """The schemas of an operation's answers, their objects closed: a key that is not named is a broken promise."""

    def __init__(self, document: dict[str, Any], operation: Operation) -> None:
        components = copy.deepcopy(document["components"])
        for component in components["schemas"].values():
            if component.get("type") == "object":
                component.setdefault("additionalProperties", False)
        said = document["paths"][operation.path][operation.method.lower()]["responses"]
        self._validators = {
            int(status): jsonschema_rs.Draft202012Validator(
                {**one["content"]["application/json"]["schema"], "components": components}, validate_formats=True
            )
            for status, one in said.items()
            if "application/json" in one.get("content", {})
        }

    def check(self, status: int, body: Any) -> None:
        self._validators[status].validate(body)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_document_and_the_table_say_the_same(document: dict[str, Any]) -> None:
    said = {
        (method.upper(), path, one["operationId"])
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    assert said == {(one.method, one.path, one.id) for one in OPERATIONS}
    for path, methods in document["paths"].items():
        for one in methods.values():
            assert {"401", "402", "403", "422", "429"} <= set(one["responses"]), one["operationId"]
            assert ("404" in one["responses"]) >= ("{" in path), one["operationId"]


def test_the_security_scheme_is_the_documented_one(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["BearerAuth"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "hsk_<env>_<prefix12>_<secret32>" in scheme["description"]
    assert document["security"] == [{"BearerAuth": []}]


@dataclass
class Trial:
    """One operation as the document has it, ready to be tried out."""

    attack: Attacker
    operation: Operation
    target: Any
    answers: Answers


@pytest.fixture
def trial(attack: Attacker, schema: Any, document: dict[str, Any], request: pytest.FixtureRequest) -> Trial:
    operation: Operation = request.param
    return Trial(attack, operation, schema[operation.path][operation.method], Answers(document, operation))


@pytest.mark.parametrize("trial", EVERY, indirect=True)
def test_the_server_keeps_what_its_document_promises(trial: Trial) -> None:
    try_out(trial, GenerationMode.POSITIVE, 24)
    try_out(trial, GenerationMode.NEGATIVE, 12)


@pytest.mark.long
@pytest.mark.parametrize("trial", EVERY, indirect=True)
def test_the_server_keeps_its_promises_over_many_cases(trial: Trial) -> None:
    try_out(trial, GenerationMode.POSITIVE, 1000)
    try_out(trial, GenerationMode.NEGATIVE, 500)


def try_out(trial: Trial, mode: GenerationMode, count: int) -> None:
    attack, operation = trial.attack, trial.operation
    real = {**attack.studio.ids, "user": attack.studio.owner.user_id}
    home = [
        part
        for part, hole in zip(place(attack, operation).split("/"), operation.path.split("/"), strict=True)
        if hole.startswith("{")
    ]
    holes = [hole[1:-1] for hole in operation.path.split("/") if hole.startswith("{")]

    @given(trial.target.as_strategy(generation_mode=mode), st.sampled_from(["as it is", "at home"]))
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @seed(SEED)
    def case_by_case(case: Any, where: str) -> None:
        attack.keys += 1
        if where == "at home":
            case.path_parameters = {**(case.path_parameters or {}), **dict(zip(holes, home, strict=True))}
            if isinstance(case.body, dict):
                for name in set(REAL) & set(case.body):
                    case.body[name] = real.get(name.removesuffix("Id"), NOBODY)
        headers = {"Authorization": f"Bearer {attack.studio.owner.token}"}
        if operation.method == "POST":
            headers["Idempotency-Key"] = f"schemathesis-{attack.keys}"
        response = case.call(headers=headers)
        case.validate_response(response, checks=PROMISES, headers=headers)
        assert response.headers.get("x-request-id")
        told = any(media.startswith("application/json") for media in response.headers.get("content-type", ()))
        if told and response.content and operation.method != "HEAD":
            trial.answers.check(response.status_code, response.json())
        if mode is GenerationMode.POSITIVE:
            assert response.status_code not in (400, 413, 415), (case.body, response.text)

    case_by_case()
