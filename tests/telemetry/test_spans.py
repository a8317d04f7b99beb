"""Spans of requests, statements and jobs, where the extra is installed and asked for; nothing of it otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tallystick.telemetry import spans
from tests.studio import Api, Studio


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    assert spans.begin("0.1.0", exporter)
    yield exporter
    spans.end()


def test_a_request_is_a_span_with_its_statements_inside(api: Api, studio: Studio, exporter: InMemorySpanExporter):
    answer = api("POST", "/clients", {"name": "C4n4ry Ltd", "currency": "EUR"})
    *statements, request = exporter.get_finished_spans()
    assert (request.name, request.kind, request.parent) == ("createClient", SpanKind.SERVER, None)
    assert request.attributes is not None
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/clients",
        "http.response.status_code": 201,
        "tallystick.request_id": answer.headers["X-Request-Id"],
        "tallystick.operation": "createClient",
    }
    assert statements
    for one in statements:
        assert one.parent is not None
        assert one.parent.span_id == request.context.span_id
        assert one.kind == SpanKind.CLIENT
        assert one.attributes is not None
        assert one.attributes["db.system.name"] == "postgresql"
        assert _inside(one, request)
    told = "".join(one.to_json() for one in (*statements, request))
    assert "INSERT INTO clients" in told
    for secret in ("C4n4ry", studio.owner.token, studio.ids["client"]):
        assert secret not in told


def test_two_requests_are_two_traces(api: Api, exporter: InMemorySpanExporter):
    api.get("/clients")
    api.get("/projects")
    found = [one for one in exporter.get_finished_spans() if one.kind == SpanKind.SERVER]
    assert len({one.context.trace_id for one in found}) == 2


def test_what_goes_wrong_on_our_side_is_an_error(api: Api, exporter: InMemorySpanExporter, monkeypatch):
    from tallystick.api.native.wire import NativeApi

    api("GET", "/clients/none")
    monkeypatch.setattr(NativeApi, "admit", lambda *_: 1 / 0)
    api("GET", "/clients")
    codes = [one.status.status_code for one in exporter.get_finished_spans() if one.kind == SpanKind.SERVER]
    assert codes == [StatusCode.UNSET, StatusCode.ERROR]


def test_without_the_setting_there_is_no_span(api: Api):
    assert not spans.begin("0.1.0") or os.environ.get(spans.ENDPOINT)
    api.get("/clients")


def test_without_the_setting_nothing_is_imported():
    said = _python(
        "import sys, pathlib; from tallystick.main import begin_telling; from tallystick.settings import Settings; "
        "import tallystick.jobs.queue; begin_telling(Settings(data=pathlib.Path('/tmp'))); "
        "print([one for one in sys.modules if one.startswith(('opentelemetry', 'prometheus_client'))])"
    )
    assert said == "[]"


def test_the_endpoint_turns_it_on():
    code = "from tallystick.telemetry import spans; print(spans.begin('1'))"
    assert _python(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") == "True"
    assert _python(code) == "False"


def test_without_the_extra_a_sentence_is_told_and_all_goes_on():
    code = (
        "import sys, importlib.util as u; known = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name.startswith('opentelemetry') else known(name, *more); "
        "from tallystick.telemetry import logs, spans; logs.begin('text', 'info', sys.stdout); print(spans.begin('1'))"
    )
    said = _python(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert "OpenTelemetry is not installed: pip install 'tallystick[otel]'" in said
    assert said.endswith("False")


def _python(code: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TALLYSTICK_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**clean, **environment}
    ).stdout.strip()


def _inside(one: ReadableSpan, request: ReadableSpan) -> bool:
    assert one.start_time
    assert one.end_time
    assert request.start_time
    assert request.end_time
    slack = 5_000_000  # its beginning is reckoned back from its end, by another clock
    return request.start_time - slack <= one.start_time <= one.end_time <= request.end_time + slack
