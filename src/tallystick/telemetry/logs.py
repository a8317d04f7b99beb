"""Log lines: JSON for programs, text for people; one line an event, whatever an input holds."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Final, Literal, TextIO, TypeGuard, cast

import msgspec
import psycopg
import structlog
from msgspec import Struct

from tallystick.telemetry.work import Work, current

Form = Literal["text", "json"]
FORMS: Final[tuple[Form, ...]] = ("text", "json")

_STRANGE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What ends a line, or tells a terminal or an eye something else than it says."""

_STANDARD: Final = {*logging.makeLogRecord({}).__dict__, "message", "asctime"}
"""What every record has, and what another handler may have made of it."""

log = logging.getLogger("tallystick.telemetry")
requests = logging.getLogger("tallystick.request")


class Line(Struct, omit_defaults=True):
    """What is told of a request. A path is the route's template: what stands in the real one may be a secret."""

    time: str
    level: str
    logger: str
    event: str
    request_id: str
    method: str
    route: str
    status: int
    milliseconds: float
    statements: int
    api: str = ""
    operation: str = ""
    workspace: str = ""
    credential: str = ""


class _Requests:
    """How requests are told. As text only where somebody debugs: a terminal is for what matters."""

    write: Callable[[bytes], object] | None = None
    second: tuple[int, str] = (0, "")


_requests: Final = _Requests()


def begin(form: Form, level: str, stream: TextIO | None = None) -> None:
    """Log in this form from now on, to standard error or `stream`; what nobody caught is told as well."""
    into = stream or sys.stderr
    handler = logging.StreamHandler(into)
    handler.addFilter(_without_values)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                _with_extra,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _under_way,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _explained,
                structlog.processors.JSONRenderer() if form == "json" else _for_people,
            ],
        )
    )
    root = logging.getLogger()
    for former in root.handlers[:]:
        if getattr(former, "of_tallystick", False):
            root.removeHandler(former)
    handler.of_tallystick = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    ours = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(ours, logging.WARNING))  # what libraries say when they are asked to has headers and bodies in it
    logging.getLogger("tallystick").setLevel(ours)
    _requests.write = _writer(stream) if form == "json" else None
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def answered(work: Work, *, method: str, route: str, status: int, seconds: float, credential: str, slow: bool) -> None:
    """Tell of a request."""
    level = logging.WARNING if slow else logging.INFO
    write = _requests.write
    if write is None:
        how, level = ("slow request: ", level) if slow else ("", logging.DEBUG)
        if requests.isEnabledFor(level):
            told = f"{method} {route} {status}, {seconds * 1000:.1f} ms, {work.statements} statements"
            requests.log(level, "%s%s", how, told)
        return
    if not requests.isEnabledFor(level):
        return
    line = Line(
        _now(),
        "warning" if slow else "info",
        "tallystick.request",
        "slow request" if slow else "request",
        work.request_id,
        method,
        route,
        status,
        round(seconds * 1000, 2),
        work.statements,
        work.api,
        work.operation,
        work.workspace,
        credential,
    )
    with contextlib.suppress(OSError):  # an answer does not fail because nobody reads the log
        write(msgspec.json.encode(line) + b"\n")


def _now() -> str:
    """The moment, as other lines have it. The second is written out once for all of its lines."""
    now = time.time()
    second = int(now)
    if _requests.second[0] != second:
        _requests.second = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{_requests.second[1]}.{int((now - second) * 1_000_000):06d}Z"


def _writer(stream: TextIO | None) -> Callable[[bytes], object]:
    if stream is not None:
        return lambda line: stream.write(line.decode())
    return partial(os.write, sys.stderr.fileno())  # in one piece: processes share the file


Event = MutableMapping[str, Any]


def _with_extra(_logger: Any, _method: str, event: Event) -> Event:
    """What the program said besides the sentence."""
    known = event["_record"].__dict__
    event.update({name: value for name, value in known.items() if name not in _STANDARD and name not in event})
    return event


def _without_values(record: logging.LogRecord) -> bool:
    """What the database says of an error goes on with details: the values of a row."""
    if isinstance(record.args, tuple):
        record.args = tuple(one.diag.message_primary if _has_details(one) else one for one in record.args)
    return True


def _has_details(value: object) -> TypeGuard[psycopg.Error]:
    return isinstance(value, psycopg.Error) and value.diag.message_primary is not None


def _under_way(_logger: Any, _method: str, event: Event) -> Event:
    """Which request or job a line belongs to."""
    work = current.get()
    if work is not None:
        if work.name:
            event.setdefault("job", work.name)
        else:
            event.setdefault("request_id", work.request_id)
    return event


def _explained(_logger: Any, _method: str, event: Event) -> Event:
    """The traceback of an exception as one field, without the values that the database names in its details."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error: object = cast("tuple[object, ...]", found)[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = _traced(error)
    event.pop("stack_info", None)
    return event


def _traced(error: BaseException) -> str:
    """A traceback has the lines of the program and the messages of exceptions, but no local values."""
    told = "".join(traceback.format_exception(error)).rstrip()
    for one in _chain(error):
        if isinstance(one, psycopg.Error) and (plain := one.diag.message_primary):
            told = told.replace(str(one), plain)
    return told


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _for_people(_logger: Any, _method: str, event: Event) -> str:
    """A line as text; below it, set in, a traceback."""
    told = f"{event.pop('timestamp')} {event.pop('level').upper()} {event.pop('logger')} {_plain(event.pop('event'))}"
    trace = event.pop("exception", None)
    rest = " ".join(f"{name}={_plain(value)}" for name, value in event.items())
    told += f" [{rest}]" if rest else ""
    if trace:
        told += "".join(f"\n    {_plain(line)}" for line in trace.split("\n"))
    return told


def _plain(value: Any) -> str:
    return _STRANGE.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value))


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("uncaught", exc_info=error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        log.critical("uncaught in a thread", exc_info=args.exc_value)


def silence() -> None:
    """Tell of requests no more."""
    _requests.write = None
