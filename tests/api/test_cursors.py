"""Cursors: a walk sees what was there throughout, once, whatever happens meanwhile; no other text is a cursor."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.db.session import Database
from tallystick.domain import clients, expenses, projects, tasks, time_entries
from tests.studio import KEY, Api, Studio, app_client, found_studio

WALKS = 200
MUTATIONS = 10_000
DAY = date(2026, 6, 1)

SORTS = {
    "/clients": ("createdAt", "id", "name", "updatedAt"),
    "/projects": ("createdAt", "dueDate", "id", "name", "startDate", "status", "updatedAt"),
    "/tasks": ("createdAt", "dueDate", "endDate", "id", "name", "priority", "startDate", "status", "updatedAt"),
    "/time-entries": ("createdAt", "durationSeconds", "entryDate", "id", "updatedAt"),
    "/expenses": ("amount", "createdAt", "expenseDate", "id", "updatedAt"),
}


class Busy:
    """A studio in which people work while somebody pages through their lists."""

    def __init__(self, studio: Studio, app: testing.TestClient, seed: int) -> None:
        self.studio = studio
        self.api = Api(app, studio.owner.token)
        self.random = random.Random(seed)

    def facts(self, path: str) -> dict[str, Any]:
        """Values of which many are the same or missing: ties and nulls are what cursors stumble over."""
        roll, ids = self.random, self.studio.ids
        day = roll.choice([None, *(DAY + timedelta(days=n) for n in range(3))])
        return {
            "/clients": {"name": roll.choice(["Ärger", "arger", "Zoo", "zoo", "Émile"]), "notes": str(roll.random())},
            "/projects": {
                "client_id": ids["client"], "name": roll.choice("abc"), "start_date": day, "due_date": day,
                "status": roll.choice(["ACTIVE", "COMPLETED", "ARCHIVED"]), "description": str(roll.random()),
            },
            "/tasks": {
                "project_id": ids["project"], "name": roll.choice("abc"), "start_date": day, "due_date": day,
                "end_date": day, "status": roll.choice(["TODO", "DONE"]), "priority": roll.choice(["LOW", "HIGH"]),
            },
            "/time-entries": {
                "project_id": ids["project"], "entry_date": day or DAY, "duration_seconds": roll.choice([0, 60, 61]),
                "note": str(roll.random()),
            },
            "/expenses": {
                "client_id": ids["client"], "description": str(roll.random()), "expense_date": day or DAY,
                "amount": Decimal(roll.choice(["9.99", "10", "10.01"])),
            },
        }[path]  # fmt: skip

    def add(self, path: str, count: int = 1) -> None:
        verb = {
            "/clients": clients.create, "/projects": projects.create, "/tasks": tasks.create,
            "/time-entries": time_entries.log, "/expenses": expenses.record,
        }[path]  # fmt: skip
        for _ in range(count):
            if self.random.random() < 0.5:
                self.studio.clock.now += timedelta(seconds=self.random.choice([0.000001, 1]))
            with self.studio.context() as ctx:
                verb(ctx, **self.facts(path))

    def change(self, path: str, identity: str) -> None:
        verb = {
            "/clients": clients.change, "/projects": projects.change, "/tasks": tasks.change,
            "/time-entries": time_entries.change, "/expenses": expenses.change,
        }[path]  # fmt: skip
        self.studio.clock.now += timedelta(seconds=1)
        with self.studio.context() as ctx:
            verb(ctx, identity, **self.facts(path))

    def remove(self, path: str, identity: str) -> None:
        verb = {
            "/clients": clients.delete, "/projects": projects.archive, "/tasks": tasks.archive,
            "/time-entries": time_entries.delete, "/expenses": expenses.delete,
        }[path]  # fmt: skip
        with self.studio.context() as ctx:
            verb(ctx, identity)

    def rows(self, path: str) -> dict[str, dict[str, Any]]:
        """All there are, by id, without any cursor."""
        result = self.api("GET", path, query_string="limit=200")
        assert result.json["pagination"]["nextCursor"] is None, "too many rows for this test"
        return {row["id"]: row for row in result.json["data"]}

    def pages(self, path: str, query: str) -> Iterator[list[dict[str, Any]]]:
        cursor = ""
        while True:
            result = self.api("GET", path, query_string=f"{query}&cursor={cursor}")
            assert result.status_code == 200, result.text
            yield result.json["data"]
            cursor = result.json["pagination"]["nextCursor"]
            if cursor is None:
                return

    def disturb(self, path: str, sort: str) -> set[str]:
        """One thing that happens between two pages. Answers whose place in the order it may have changed."""
        rows = self.rows(path)
        chance = self.random.random()
        if (chance < 0.4 and len(rows) < 150) or len(rows) < 10:
            self.add(path)
            return set()
        keep = set(self.studio.ids.values())
        chosen = self.random.choice(sorted(set(rows) - keep))
        if chance < 0.7:
            self.remove(path, chosen)
            gone = self.rows(path).get(chosen)
            return {chosen} if gone is None or gone[sort] != rows[chosen][sort] else set()
        self.change(path, chosen)
        return {chosen} if self.rows(path)[chosen][sort] != rows[chosen][sort] else set()


@pytest.fixture(scope="module")
def busy(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    studio = found_studio(database, KEY)
    return Busy(studio, app_client(database, studio.clock, tmp_path_factory.mktemp("limits")), seed=20260615)


@pytest.mark.parametrize("path", SORTS)
def test_a_walk_sees_every_row_that_was_there_throughout_exactly_once(busy: Busy, path: str) -> None:
    busy.add(path, max(0, 25 - len(busy.rows(path))))
    for _ in range(WALKS // len(SORTS)):
        sort = busy.random.choice(SORTS[path])
        way = busy.random.choice(["", "-"])
        limit = busy.random.choice([1, 2, 3, 7, 20])
        throughout = set(busy.rows(path))
        moved: set[str] = set()
        seen: list[str] = []
        for number, page in enumerate(busy.pages(path, f"sort={way}{sort}&limit={limit}")):
            assert len(page) <= limit
            seen += [row["id"] for row in page]
            if number < 20 and busy.random.random() < 0.7:
                moved |= busy.disturb(path, sort)
        throughout &= set(busy.rows(path))
        told = f"{path} by {way}{sort}, {limit} a page"
        assert {row for row in throughout - moved if seen.count(row) != 1} == set(), told
        assert {row for row in set(seen) - moved if seen.count(row) != 1} == set(), told
        for extra in sorted(set(busy.rows(path)) - set(busy.studio.ids.values()))[60:]:
            busy.remove(path, extra)


@pytest.fixture
def cursor(busy: Busy) -> str:
    busy.add("/expenses", 5)
    result = busy.api("GET", "/expenses", query_string="sort=-amount&billable=true&limit=2")
    return result.json["pagination"]["nextCursor"]


def refused(busy: Busy, query: str, path: str = "/expenses") -> None:
    result = busy.api("GET", path, query_string=query)
    assert (result.status_code, list(result.json["error"]["fields"])) == (422, ["cursor"]), f"{query}: {result.text}"


def test_a_cursor_goes_on_with_the_same_sort_and_filters_and_any_limit(busy: Busy, cursor: str) -> None:
    for query in (
        "sort=-amount&billable=true&limit=2",
        "billable=yes&sort=-amount&limit=200",
        "billable=1&sort=-amount",
    ):
        assert busy.api("GET", "/expenses", query_string=f"{query}&cursor={cursor}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "sort=amount&billable=true", "sort=createdAt&billable=true", "billable=true", "sort=-amount",
        "sort=-amount&billable=false", "sort=-amount&billable=true&category=MEALS",
        "sort=-amount&billable=true&search=x",
    ],
)  # fmt: skip
def test_a_cursor_of_another_sort_or_filter_is_refused(busy: Busy, cursor: str, query: str) -> None:
    refused(busy, f"{query}&cursor={cursor}")


@pytest.mark.parametrize("path", ["/clients", "/projects", "/tasks", "/time-entries", "/members", "/invoices"])
def test_a_cursor_of_another_operation_is_refused(busy: Busy, path: str) -> None:
    busy.add("/expenses", 3)
    theirs = busy.api("GET", "/expenses", query_string="limit=1").json["pagination"]["nextCursor"]
    refused(busy, f"cursor={theirs}", path)


def test_a_cursor_of_another_workspace_is_refused(busy: Busy, other_studio: Studio, tmp_path: Path) -> None:
    app = app_client(other_studio.database, other_studio.clock, tmp_path)
    theirs = Api(app, other_studio.owner.token)("GET", "/projects", query_string="limit=1").json["pagination"]
    refused(busy, f"limit=1&cursor={theirs['nextCursor']}", "/projects")


def test_a_colleague_with_the_same_view_may_go_on(busy: Busy, cursor: str) -> None:
    admin = Api(busy.api._client, busy.studio.people["admin"].token)
    query = f"sort=-amount&billable=true&limit=2&cursor={cursor}"
    assert admin("GET", "/expenses", query_string=query).status_code == 200


def test_no_part_of_a_cursor_is_a_cursor(busy: Busy, cursor: str) -> None:
    for end in range(len(cursor)):
        if end:  # an empty parameter is none
            refused(busy, f"sort=-amount&billable=true&cursor={cursor[:end]}")
    payload, _, mac = cursor.partition(".")
    for text in (
        payload,
        mac,
        f"{mac}.{payload}",
        f"{payload}.",
        f".{mac}",
        f"{cursor}.{mac}",
        f"{cursor}%3D",
        f" {cursor}",
    ):
        refused(busy, f"sort=-amount&billable=true&cursor={text}")


def test_what_a_cursor_says_cannot_be_changed(busy: Busy, cursor: str) -> None:
    payload, _, mac = cursor.partition(".")
    said = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    for forged in (said.replace(b'"', b" ", 1), said + b" ", b"{}", b"null", said[:-1], b'{"v":null,"id":"x","b":""}'):
        text = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
        refused(busy, f"sort=-amount&billable=true&cursor={text}.{mac}")


def test_ten_thousand_mutated_cursors_are_all_refused(busy: Busy, cursor: str) -> None:
    mutated(busy, cursor, MUTATIONS)


@pytest.mark.long
def test_a_hundred_thousand_mutated_cursors_are_all_refused(busy: Busy, cursor: str) -> None:
    mutated(busy, cursor, MUTATIONS * 10)


def mutated(busy: Busy, cursor: str, count: int) -> None:
    """Asked of the API's own reader of queries, and every hundredth over HTTP."""
    from tallystick.api.native.operations import OPERATIONS
    from tallystick.api.native.wire import NativeApi
    from tallystick.values.errors import Invalid

    api = NativeApi(KEY, OPERATIONS)
    operation = next(one for one in OPERATIONS if one.id == "listExpenses")
    actor = busy.studio.actor()
    roll = random.Random(7)
    letters = "ABCXYZabcxyz0189-_.=%+/ é\x00"
    same = [("sort", "-amount"), ("billable", "true")]
    assert "after" in api.query(operation, [*same, ("cursor", cursor)], actor)
    for number in range(count):
        text = list(cursor)
        for _ in range(roll.randint(1, 4)):
            at = roll.randrange(len(text))
            match roll.randrange(4):
                case 0:
                    text[at] = roll.choice(letters)
                case 1:
                    text.insert(at, roll.choice(letters))
                case 2 if len(text) > 1:
                    del text[at]
                case _:
                    text[at:] = reversed(text[at:])
        changed = "".join(text)
        if changed == cursor:
            continue
        with pytest.raises(Invalid) as refusal:
            api.query(operation, [*same, ("cursor", changed)], actor)
        assert list(refusal.value.fields) == ["cursor"]
        if number % 100 == 0:
            result = busy.api("GET", "/expenses", params={"sort": "-amount", "billable": "true", "cursor": changed})
            assert result.status_code == 422
