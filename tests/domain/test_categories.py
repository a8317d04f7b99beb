"""Categories: of each type a default one, names once, nothing lost when one goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import categories, clients, expenses, projects
from tallystick.domain.categories import CATEGORIES, Category
from tallystick.domain.clients import Client
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.projects import Project
from tallystick.values.errors import Absent, Conflict, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk, rows
from tests.studio import Studio


@pytest.fixture
def branding(desk: Desk) -> Category:
    return desk.do(categories.create, name="Branding", type="project")


def test_a_new_workspace_has_a_default_of_each_type(desk: Desk):
    found = desk.page(CATEGORIES, ("number", "type", "name", "slug", "system_default", "visibility"), sort="number")
    assert found == [
        (number, kind, "Default", f"{number}-default", True, "everyone")
        for number, kind in enumerate(("project", "client", "invoice", "expense"), 1)
    ]


def test_what_is_filed_nowhere_is_filed_under_the_default(desk: Desk):
    spent = desk.do(
        expenses.record, client_id=desk["client"], description="Train", amount=Decimal(9), expense_date=date(2026, 6, 1)
    )
    billed = desk.do(
        draft.draft, client_id=desk["client"], project_ids=[], lines=[CustomLine("Idea", Decimal(1), Decimal(9))]
    ).invoice
    copied = desk.do(draft.duplicate, billed.id).invoice
    filed = {
        "project": desk.find(Project, desk["project"]),
        "client": desk.find(Client, desk["client"]),
        "expense": spent,
        "invoice": billed,
    }
    for kind, row in (*filed.items(), ("invoice", copied)):
        assert row.category_id == desk.do(categories.default, kind)
    assert dict(desk.page(CATEGORIES, ("type", "filed"))) == {"project": 2, "client": 2, "expense": 1, "invoice": 2}


def test_one_of_ones_own_has_a_number_and_a_slug(desk: Desk, other_studio: Studio):
    made = desk.do(categories.create, name=" Größe & Über ", type="client", description="Big", icon="sl-icon-people")
    assert (made.number, made.name, made.slug, made.type) == (5, "Größe & Über", "5-groe-uber", "client")
    assert (made.description, made.icon, made.system_default) == ("Big", "sl-icon-people", False)
    assert made.created_by == desk.user("owner")
    assert desk.events(made.id) == ["category.created"]
    with other_studio.context() as ctx:
        assert categories.create(ctx, name="Größe & Über", type="client").number == 5


def test_a_type_has_a_name_once_whatever_its_case(desk: Desk, branding: Category):
    with pytest.raises(Invalid) as refused:
        desk.do(categories.create, name="BRANDING", type="project")
    assert refused.value.fields == {"name": "A category with this name already exists."}
    assert desk.do(categories.create, name="Branding", type="expense").name == "Branding", "another type has it too"
    other = desk.do(categories.create, name="Web", type="project")
    with pytest.raises(Invalid):
        desk.do(categories.change, other.id, name="branding")
    assert desk.do(categories.change, branding.id, name="BRANDING").slug == "5-branding"
    desk.do(categories.delete, branding.id)
    assert desk.do(categories.create, name="Branding", type="project").number == 8, "a deleted one is in nobody's way"


@pytest.mark.parametrize(
    ("facts", "field"), [({"name": " ", "type": "project"}, "name"), ({"name": "x", "type": "lead"}, "type")]
)
def test_what_cannot_be_is_refused(desk: Desk, facts: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        desk.do(categories.create, **facts)
    assert list(refused.value.fields) == [field]


def test_members_neither_read_nor_change_them(desk: Desk, branding: Category):
    for verb, words, facts in (
        (categories.create, (), {"name": "x", "type": "project"}),
        (categories.read, (branding.id,), {}),
        (categories.change, (branding.id,), {"name": "x"}),
        (categories.delete, (branding.id,), {}),
        (categories.migrate, (branding.id, branding.id), {}),
        (categories.set_team, (branding.id, []), {}),
        (categories.team, (branding.id,), {}),
    ):
        with pytest.raises(Forbidden):
            desk.do(verb, *words, who="member", **facts)
    assert desk.do(categories.read, branding.id, who="manager").name == "Branding"


def test_its_type_never_changes(desk: Desk, branding: Category):
    with pytest.raises(TypeError):
        desk.do(categories.change, branding.id, type="client")


class TestGoing:
    def test_the_default_stays(self, desk: Desk):
        with pytest.raises(Conflict, match="default category"):
            desk.do(categories.delete, desk.do(categories.default, "project"))

    def test_one_that_holds_something_stays(self, desk: Desk, branding: Category):
        desk.do(projects.change, desk["project"], category_id=branding.id)
        with pytest.raises(Conflict, match="There are projects in this category"):
            desk.do(categories.delete, branding.id)
        desk.do(projects.change, desk["project"], category_id=desk.do(categories.default, "project"))
        desk.do(categories.delete, branding.id)
        with pytest.raises(NotFound):
            desk.do(categories.read, branding.id)
        with pytest.raises(Absent):
            desk.do(projects.change, desk["project"], category_id=branding.id)

    def test_what_it_holds_moves(self, desk: Desk, branding: Category):
        target = desk.do(categories.create, name="Web", type="project")
        desk.do(projects.change, desk["project"], category_id=branding.id)
        desk.do(categories.migrate, branding.id, target.id)
        assert desk.find(Project, desk["project"]).category_id == target.id
        assert desk.find(Project, desk["hidden_project"]).category_id != target.id
        assert desk.events(branding.id)[-1] == "category.migrated"
        desk.do(categories.delete, branding.id)

    def test_issued_invoices_move_too_and_keep_everything_else(self, desk: Desk):
        billed = desk.do(
            draft.draft, client_id=desk["client"], project_ids=[], lines=[CustomLine("Idea", Decimal(1), Decimal(9))]
        ).invoice
        issued = desk.do(lifecycle.mark_sent, billed.id)
        target = desk.do(categories.create, name="Retainers", type="invoice")
        desk.do(categories.migrate, issued.category_id, target.id)
        moved = desk.find(Invoice, issued.id)
        assert moved.category_id == target.id
        assert (moved.number, moved.total, moved.issue_date) == (issued.number, issued.total, issued.issue_date)

    def test_only_to_another_one_of_its_type(self, desk: Desk, branding: Category):
        wrong = {
            branding.id: "must be another category",
            desk.do(categories.default, "client"): "must be a category of projects",
            "0192d3a4-5b6c-7def-8123-456789abcdef": "no such category",
        }
        for target, why in wrong.items():
            with pytest.raises(Invalid) as refused:
                desk.do(categories.migrate, branding.id, target)
            assert refused.value.fields == {"target_id": why}


def test_a_category_of_another_type_takes_nothing(desk: Desk, branding: Category):
    with pytest.raises(Absent) as refused:
        desk.do(clients.change, desk["client"], category_id=branding.id)
    assert refused.value.fields == {"category_id": "no such category of clients"}
    with pytest.raises(Absent):
        desk.do(clients.create, name="x", category_id=branding.id)


def test_its_team_is_exactly_who_is_named(desk: Desk, branding: Category):
    desk.do(categories.set_team, branding.id, [desk.user("member"), desk.user("admin"), desk.user("admin")])
    desk.do(categories.set_team, branding.id, [desk.user("admin"), desk.user("manager")])
    assert desk.do(categories.team, branding.id) == sorted([desk.user("admin"), desk.user("manager")])
    assert desk.page(CATEGORIES, ("users_count",), search="brand") == [(2,)]
    with pytest.raises(Absent):
        desk.do(categories.set_team, branding.id, ["0192d3a4-5b6c-7def-8123-456789abcdef"])
    assert len(desk.do(categories.team, branding.id)) == 2


def test_whoever_files_something_there_meanwhile_is_not_waited_for_in_a_circle(desk: Desk, branding: Category):
    """They hold a project that is about to move, and want the category to which it moves."""
    target = desk.do(categories.create, name="Web", type="project")
    desk.do(projects.change, desk["project"], category_id=branding.id)
    with ThreadPoolExecutor(1) as pool:
        with desk.studio.context() as ctx:
            ctx.find(Project, desk["project"], lock="update")
            moving = pool.submit(desk.do, categories.migrate, branding.id, target.id)
            behind_us = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            while not rows(ctx, behind_us) and not moving.done():
                pass
            projects.change(ctx, desk["project"], category_id=target.id)
        moving.result(20)
    assert desk.find(Project, desk["project"]).category_id == target.id
