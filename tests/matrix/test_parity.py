"""What a list holds is what can be read one by one: random studios, every role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from falcon import testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.db.session import Database
from tallystick.domain import clients, expenses, members, projects, tasks, time_entries
from tallystick.domain.projects import Project
from tests.studio import KEY, Api, Studio, app_client, found_studio

WORKERS = ("owner", "manager", "member", "second")
CROWD = ("owner", "admin", "manager", "member", "second")


@dataclass(frozen=True)
class Plan:
    """A project: who is on it, its tasks by assignees, its time by person, and whether it is archived."""

    on: frozenset[str]
    tasks: tuple[frozenset[str], ...]
    time: tuple[str, ...]
    archived: bool
    dropped: frozenset[int]
    """Which of its entries and tasks are deleted again."""


people = st.sampled_from(WORKERS)
plans = st.builds(
    Plan,
    on=st.frozensets(st.sampled_from(("member", "second"))),
    tasks=st.lists(st.frozensets(people, max_size=2), max_size=3).map(tuple),
    time=st.lists(people, max_size=4).map(tuple),
    archived=st.booleans(),
    dropped=st.frozensets(st.integers(0, 3), max_size=2),
)


def furnish(studio: Studio, world: list[Plan]) -> dict[str, set[str]]:
    """Fill a studio by plan; answers every id there ever was, by collection."""
    made: dict[str, set[str]] = {
        name: set() for name in ("members", "clients", "projects", "tasks", "time-entries", "expenses")
    }
    made["members"] = {person.member_id for person in studio.people.values()}
    day = date(2026, 6, 1)
    with studio.context() as ctx:
        client = clients.create(ctx, name="Hooli").id
        for number, plan in enumerate(world):
            project = projects.create(ctx, client_id=client, name=f"Project {number}")
            made["projects"].add(project.id)
            for who in sorted(plan.on):
                projects.put_on(ctx, project, members.active(ctx, studio.people[who].user_id))
            for at, assignees in enumerate(plan.tasks):
                task = tasks.create(
                    ctx, project_id=project.id, name=f"Task {at}",
                    assignee_ids=[studio.people[who].user_id for who in sorted(assignees)],
                )  # fmt: skip
                made["tasks"].add(task.id)
                if at in plan.dropped:
                    tasks.archive(ctx, task.id)
            for at, who in enumerate(plan.time):
                entry = time_entries.log(
                    ctx, project_id=project.id, entry_date=day + timedelta(days=at), duration_seconds=60 * at,
                    user_id=studio.people[who].user_id,
                )  # fmt: skip
                made["time-entries"].add(entry.id)
                if at in plan.dropped:
                    time_entries.delete(ctx, entry.id)
            spent = expenses.record(
                ctx, client_id=client, description="Train", amount=Decimal(1), expense_date=day, project_id=project.id
            )
            made["expenses"].add(spent.id)
            if plan.archived:
                projects.archive(ctx, project.id)
        made["clients"] = {client, studio.ids["client"], studio.ids["other_client"]}
        made["projects"] |= {one.id for one in ctx.select(Project)}
    made["tasks"].add(studio.ids["task"])
    return made


def listed(api: Api, collection: str, query: str = "") -> list[str]:
    """The ids of a whole list, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = api("GET", f"/{collection}", query_string=f"limit=3{query}{cursor and '&cursor=' + cursor}")
        if answer.status_code == 403:
            return []
        assert answer.status_code == 200, answer.text
        found += [one["id"] for one in answer.json["data"]]
        cursor = answer.json["pagination"]["nextCursor"] or ""
        if not cursor:
            return found


def readable(api: Api, collection: str, ids: set[str]) -> set[str]:
    """The ids that can be read one by one."""
    statuses = {one: api("GET", f"/{collection}/{one}").status_code for one in ids}
    assert set(statuses.values()) <= {200, 403, 404}
    return {one for one, status in statuses.items() if status == 200}


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limits")


@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(world=st.lists(plans, min_size=1, max_size=3), sort=st.sampled_from(("createdAt", "-createdAt", "-id", "id")))
def test_what_is_listed_is_what_can_be_read(database: Database, limits: Path, world: list[Plan], sort: str) -> None:
    studio = found_studio(database, KEY)
    made = furnish(studio, world)
    client: testing.TestClient = app_client(database, studio.clock, limits)
    for who in ("member", "second", "manager"):
        api = Api(client, studio.people[who].token)
        for collection, ids in made.items():
            found = listed(api, collection, f"&sort={sort}")
            assert len(found) == len(set(found)), "no row twice"
            assert set(found) == readable(api, collection, ids), f"{who} {collection}"
        on = set(api.get("/me")["projectIds"])
        if who == "manager":
            assert on == set()
        else:
            assert on == set(listed(api, "projects"))
            for project in made["projects"] - on:
                assert listed(api, "tasks", f"&projectId={project}") == []
