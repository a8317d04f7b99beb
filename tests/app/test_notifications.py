"""Notifications on the pages: the bell, the list, read and unread, choices; and what the bell costs."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from unittest import mock

from tallystick.db.connection import Connection
from tallystick.domain import members
from tallystick.domain.notifications import choices, notification
from tallystick.domain.notifications.choices import KINDS, Kind
from tests.app.conftest import Pages
from tests.notifications.test_letters import FACTS

BELL = re.compile(r'<a class="button plain only bell" href="/notifications" aria-label="([^"]*)"')


def tell(pages: Pages, kind: Kind, who: str = "owner", occasion: str = "once", **other: Any) -> None:
    with pages.studio.context() as ctx:
        to = pages.studio.people[who].user_id
        notification.tell(ctx, kind, pages.ids["project"], occasion, {**FACTS[kind], **other}, to=to)


def bell(pages: Pages, who: str = "owner", path: str = "/tasks") -> str:
    found = BELL.search(pages[who].see(path))
    assert found
    return found[1]


def test_the_bell_of_every_page_says_how_many_are_unread(pages: Pages) -> None:
    assert bell(pages) == "1 unread notification"
    tell(pages, "webhook_failing")
    assert bell(pages) == "2 unread notifications"
    assert bell(pages, "member") == "Notifications"
    assert pages["owner"].do("/notifications/read-all") == "/notifications"
    assert bell(pages) == "Notifications"
    assert bell(pages, "admin") == "1 unread notification"


def test_more_than_ninety_nine_are_not_counted(pages: Pages) -> None:
    for number in range(101):
        tell(pages, "webhook_failing", occasion=str(number))
    assert "99+" in pages["owner"].see("/tasks")
    first, second = (re.findall(r"/notifications/([0-9a-f-]+)/read", text) for text in _both(pages))
    assert (len(first), len(second)) == (50, 50)
    assert not set(first) & set(second)


def _both(pages: Pages) -> tuple[str, str]:
    first = pages["owner"].see("/notifications")
    older = re.search(r'href="(/notifications\?before=[^"]+)"', first)
    assert older
    return first, pages["owner"].see(older[1])


def test_each_kind_has_its_words_and_leads_to_its_page(pages: Pages) -> None:
    for kind in KINDS:
        tell(pages, kind)
    text = pages["owner"].see("/notifications")
    for said in (
        "84 % of the budget of Website is used", "€8,400.00 of €10,000.00", "Invoice R-7 is overdue",
        "€1,234.50, due on",
        "Did you forget your timer?", "Website · Design", "is not submitted", "was returned", "Friday {is} missing",
        "A webhook is failing", "A webhook was disabled", "https://hooks.example/in",
    ):  # fmt: skip
        assert said in text, said
    for path in re.findall(r"/notifications/([0-9a-f-]+)/read", text):
        goal = pages["owner"].do(f"/notifications/{path}/read", {"open": "yes"})
        assert goal.startswith(
            ("/projects/", "/invoices/", "/timer", "/time/week?week=2026-06-08", "/settings/webhooks/")
        )
    assert bell(pages) == "Notifications"
    assert "You have read everything" in pages["owner"].see("/notifications?unread=yes")


def test_an_hour_budget_and_one_that_is_used_up_have_their_words(pages: Pages) -> None:
    tell(pages, "budget_threshold", measure="hours", used="8.50", budget="10.00", currency=None)
    tell(pages, "budget_threshold", occasion="100", level=100)
    tell(pages, "timer_forgotten", project=None, task=None)
    text = pages["owner"].see("/notifications")
    assert "8:30 of 10:00" in text
    assert "The budget of Website is used up" in text
    assert "It ran for more than 1:30: No project" in text


def test_german_pages_speak_german(pages: Pages) -> None:
    tell(pages, "week_returned", "member")
    with pages.studio.context("member") as ctx:
        members.present(ctx, language="de")
    text = pages["member"].see("/notifications")
    assert "Mitteilungen" in text
    assert "wurde zurückgegeben" in text
    assert bell(pages, "member") == "1 ungelesene Mitteilung"


def test_choices_are_made_under_ones_account(pages: Pages) -> None:
    text = pages["owner"].see("/account")
    assert len(re.findall(r'name="(?:in_app|by_mail)" value="\w+"', text)) == 2 * len(KINDS)
    assert len(re.findall(r'name="in_app" value="\w+"', pages["member"].see("/account"))) == 3
    goal = pages["owner"].do(
        "/account/notifications", {"in_app": ["week_returned"], "by_mail": ["invoice_overdue", "x"]}
    )
    assert goal == "/account#notifications"
    with pages.studio.context() as ctx:
        chosen = choices.read(ctx)
    assert [kind for kind, one in chosen.items() if one.in_app] == ["week_returned"]
    assert [kind for kind, one in chosen.items() if one.by_mail] == ["invoice_overdue"]


def test_who_lost_a_role_sees_neither_bell_nor_money(pages: Pages) -> None:
    tell(pages, "budget_threshold", "manager")
    assert bell(pages, "manager") == "2 unread notifications"
    manager = pages.studio.people["manager"]
    with pages.studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, manager.user_id), "MEMBER")
    assert bell(pages, "manager") == "Notifications"
    text = pages["manager"].see("/notifications")
    assert "Website" not in text
    assert "€" not in text


def test_whoever_looks_as_a_member_does_sees_what_a_member_sees(pages: Pages) -> None:
    tell(pages, "timer_forgotten")
    result = pages["owner"].post("/account/look")
    cookie = "; ".join(f"{name}={one.value}" for name, one in result.cookies.items())
    headers = {"Cookie": f"{pages['owner'].headers['Cookie']}; {cookie}"}
    text = pages["owner"].get("/notifications", **headers).text
    assert "Did you forget your timer?" in text
    assert "is overdue" not in text


def test_the_bell_costs_no_statement(pages: Pages) -> None:
    """It rides on the one of the frame: with and without notifications a page asks the same."""
    costs: list[int] = []
    for _ in range(2):
        with mock.patch.object(Connection, "run", autospec=True, side_effect=Connection.run) as run:
            pages["member"].see("/time")
        told = [call for call in run.call_args_list if "notifications" in str(call.args[1].sql)]
        assert len(told) == 1
        costs.append(run.call_count)
        tell(pages, "timer_forgotten", "member")
    assert costs[0] == costs[1]
    assert Decimal(costs[0]) > 0
