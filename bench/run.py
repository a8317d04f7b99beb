"""`bin/bench`: what a request costs the server's processes, against the floor; docs/performance.md explains."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import einvoices
import hooks
import msgspec
import papers
import psycopg
from fill import Filled, Studio, fill
from load import KEY, Order, Outcome

from tallystick.auth import session_tokens, sessions
from tallystick.db.local_postgres import LocalPostgres, key_file
from tallystick.db.migrations import migrate
from tallystick.db.session import Database
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.values.ids import new_id

HERE = Path(__file__).parent
SINCE, UNTIL = "2024-03-01", "2025-11-30"
DEPTH = 1000
PAGE = 50
TARGETS = {
    "get one": 2.0, "list of 50": 1.5, "list of 200": 1.5, "create": 2.5, "depth": 1.3, "growth": 1.3,
    "expensicat get one": 2.0, "expensicat list of 50": 1.5, "expensicat create": 2.5,
    "growcrm list of 50": 2.0, "growcrm create": 2.5, "e-invoice of 50 lines": 2.0, "e-invoice of 500 lines": 2.0,
    "PDF of 50 lines": 4.0, "PDF of 500 lines": 4.0,
}  # fmt: skip
EINVOICES = ((50, 0.5), (500, 5.0))
"""How many lines, and in how many seconds XML and rules are done."""
PAPERS = ((50, 0.12), (500, 1.0))
"""How many lines, and in how many seconds the PDF is done."""
JWT_TARGET = 100
MONTH, MONTH_TARGET = "month of 500 entries", 60
"""The heaviest page, and how many milliseconds of CPU it may cost the server's processes."""
SECONDS = {"invoice of 1,000 entries": 1.0, "invoice of 10,000 entries": 8.0}
WEBHOOKS, WEBHOOKS_TARGET = "webhooks", 2.0
"""In how many seconds 95 of 100 arrive, at 200 a second and beside a receiver that hangs."""
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ISSUER = "http://127.0.0.1:8000"
NO_LIMIT_IN_SIGHT = "1000000"
TICKS = os.sysconf("SC_CLK_TCK")


class Cost(msgspec.Struct):
    """Of one request, in microseconds of CPU: the server's processes and the database's."""

    server: float
    database: float
    per_second: float
    p50_ms: float
    p99_ms: float


class Server:
    """The product or the floor, running: its port, and the CPU time of its processes."""

    def __init__(self, command: list[str], environment: dict[str, str], probe: str, postgres: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
        self._process = subprocess.Popen(
            command, cwd=HERE, env={**clean, **environment, "TALLYSTICK_PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self._postgres = postgres
        deadline = time.monotonic() + 60
        while not self._answers(probe):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise SystemExit(f"{' '.join(command)} does not answer.")
            time.sleep(0.1)

    def measure(self, request: str, status: int, seconds: float) -> Cost:
        """Ask for so long, from a process of its own whose time does not count."""
        order = msgspec.json.encode(Order(self.port, request, status, seconds))
        server, database = _cpu(self._process.pid), _cpu(self._postgres)
        asked = subprocess.run([sys.executable, HERE / "load.py"], input=order, stdout=subprocess.PIPE, check=True)
        outcome = msgspec.json.decode(asked.stdout, type=Outcome)
        server, database = _cpu(self._process.pid) - server, _cpu(self._postgres) - database
        million = 1_000_000 / outcome.requests
        return Cost(server * million, database * million, outcome.per_second, outcome.p50_ms, outcome.p99_ms)

    def once(self, request: str) -> tuple[int, dict[str, Any]]:
        """One request: status, and the answer read."""
        head, _, body = request.replace(KEY.decode(), os.urandom(16).hex()).partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, target, body.encode(), dict(line.split(": ", 1) for line in lines))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else {}

    def stop(self) -> None:
        """End it and wait."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def _answers(self, probe: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.once(probe)[0] == 200
        return False


def main() -> int:
    """Measure, print, compare with the targets; 1 where one is missed."""
    words = argparse.ArgumentParser(prog="bin/bench", description=__doc__.partition(";")[0])  # type: ignore[union-attr]
    words.add_argument("--entries", type=int, default=1_000_000, help="time entries to fill in (1,000,000)")
    words.add_argument("--seconds", type=float, default=2.0, help="length of one measurement (2)")
    words.add_argument("--rounds", type=int, default=5, help="how often product and floor take turns (5)")
    words.add_argument("--data", type=Path, help="keep the filled database here for the next run")
    words.add_argument("--json", type=Path, help="write the figures to this file too")
    words.add_argument("--only", default="", help="measure only what has this in its name")
    given = words.parse_args()
    with _data(given.data) as data, LocalPostgres(data) as url:
        migrate(url)
        begun = time.monotonic()
        filled = fill(data, url, given.entries)
        print(f"{given.entries:,} entries stand after {time.monotonic() - begun:.0f} s.", flush=True)
        with _servers(data, url, filled) as (product, floor):
            token, _ = _session(data, url, filled.large)
            figures = {**_ratios(product, floor, filled.large, token, given), **_growth(product, filled, given)}
            if given.only in MONTH and filled.medium is not None:
                figures[MONTH] = _month(product, floor, _session(data, url, filled.medium)[1], filled.medium, given)
            if given.only in WEBHOOKS:
                figures[WEBHOOKS] = hooks.measured(product.port, filled.large, 5 * given.seconds)
            if given.only in "jwt first seen":
                figures["jwt first seen"] = {"microseconds": _jwt()}
            for name, billed in zip(SECONDS, (filled.small, filled.medium), strict=True):
                if given.only in name and billed is not None:
                    figures[name] = {"seconds": _invoice(product, billed), "floor": _marked(url, billed)}
        for lines, _ in EINVOICES:
            if given.only in "e-invoice":
                figures[f"e-invoice of {lines} lines"] = einvoices.measured(lines, given.rounds)
        for lines, _ in PAPERS:
            if given.only.lower() in "pdf of lines":
                figures[f"PDF of {lines} lines"] = papers.measured(lines, given.rounds)
    missed = [name for name, one in figures.items() if name in TARGETS and one["ratio"] > TARGETS[name]]
    missed += [name for name, one in figures.items() if one.get("microseconds", 0) > JWT_TARGET]
    missed += [
        name
        for what, sizes in (("e-invoice", EINVOICES), ("PDF", PAPERS))
        for lines, most in sizes
        if figures.get(name := f"{what} of {lines} lines", {"seconds": 0})["seconds"] > most
    ]
    missed += [name for name, one in figures.items() if one.get("milliseconds", 0) > MONTH_TARGET]
    missed += [name for name, one in figures.items() if one.get("p95", 0) > WEBHOOKS_TARGET]
    missed += [name for name, most in SECONDS.items() if figures.get(name, {}).get("seconds", 0) > most]
    _print(figures)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    if missed:
        print(f"Missed: {', '.join(missed)}.")
    return 1 if missed else 0


def _ratios(product: Server, floor: Server, studio: Studio, token: str, given: argparse.Namespace) -> dict[str, Any]:
    """Product and floor by turns, and the medians of both."""
    figures: dict[str, Any] = {}
    for name, theirs, ours, status in (*_requests(studio), *_expensicat(studio, token), *_growcrm(studio)):
        if given.only not in name:
            continue
        _warm(product, ours, status)
        _warm(floor, theirs, status)
        pairs = [
            (product.measure(ours, status, given.seconds), floor.measure(theirs, status, given.seconds))
            for _ in range(given.rounds)
        ]
        upper, lower = _median([pair[0] for pair in pairs]), _median([pair[1] for pair in pairs])
        ratio = statistics.median(over.server / under.server for over, under in pairs)
        figures[name] = {"product": msgspec.to_builtins(upper), "floor": msgspec.to_builtins(lower), "ratio": ratio}
    return figures


def _growth(product: Server, filled: Filled, given: argparse.Namespace) -> dict[str, Any]:
    """Pages near and far, of many entries and of few; here the database's time counts too, it is what would grow."""
    if given.only not in "depth growth":
        return {}
    near = _get(filled.large, f"/api/v1/time-entries?limit={PAGE}")
    far = _get(filled.large, f"/api/v1/time-entries?limit={PAGE}&cursor={_deep(product, filled.large)}")
    few = _get(filled.small, f"/api/v1/time-entries?limit={PAGE}")
    costs: dict[str, list[Cost]] = {"near": [], "far": [], "few": []}
    asked = {"near": near, "far": far, "few": few}
    for request in asked.values():
        _warm(product, request, 200)
    for _ in range(given.rounds):
        for name, request in asked.items():
            costs[name].append(product.measure(request, 200, given.seconds))
    whole = {name: [cost.server + cost.database for cost in many] for name, many in costs.items()}

    def compared(over: str, under: str) -> dict[str, Any]:
        ratio = statistics.median(a / b for a, b in zip(whole[over], whole[under], strict=True))
        return {
            "product": msgspec.to_builtins(_median(costs[over])),
            "floor": msgspec.to_builtins(_median(costs[under])),
            "ratio": ratio,
        }

    return {"depth": compared("far", "near"), "growth": compared("near", "few")}


def _month(product: Server, floor: Server, cookie: str, studio: Studio, given: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of CPU of the page of a month, packed as browsers ask for it; its floor is a bare table of it."""
    accept = "Accept-Encoding: gzip\r\n"
    since, until = f"{UNTIL[:8]}01", UNTIL
    ours = _bare(f"/time?from={since}&to={until}", headers=f"{accept}Cookie: tallystick={cookie}\r\n")
    theirs = _bare(f"/month/{studio.workspace_id}/{since}/{until}", headers=accept)
    asked = ((product, ours), (floor, theirs))
    for server, request in asked:
        _warm(server, request, 200)
    costs = [
        [server.measure(request, 200, given.seconds).server / 1000 for server, request in asked]
        for _ in range(given.rounds)
    ]
    return {
        "milliseconds": statistics.median(over for over, _ in costs),
        "floor": statistics.median(under for _, under in costs),
        "ratio": statistics.median(over / under for over, under in costs),
    }


def _invoice(product: Server, studio: Studio) -> float:
    """Seconds to draft an invoice from all of a studio's billable entries; each draft is deleted again."""
    took: list[float] = []
    body = json.dumps({"clientId": studio.client_id, "grouping": "PROJECT_TASK"})
    for _ in range(3):
        begun = time.perf_counter()
        status, answer = product.once(_request("POST", studio, "/api/v1/invoices", body))
        took.append(time.perf_counter() - begun)
        if status != 201:
            raise SystemExit(f"The draft was answered {status}: {answer}")
        product.once(_request("DELETE", studio, f"/api/v1/invoices/{answer['data']['id']}"))
    return statistics.median(took)


def _marked(url: str, studio: Studio) -> float:
    """The floor of a draft: seconds in which the driver reads the same entries under a lock, and marks each."""
    took: list[float] = []
    with psycopg.connect(url) as connection:
        for _ in range(3):
            begun = time.perf_counter()
            rows = connection.execute(
                "SELECT id, project_id, task_id, entry_date, duration_seconds, note, hourly_rate FROM time_entries"
                " WHERE workspace_id = %s AND billable AND invoice_id IS NULL ORDER BY id FOR UPDATE",
                [studio.workspace_id],
            ).fetchall()
            connection.execute(
                "UPDATE time_entries SET updated_at = now() WHERE id = ANY(%s)", [[row[0] for row in rows]]
            )
            took.append(time.perf_counter() - begun)
            connection.rollback()
    return statistics.median(took)


def _requests(studio: Studio) -> Iterator[tuple[str, str, str, int]]:
    """What is asked of both: name, the floor's request, the product's, and the status of the answer."""
    yield "get one", _bare(f"/get/{studio.entry_id}"), _get(studio, f"/api/v1/time-entries/{studio.entry_id}"), 200
    for limit in (50, 200):
        filters = f"projectId={studio.project_id}&entryDateFrom={SINCE}&entryDateTo={UNTIL}&sort=-entryDate"
        yield (
            f"list of {limit}",
            _bare(f"/list/{studio.project_id}/{SINCE}/{UNTIL}/{limit}"),
            _get(studio, f"/api/v1/time-entries?{filters}&limit={limit}"),
            200,
        )
    body = json.dumps(
        {"projectId": studio.project_id, "entryDate": "2025-12-31", "durationSeconds": 5400, "note": "Agreed the plan"}
    )
    ours = _request("POST", studio, "/api/v1/time-entries", body)
    yield "create", _bare("/create", "POST", body), ours, 201


def _expensicat(studio: Studio, token: str) -> Iterator[tuple[str, str, str, int]]:
    """The same, of an Expensicat client with a session."""
    session = f"Authorization: Bearer {token}\r\n"
    one = _bare(f"/v1/time-entries/{studio.entry_id}", headers=session)
    yield "expensicat get one", _bare(f"/expensicat-get/{studio.entry_id}"), one, 200
    filters = f"project_id={studio.project_id}&start_date={SINCE}&end_date={UNTIL}"
    yield (
        "expensicat list of 50",
        _bare(f"/expensicat-list/{studio.project_id}/{SINCE}/{UNTIL}"),
        _bare(f"/v1/time-entries?{filters}&limit=50", headers=session),
        200,
    )
    body = json.dumps(
        {
            "project_id": studio.project_id,
            "start_time": "2025-12-31T08:00:00Z",
            "end_time": "2025-12-31T09:30:00Z",
            "description": "Agreed the plan",
        }
    )
    ours = _bare("/v1/time-entries", "POST", body, session)
    yield "expensicat create", _bare("/expensicat-create", "POST", body), ours, 201


def _growcrm(studio: Studio) -> Iterator[tuple[str, str, str, int]]:
    """The same, of a Grow CRM client with an API key: a page with its total, and a form."""
    key = f"Authorization: Bearer {studio.api_key}\r\n"
    filters = f"project_id={studio.project_number}&date_start={SINCE}&date_end={UNTIL}"
    yield (
        "growcrm list of 50",
        _bare(f"/growcrm-list/{studio.project_number}/{SINCE}/{UNTIL}"),
        _bare(f"/api/timesheets?{filters}&limit=50", headers=key),
        200,
    )
    theirs = {"project_id": studio.project_id, "task_id": studio.task_id, "seconds": 5400, "day": "2025-12-31"}
    form = f"task_id={studio.task_number}&user_id=1&hours=1&minutes=30&timer_created=2025-12-31"
    ours = _bare("/api/timesheets", "POST", form, key, FORM)
    yield "growcrm create", _bare("/growcrm-create", "POST", json.dumps(theirs)), ours, 201


def _session(data: Path, url: str, studio: Studio) -> tuple[str, str]:
    """The JWT and the cookie of a session of the studio's owner, for this run."""
    database, key, now = Database(url, size=1), key_file(data), datetime.now(UTC)
    database.open()
    try:
        with database.transaction() as connection:
            open_workspace(connection, studio.workspace_id)
            owner = Actor(studio.workspace_id, studio.user_id, "OWNER")
            session, cookie = sessions.begin(Context(owner, connection, lambda: now), key)
    finally:
        database.close()
    return sessions.jwt_of(key, session, issuer=ISSUER, now=now, lifetime=timedelta(hours=6)).token, cookie


def _jwt() -> float:
    """Microseconds of CPU to verify a session's JWT that was not seen before: the median of many."""
    key, now = os.urandom(32), datetime.now(UTC)
    ids = {"user_id": new_id(), "workspace_id": new_id(), "session_id": new_id()}
    tokens = [
        session_tokens.mint_jwt(key, issuer=ISSUER, now=now, expires_at=now + timedelta(hours=1), **ids)
        for _ in range(500)
    ]
    took: list[int] = []
    for token in tokens:
        begun = time.process_time_ns()
        if session_tokens.claims_of(key, token, now, ISSUER) is None:
            raise SystemExit("A JWT of ours was not accepted.")
        took.append(time.process_time_ns() - begun)
    return statistics.median(took) / 1000


def _deep(product: Server, studio: Studio) -> str:
    """The cursor of the thousandth page of fifty, or of the last there is."""
    cursor = ""
    for _ in range(DEPTH * PAGE // 200):
        more = f"&cursor={cursor}" if cursor else ""
        _, answer = product.once(_get(studio, f"/api/v1/time-entries?limit=200{more}"))
        following = answer["pagination"]["nextCursor"]
        if following is None:
            break
        cursor = following
    return cursor


def _get(studio: Studio, target: str) -> str:
    return _request("GET", studio, target)


def _request(method: str, studio: Studio, target: str, body: str = "") -> str:
    headers = f"Authorization: Bearer {studio.token}\r\n"
    if method == "POST":
        headers += f"Idempotency-Key: {KEY.decode()}\r\n"
    return _bare(target, method, body, headers)


def _bare(target: str, method: str = "GET", body: str = "", headers: str = "", media: str = JSON) -> str:
    if body:
        headers += f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {target} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n{body}"


def _warm(server: Server, request: str, status: int) -> None:
    """Until each connection has its statements prepared."""
    server.measure(request, status, 0.5)


def _median(costs: list[Cost]) -> Cost:
    return Cost(*[statistics.median(getattr(cost, name) for cost in costs) for name in Cost.__struct_fields__])


def _cpu(root: int) -> float:
    """Seconds of CPU of a process and all below it, also of those that have ended; not of the worker beside it."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if b"worker\0--beside" in (entry / "cmdline").read_bytes():
                    continue
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
                used[int(entry.name)] = sum(int(field) for field in fields[11:15])
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += used.get(process, 0)
        waiting += children.get(process, [])
    return total / TICKS


@contextlib.contextmanager
def _data(given: Path | None) -> Generator[Path]:
    if given is not None:
        yield given.absolute()
    else:
        with tempfile.TemporaryDirectory(prefix="tallystick-bench-") as scratch:
            yield Path(scratch, "data")


@contextlib.contextmanager
def _servers(data: Path, url: str, filled: Filled) -> Generator[tuple[Server, Server]]:
    """The product as `tallystick serve` runs it, its limits counting but far away; and the floor."""
    key_file(data)
    postgres = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    with contextlib.ExitStack() as stack:
        product = Server(
            [str(Path(sys.executable).with_name("tallystick")), "serve"],
            {
                "TALLYSTICK_DATA": str(data),
                "TALLYSTICK_PUBLIC_URL": ISSUER,
                "TALLYSTICK_RATE_LIMIT_BURST": NO_LIMIT_IN_SIGHT,
                "TALLYSTICK_RATE_LIMIT_SUSTAINED": NO_LIMIT_IN_SIGHT,
                "TALLYSTICK_EGRESS_ALLOW": "127.0.0.0/8",
            },
            _bare("/readyz"),
            postgres,
        )
        stack.callback(product.stop)
        floor = Server(
            [sys.executable, str(HERE / "floor.py")],
            {
                "TALLYSTICK_DATA": str(data),
                "TALLYSTICK_DATABASE_URL": url,
                "BENCH_WORKSPACE": filled.large.workspace_id,
                "BENCH_USER": filled.large.user_id,
            },
            _bare(f"/get/{filled.large.entry_id}"),
            postgres,
        )
        stack.callback(floor.stop)
        yield product, floor


def _print(figures: dict[str, Any]) -> None:
    print("\nCPU in µs for one request, of the server's processes and (in brackets) of the database's")
    print(f"{'':<22}{'product':>16}{'floor':>16}{'ratio':>8}{'target':>8}{'requests/s':>16}{'p50/p99 ms':>16}")
    for name, one in figures.items():
        if "product" not in one:
            continue
        over, under = one["product"], one["floor"]
        print(
            f"{name:<22}{over['server']:>8.0f} ({over['database']:>5.0f}){under['server']:>8.0f} "
            f"({under['database']:>5.0f}){one['ratio']:>8.2f}{TARGETS[name]:>8.1f}"
            f"{over['per_second']:>8.0f}{under['per_second']:>8.0f}{over['p50_ms']:>9.1f}{over['p99_ms']:>7.1f}"
        )
    if "jwt first seen" in figures:
        took = figures["jwt first seen"]["microseconds"]
        print(f"A session's JWT that was not seen before is verified in {took:.0f} µs (target {JWT_TARGET}).")
    if MONTH in figures:
        one = figures[MONTH]
        print(
            f"The page of a {MONTH} costs {one['milliseconds']:.0f} ms of CPU (target {MONTH_TARGET}), "
            f"{one['ratio']:.1f} times the same entries as a bare table."
        )
    if WEBHOOKS in figures:
        one = figures[WEBHOOKS]
        print(
            f"Of {one['per_second']:.0f} webhooks a second, beside a receiver that hangs, 95 of 100 arrive within "
            f"{one['p95']:.2f} s (target {WEBHOOKS_TARGET}; 50 in {one['p50']:.2f} s, 99 in {one['p99']:.2f} s). "
            f"What they tell of was answered within {one['floor']:.3f} s."
        )
    for name, most in SECONDS.items():
        if name in figures:
            took, floor = figures[name]["seconds"], figures[name]["floor"]
            print(f"{name}: drafted in {took:.2f} s (target {most:.0f}), {took / floor:.1f} times the floor.")
    for lines, most in EINVOICES:
        one = figures.get(f"e-invoice of {lines} lines")
        if one is not None:
            print(
                f"An e-invoice of {lines} lines is written and put to all rules in {one['seconds']:.3f} s "
                f"(target {most}), {one['ratio']:.1f} times the bare rules."
            )
    for lines, most in PAPERS:
        one = figures.get(f"PDF of {lines} lines")
        if one is not None:
            print(
                f"A PDF of {lines} lines is made in {one['seconds']:.3f} s (target {most}), "
                f"{one['ratio']:.1f} times the same words as a bare table."
            )
    print("depth: page 1,000 over page 1. growth: a page of the large workspace over one of 1,000 entries.")


if __name__ == "__main__":
    sys.exit(main())
