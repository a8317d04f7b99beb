"""Numbers: counted from 1 in each workspace, each once, however many are drawn at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import categories, contacts, members, numbers
from tallystick.domain.categories import Category
from tests.domain.conftest import Desk
from tests.studio import Studio

AT_ONCE = 8


def test_people_are_counted_in_the_order_in_which_they_came(desk: Desk, other_studio: Studio):
    counted = desk.rows("SELECT role, number FROM members ORDER BY number")
    assert counted == [("OWNER", 1), ("ADMIN", 2), ("MANAGER", 3), ("MEMBER", 4), ("MEMBER", 5)]
    with other_studio.context() as ctx:
        assert members.active(ctx, other_studio.owner.user_id).number == 1


def test_whoever_comes_back_keeps_theirs(desk: Desk):
    with desk.studio.context() as ctx:
        members.remove(ctx, members.active(ctx, desk.user("second")))
        newcomer = members.add(ctx, email=f"new.{desk.user('second')}@x.example", name="New", role="MEMBER")
        back = members.add(ctx, email=desk.studio.people["second"].email, name="x", role="MEMBER")
    assert (newcomer.number, back.number) == (6, 5)


def test_the_owner_of_today_need_not_be_number_one(desk: Desk):
    with desk.studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, desk.user("admin")), "OWNER")
        assert members.active(ctx, desk.user("admin")).number == 2


def race(draw: Callable[[int], int]) -> list[int]:
    """What several draw at the same moment."""
    start = Barrier(AT_ONCE)

    def run(number: int) -> int:
        start.wait(20)
        return draw(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(run, range(AT_ONCE)))


def test_those_drawn_at_the_same_moment_are_each_other_ones(desk: Desk):
    def create(number: int) -> int:
        return desk.do(categories.create, name=f"Kind {number}", type="project").number

    assert race(create) == list(range(5, 5 + AT_ONCE))


def test_without_the_lock_they_would_collide(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The check of the test above: everybody draws before anybody commits, and the database keeps one of them."""
    monkeypatch.setattr(numbers, "_QUEUE_UP", Prepared(text("SELECT 1")))
    drawn = Barrier(AT_ONCE)

    def create(number: int) -> int:
        with desk.studio.context() as ctx:
            mine = numbers.draw(ctx, Category)
            drawn.wait(20)
            made = Category(number=mine, name=f"Kind {number}", type="project", slug="x")
            try:
                return ctx.add(made).number
            except psycopg.errors.UniqueViolation:
                ctx.connection.rollback()
                return 0

    assert race(create) == [0] * (AT_ONCE - 1) + [5]


def test_of_first_contacts_at_the_same_moment_one_is_primary(desk: Desk):
    def create(number: int) -> int:
        made = desk.do(
            contacts.create, client_id=desk["client"], first_name="A", last_name="B", email=f"{number}@globex.example"
        )
        return int(made.is_primary)

    assert race(create) == [0] * (AT_ONCE - 1) + [1]
