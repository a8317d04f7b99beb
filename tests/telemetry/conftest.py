"""A server whose log lines are kept, and whose numbers can be asked for."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from falcon import testing
from prometheus_client.parser import text_string_to_metric_families

from tallystick.auth.rate_limits import RateLimits
from tallystick.db.session import Database
from tallystick.main import build
from tallystick.settings import Settings
from tallystick.telemetry import logs, spans
from tallystick.telemetry.logs import Form
from tests.conftest import fresh_database, opened
from tests.studio import KEY, MAIL, Api, Clock, Studio

TOKEN = "scrape-7c1f0b9a2d"


@dataclass
class Told:
    """What was logged so far."""

    stream: io.StringIO

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == "tallystick.request"]


Logging = Callable[..., Told]


@pytest.fixture(scope="module")
def database_url(cluster_url: str) -> Generator[str]:
    """Of these tests alone: whatever waits in it is carried."""
    with fresh_database(cluster_url) as url:
        yield url


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as pool:
        yield pool


@pytest.fixture
def logging_as() -> Iterator[Logging]:
    """Begins to log in a form; afterwards all is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook

    def begin(form: Form = "json", level: str = "info") -> Told:
        told = Told(io.StringIO())
        logs.begin(form, level, told.stream)
        return told

    yield begin
    root.handlers[:], level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    logging.getLogger("tallystick").setLevel(logging.NOTSET)
    logs.silence()
    spans.end()


@pytest.fixture
def told(logging_as: Logging) -> Told:
    """What is logged from now on, as JSON."""
    return logging_as()


def client(database: Database, data: Path, clock: Clock | None = None, **settings: Any) -> testing.TestClient:
    """A server in this process, with `/metrics` unless said otherwise."""
    given = {"metrics_token": TOKEN, "rate_limit_burst": 0, "rate_limit_sustained": 0, "rate_limit_address": 0}
    clock = clock or Clock()
    limits = RateLimits(data / "limits", clock=lambda: clock().timestamp())
    app = build(Settings(data=data, **{**given, **MAIL, **settings}), database, KEY, clock=clock, limits=limits)
    return testing.TestClient(app)


@pytest.fixture
def server(studio: Studio, tmp_path: Path) -> testing.TestClient:
    return client(studio.database, tmp_path, studio.clock)


@pytest.fixture
def api(studio: Studio, server: testing.TestClient) -> Api:
    """The owner's."""
    return Api(server, studio.owner.token)


@dataclass
class Scrape:
    """An answer of `/metrics`, as a scraper understands it."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def labels(self, name: str) -> set[str]:
        return {value for (_, pairs) in self.samples for label, value in pairs if label == name}


def scrape(server: testing.TestClient, token: str = TOKEN) -> Scrape:
    answer = server.simulate_get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return parsed(answer.text)


def parsed(text: str) -> Scrape:
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return Scrape(found)
