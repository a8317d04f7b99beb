"""Looking at pages as a member does: a member's eyes, no hands, and an entry that it was done."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tallystick.domain import audit, clients
from tallystick.domain.access import GRANTS, as_member, as_themselves
from tallystick.domain.context import LOOKING, Context, open_workspace
from tallystick.domain.entering import enter
from tallystick.values.errors import Forbidden
from tests.app.conftest import Pages, Visitor
from tests.app.test_every_page import MONEY, POSTED, SHOWN
from tests.sign_in.conftest import cookies_of


class Looker(Visitor):
    """Somebody signed in, whose browser has the cookie besides."""

    look = ""

    @property
    def headers(self) -> dict[str, str]:
        kept = super().headers
        return {**kept, "Cookie": f"{kept['Cookie']}; tallystick-look={self.look}"} if self.look else kept


def looking(pages: Pages, who: str) -> Looker:
    one = Looker(pages.app, pages[who].signed)
    began = one.post("/account/look")
    assert (began.status_code, began.headers["Location"]) == (303, "/"), began.text[-300:]
    one.look = cookies_of(began)["tallystick-look"]
    return one


def test_every_page_is_a_members_and_has_no_money(shared: Pages) -> None:
    for who in ("owner", "admin"):
        one = looking(shared, who)
        for page in SHOWN:
            result = one.get(shared.path(page.path))
            allowed = {200, 404} if page.permission in GRANTS["MEMBER"] else {403}
            assert result.status_code in allowed, (who, page.path, result.status_code)
            if page.file:
                assert result.status_code != 200 or page.permission in GRANTS["MEMBER"]
                continue
            text = re.sub(r"<template.*?</template>|<[^>]*>", " ", result.text, flags=re.DOTALL)
            assert not MONEY.search(text), (page.path, MONEY.search(text))
        home = one.see("/")
        assert "You see what a member sees, and change nothing." in home
        assert 'action="/account/look/end"' in home
        assert 'href="/invoices"' not in home
        assert "Look at pages as a member does" not in home


def test_no_form_changes_anything(shared: Pages) -> None:
    one = looking(shared, "owner")
    before = trace(shared)
    for page in POSTED:
        if page.always:
            continue
        result = one.post(shared.path(page.path), {"name": "x", "status": "DONE", "confirm": "yes"})
        assert result.status_code == 403, page.path
        assert "nothing is changed" in result.text, page.path
    assert trace(shared) == before


def trace(pages: Pages) -> list[Any]:
    with pages.studio.context() as ctx:
        enter(ctx)
        return ctx.connection.execute("SELECT last, audited FROM change_heads").fetchall()


def test_the_domain_refuses_every_write_of_whoever_only_looks(shared: Pages) -> None:
    actor = as_member(shared.studio.actor())
    assert (actor.role, actor.own_role, actor.sees_money) == ("MEMBER", "OWNER", False)
    assert as_themselves(actor) == shared.studio.actor()
    for who in ("manager", "member"):
        assert as_member(shared.studio.actor(who)) == shared.studio.actor(who)
    powerful = replace(actor, role="OWNER")  # were a verb to ask for nothing
    with shared.studio.database.transaction() as connection:
        open_workspace(connection, shared.studio.workspace_id)
        with pytest.raises(Forbidden, match="nothing is changed"):
            clients.create(Context(powerful, connection, shared.studio.clock), name="X")
    assert LOOKING.startswith("You are looking")


def test_it_is_told_and_ends_with_a_button(shared: Pages) -> None:
    one = looking(shared, "admin")
    assert one.get("/invoices").status_code == 403
    ended = one.post("/account/look/end")
    assert cookies_of(ended) == {"tallystick-look": ""}
    one.look = ""
    assert one.get("/invoices").status_code == 200
    with shared.studio.context() as ctx:
        enter(ctx)
        entries, _ = audit.page(ctx, limit=2)
    told = [(entry.came_from.action, entry.changes[0].type) for entry in entries]
    assert told == [
        ("/account/look/end", "session.looks_as_themselves"),
        ("/account/look", "session.looks_as_member"),
    ]
    assert {entry.actor_id for entry in entries} == {shared.studio.people["admin"].user_id}


def test_nobody_gains_by_the_cookie(shared: Pages) -> None:
    owner, member = looking(shared, "owner"), Looker(shared.app, shared["member"].signed)
    for who in ("manager", "member"):
        assert shared[who].post("/account/look").status_code == 403
    member.look = owner.look
    assert member.get("/invoices").status_code == 403
    assert "You see what a member sees" not in member.see("/")
    other = Looker(shared.app, shared["admin"].signed)
    other.look = owner.look  # of another session: worth nothing
    assert other.get("/invoices").status_code == 200
