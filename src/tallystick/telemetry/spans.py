"""Spans for OpenTelemetry, where the `otel` extra is installed and `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

Otherwise nothing of it is imported, and a span is None.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from tallystick.telemetry.work import Work

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"

log = logging.getLogger("tallystick.telemetry")


class _Tracing:
    tracer: Any = None


_tracing: Final = _Tracing()


def begin(version: str, exporter: Any = None) -> bool:
    """Trace from now on, if the operator wants it; answers whether. `exporter`: where spans go instead of there."""
    if exporter is None and not os.environ.get(ENDPOINT):
        return False
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        log.warning("%s is set, but OpenTelemetry is not installed: pip install 'tallystick[otel]'", ENDPOINT)
        return False
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor  # noqa: PLC0415

    about = Resource.create({"service.version": version, **_named(os.environ)})
    provider = TracerProvider(resource=about)
    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    _tracing.tracer = provider.get_tracer("tallystick", version)
    return True


def end() -> None:
    """Trace no more."""
    _tracing.tracer = None


def start(work: Work, *, job: bool = False) -> None:
    """The span of a request or job begins, if anybody wants one. Its name is said at its end."""
    tracer = _tracing.tracer
    if tracer is None:
        return
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace import SpanKind  # noqa: PLC0415

    kind = SpanKind.CONSUMER if job else SpanKind.SERVER
    work.span = tracer.start_span(work.name or "request", context=Context(), kind=kind)


def finish(work: Work, name: str, facts: Mapping[str, str | int], *, failed: bool) -> None:
    """It is over; `facts` are its attributes."""
    if work.span is None:
        return
    from opentelemetry.trace import StatusCode  # noqa: PLC0415

    work.span.update_name(name)
    work.span.set_attributes(dict(facts))
    if failed:
        work.span.set_status(StatusCode.ERROR)
    work.span.end()
    work.span = None


def statements(parent: Any, text: str, number: int, seconds: float) -> None:
    """A round trip to the database that has just ended, inside of a request's or job's span."""
    tracer = _tracing.tracer
    if tracer is None:
        return
    from opentelemetry.trace import SpanKind, set_span_in_context  # noqa: PLC0415

    ended = time.time_ns()
    span = tracer.start_span(
        text.partition(" ")[0] or "statement",
        context=set_span_in_context(parent),
        kind=SpanKind.CLIENT,
        attributes={"db.system.name": "postgresql", "db.query.text": text, "db.operation.batch.size": number},
        start_time=ended - int(seconds * 1e9),
    )
    span.end(ended)


def _named(environ: Mapping[str, str]) -> dict[str, str]:
    """Our name, where the operator gives us no other."""
    named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {} if named else {"service.name": "tallystick"}
