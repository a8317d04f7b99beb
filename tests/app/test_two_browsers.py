"""Two real browsers change the same thing: nothing is doubled or lost, and whoever is late is told in words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tallystick.domain import payments, time_entries
from tallystick.domain.context import utc_now
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Sought
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.mails.mail import MAILS
from tests.app.conftest import Pages
from tests.app.test_browser import CHROMIUM, DESK, browser, come_in
from tests.app.test_stale import SENTENCE
from tests.live import live_server
from tests.studio import MAIL

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


@contextmanager
def two(
    pages: Pages, database_url: str, data: Path, second: str = "owner", **environment: str
) -> Generator[tuple[str, Any, Any]]:
    """A server, the owner in one browser, and somebody in another that shares nothing with it."""
    with live_server(database_url, data, **environment) as server, browser() as chromium:
        here, there = (
            come_in(chromium.new_context(viewport=DESK, locale="en-GB"), server, pages.studio, who)
            for who in ("owner", second)
        )
        yield server, here, there


def click_at_once(*buttons: Any) -> None:
    """All of them before any is answered."""
    for button in buttons:
        button.wait_for()
    for button in buttons:
        button.evaluate("button => { setTimeout(() => button.click()) }")


def test_two_browsers_of_one_person_at_the_same_timer(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio, ids = pages.studio, pages.ids
    begun = utc_now()
    with two(pages, database_url, tmp_path / "data") as (server, here, there):
        for page in (here, there):
            page.goto(f"{server}/timer")
            page.get_by_label("Project or task").select_option(f"{ids['project']}:{ids['task']}")
        click_at_once(*(page.locator("main").get_by_role("button", name="Start timer") for page in (here, there)))
        for page in (here, there):
            page.locator("work-timer").get_by_text("Website · Design").wait_for()
        studio.clock.now = utc_now()
        with studio.context() as ctx:
            timer = time_entries.running(ctx)
            assert timer is not None
            day = Sought(begun.date() - timedelta(days=1), begun.date() + timedelta(days=1))
            assert [one.id for one in desk.entries(ctx, day)] == [timer.id], "started twice at once, it runs once"

        for page in (here, there):
            page.goto(f"{server}/timer")
            page.route("**/timer/bar", lambda route: route.abort())  # neither hears what the other does
        note = here.locator("work-timer").get_by_label("What are you doing?")
        note.fill("Mine")
        with here.expect_response("**/time*"):
            note.press("Enter")
        late = there.locator("work-timer").get_by_label("What are you doing?")
        late.fill("Theirs")
        late.press("Enter")
        there.get_by_text("The note was changed meanwhile: “Mine”. Save yours again to keep it.").wait_for()
        with studio.context() as ctx:
            assert time_entries.read(ctx, timer.id).note == "Mine"
        with there.expect_response(lambda answer: answer.ok and "/time" in answer.url):
            late.press("Enter")
        with studio.context() as ctx:
            assert time_entries.read(ctx, timer.id).note == "Theirs"

        here.locator("work-timer").get_by_role("button", name="Stop the timer").click()
        here.get_by_text("logged.").wait_for()
        here.goto(f"{server}/timer")
        here.get_by_label("Project or task").select_option(ids["hidden_project"])
        here.locator("main").get_by_role("button", name="Start timer").click()
        here.locator("work-timer").get_by_text("Rollout").wait_for()
        there.unroute("**/timer/bar")
        there.locator("work-timer").get_by_role("button", name="Stop the timer").click()
        there.get_by_text("Another timer runs by now: it was started elsewhere.").wait_for()
        there.locator("work-timer").get_by_text("Rollout").wait_for()  # and it shows which
        with studio.context() as ctx:
            other = time_entries.running(ctx)
            assert other is not None
            assert other.project_id == ids["hidden_project"]

        click_at_once(
            *(page.locator("work-timer").get_by_role("button", name="Stop the timer") for page in (here, there))
        )
        bars = [page.locator("#said") for page in (here, there)]
        said = [bar.get_by_text("logged.").or_(bar.get_by_text("No timer is running.")) for bar in bars]
        for one in said:
            one.wait_for()
        assert sorted(one.inner_text().endswith("running.") for one in said) == [False, True]
        with studio.context() as ctx:
            assert time_entries.running(ctx) is None
            assert {one.id for one in desk.entries(ctx, day)} == {timer.id, other.id}


def test_two_people_at_the_same_cell_of_a_week(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio, ids = pages.studio, pages.ids
    whose, monday = studio.people["member"].user_id, "2026-06-08"

    def kept() -> list[tuple[int, str | None]]:
        with studio.context() as ctx:
            first = utc_now().date().fromisoformat(monday)
            found = desk.entries(ctx, Sought(first, first, user_id=whose))
            return [(one.duration_seconds, one.note) for one in found]

    with two(pages, database_url, tmp_path / "data", "member") as (server, owner, member):
        week = f"{server}/time/week?week={monday}&add={ids['project']}"
        owner.goto(f"{week}&person={whose}")
        member.goto(week)
        cell = f'[data-cell][data-place="{ids["project"]}"][data-day="{monday}"]'
        theirs, late = member.locator(cell), owner.locator(cell)
        theirs.fill("2")
        theirs.press("F2")
        member.keyboard.type("Sketches")
        member.keyboard.press("Enter")
        playwright.expect(theirs).to_have_attribute("data-note", "Sketches")
        assert kept() == [(7200, "Sketches")]

        late.fill("3")
        late.press("Tab")
        owner.get_by_text("it has 2:00 now. Yours is not saved; save it again to keep it.").wait_for()
        assert kept() == [(7200, "Sketches")]
        playwright.expect(late).to_have_value("3")
        playwright.expect(owner.locator("[data-sum=week]")).not_to_have_text("0:00")
        late.press("Enter")
        owner.locator("td.bad").wait_for(state="detached")
        assert kept() == [(10_800, "Sketches")], "what the other noted is not lost"

        theirs.focus()
        theirs.press("F2")
        member.keyboard.press("Control+a")
        member.keyboard.type("Drafts")
        member.keyboard.press("Enter")
        member.get_by_text("it has 3:00 now. Yours is not saved; save it again to keep it.").wait_for()
        assert kept() == [(10_800, "Sketches")]
        theirs.press("Escape")
        playwright.expect(theirs).to_have_value("3:00")
        theirs.press("F2")
        member.keyboard.press("Enter")
        playwright.expect(theirs).to_have_attribute("data-note", "Drafts")
        assert kept() == [(10_800, "Drafts")]


@pytest.mark.parametrize("second", ["owner", "admin"])
def test_two_browsers_at_the_same_invoice(pages: Pages, database_url: str, tmp_path: Path, second: str) -> None:
    """Edited, sent and paid in both: by one person, and by two."""
    studio, draft = pages.studio, pages.ids["draft"]
    environment = {f"TALLYSTICK_{name.upper()}": value for name, value in MAIL.items()}
    with two(pages, database_url, tmp_path / "data", second, **environment) as (server, here, there):
        for page in (here, there):
            page.goto(f"{server}/invoices/{draft}/edit")
        here.get_by_label("Notes").fill("Mine")
        here.get_by_role("button", name="Save", exact=True).click()
        here.wait_for_url(f"{server}/invoices/{draft}")
        there.get_by_label("Notes").fill("Theirs")
        there.get_by_role("button", name="Save", exact=True).click()
        there.get_by_text(SENTENCE).wait_for()
        there.locator("dd", has_text="Mine").wait_for()
        playwright.expect(there.get_by_label("Notes")).to_have_value("Theirs")
        with studio.context() as ctx:
            assert invoices.read(ctx, draft).notes == "Mine"

        for page in (here, there):
            page.goto(f"{server}/invoices/{draft}/send")
            page.get_by_label("To", exact=True).fill("bills@initech.example")
        click_at_once(*(page.get_by_role("button", name="Issue and send") for page in (here, there)))
        told = [
            page.get_by_text("is on its way to bills@initech.example").or_(page.get_by_text(SENTENCE))
            for page in (here, there)
        ]
        for one in told:
            one.first.wait_for()
        assert sorted(SENTENCE in one.first.inner_text() for one in told) == [False, True]
        with studio.context() as ctx:
            sent = invoices.read(ctx, draft)
            assert (sent.status, sent.notes) == ("SENT", "Mine")
            assert MAILS.page(ctx, ("kind",), {"invoice_id": draft}).rows == [("invoice",)]

        for page in (here, there):  # half of it, so that the balance would bear it twice
            page.goto(f"{server}/invoices/{draft}/payments/new")
            page.get_by_label("Amount in").fill("10")
        click_at_once(*(page.get_by_role("button", name="Record it") for page in (here, there)))
        told = [page.get_by_text("The payment is recorded.").or_(page.get_by_text(SENTENCE)) for page in (here, there)]
        for one in told:
            one.first.wait_for()
        assert sorted(SENTENCE in one.first.inner_text() for one in told) == [False, True]
        with studio.context() as ctx:
            assert [one.amount for one in payments.of_invoice(ctx, draft)] == [Decimal(10)]
