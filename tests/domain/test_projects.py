"""Projects: how far they are said to be, who manages them, and when they may go."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tallystick.domain import expenses, milestones, projects, tasks, time_entries
from tallystick.domain.invoices import draft
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.projects import PROGRESS, Project
from tallystick.values.errors import Absent, Conflict, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk


class TestStage:
    def test_a_new_project_has_not_been_started(self, desk: Desk):
        assert desk.find(Project, desk["project"]).stage == "NOT_STARTED"
        made = desk.do(projects.create, client_id=desk["client"], name="x", stage="COMPLETED")
        assert (made.status, made.stage) == ("COMPLETED", "COMPLETED")

    @pytest.mark.parametrize(
        ("facts", "status", "stage"),
        [
            ({"stage": "ON_HOLD"}, "ACTIVE", "ON_HOLD"),
            ({"stage": "COMPLETED"}, "COMPLETED", "COMPLETED"),
            ({"status": "COMPLETED"}, "COMPLETED", "COMPLETED"),
            ({"status": "ACTIVE"}, "ACTIVE", "NOT_STARTED"),
            ({"status": "ARCHIVED"}, "ARCHIVED", "NOT_STARTED"),
            ({"status": "ARCHIVED", "stage": "COMPLETED"}, "ARCHIVED", "COMPLETED"),
            ({"status": "ACTIVE", "stage": "CANCELLED"}, "ACTIVE", "CANCELLED"),
        ],
    )
    def test_it_stays_in_step_with_the_status(self, desk: Desk, facts: dict[str, Any], status: str, stage: str):
        changed = desk.do(projects.change, desk["project"], **facts)
        assert (changed.status, changed.stage) == (status, stage)

    def test_what_is_active_again_is_in_progress(self, desk: Desk):
        desk.do(projects.change, desk["project"], stage="COMPLETED")
        assert desk.do(projects.change, desk["project"], status="ACTIVE").stage == "IN_PROGRESS"
        desk.do(projects.change, desk["project"], status="COMPLETED")
        again = desk.do(projects.change, desk["project"], stage="ON_HOLD")
        assert (again.status, again.stage) == ("ACTIVE", "ON_HOLD")

    def test_what_was_put_away_comes_back_as_far_as_it_was(self, desk: Desk):
        for stage, status in (("COMPLETED", "COMPLETED"), ("ON_HOLD", "ACTIVE")):
            desk.do(projects.change, desk["project"], stage=stage)
            desk.do(projects.archive, desk["project"])
            back = desk.do(projects.restore, desk["project"])
            assert (back.status, back.stage) == (status, stage)
        assert desk.do(projects.restore, desk["project"]).stage == "ON_HOLD"

    def test_what_is_put_away_changes_its_stage_and_stays_away(self, desk: Desk):
        desk.do(projects.archive, desk["project"])
        changed = desk.do(projects.change, desk["project"], stage="COMPLETED")
        assert (changed.status, changed.stage) == ("ARCHIVED", "COMPLETED")

    def test_an_unknown_one_is_refused(self, desk: Desk):
        with pytest.raises(Invalid) as refused:
            desk.do(projects.change, desk["project"], stage="LATE")
        assert list(refused.value.fields) == ["stage"]

    def test_the_database_refuses_what_is_out_of_step(self, desk: Desk, database_url: str):
        with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE projects SET status = 'COMPLETED' WHERE id = %s", [desk["project"]])


def progress(desk: Desk, project: str = "project") -> int:
    ((value,),) = desk.rows(f"SELECT {PROGRESS} FROM projects WHERE id = :id", id=desk[project])
    return value


def test_progress_is_what_its_tasks_tell_or_somebody_says(desk: Desk):
    assert (progress(desk), progress(desk, "hidden_project")) == (0, 0)
    for name in ("Copy", "Code"):
        desk.do(tasks.create, project_id=desk["project"], name=name)
    desk.do(tasks.change, desk["task"], status="DONE")
    assert progress(desk) == 33
    desk.do(projects.change, desk["project"], progress=80, progress_manually=True)
    assert progress(desk) == 80
    for wrong in (-1, 101):
        with pytest.raises(Invalid):
            desk.do(projects.change, desk["project"], progress=wrong)


def test_estimates_are_not_negative_and_tags_are_there_once(desk: Desk):
    changed = desk.do(
        projects.change, desk["project"], estimated_hours=Decimal(40), estimated_costs=Decimal("99.5"), tags=["a", "a"]
    )
    assert (changed.estimated_hours, changed.estimated_costs, changed.tags) == (40, Decimal("99.5"), ["a"])
    for name in ("estimated_hours", "estimated_costs"):
        with pytest.raises(Invalid) as refused:
            desk.do(projects.change, desk["project"], **{name: Decimal(-1)})
        assert list(refused.value.fields) == [name]


def test_its_managers_are_exactly_who_is_named(desk: Desk):
    desk.do(projects.set_managers, desk["project"], [desk.user("admin")])
    desk.do(projects.set_managers, desk["project"], [desk.user("manager"), desk.user("manager")])
    assert desk.do(projects.managers_of, desk["project"], who="member") == [desk.user("manager")]
    desk.do(projects.set_managers, desk["project"], [])
    assert desk.do(projects.managers_of, desk["project"]) == []
    with pytest.raises(Invalid):
        desk.do(projects.set_managers, desk["project"], ["0192d3a4-5b6c-7def-8123-456789abcdef"])
    with pytest.raises(Forbidden):
        desk.do(projects.set_managers, desk["project"], [], who="member")


class TestGoing:
    def test_one_on_which_nothing_was_done_goes_with_its_tasks(self, desk: Desk):
        launch = desk.do(milestones.create, project_id=desk["project"], title="Launch")
        desk.do(projects.delete, desk["project"])
        for verb, identity in (
            (projects.read, desk["project"]),
            (tasks.read, desk["task"]),
            (milestones.read, launch.id),
        ):
            with pytest.raises(NotFound):
                desk.do(verb, identity)
        with pytest.raises(Absent):
            desk.do(tasks.create, project_id=desk["project"], name="x")
        assert desk.events(desk["project"])[-1] == "project.deleted"

    def test_one_on_which_somebody_worked_spent_or_billed_stays(self, desk: Desk):
        def work(project: str) -> None:
            desk.do(time_entries.log, project_id=project, entry_date=date(2026, 6, 1), duration_seconds=60)

        def spend(project: str) -> None:
            desk.do(
                expenses.record, client_id=desk["client"], project_id=project, description="x", amount=Decimal(1),
                expense_date=date(2026, 6, 1),
            )  # fmt: skip

        def bill(project: str) -> None:
            line = CustomLine("Idea", Decimal(1), Decimal(9), project_id=project)
            desk.do(draft.draft, client_id=desk["client"], project_ids=[], lines=[line])

        for happens in (work, spend, bill):
            project = desk.do(projects.create, client_id=desk["client"], name="x").id
            happens(project)
            with pytest.raises(Conflict, match="Archive it instead"):
                desk.do(projects.delete, project)
            assert desk.do(projects.read, project).name == "x"

    def test_members_delete_none(self, desk: Desk):
        with pytest.raises(Forbidden):
            desk.do(projects.delete, desk["project"], who="member")
