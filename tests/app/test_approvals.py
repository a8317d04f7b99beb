"""Weeks by page: handed in, looked into, approved, returned, and what a closed day looks like."""

from __future__ import annotations

import base64
import re
from datetime import date

import pytest

from tallystick.domain import approvals, time_entries, workspaces
from tests.app.conftest import Pages

MONDAY = "2026-06-08"


@pytest.fixture
def pages(pages: Pages) -> Pages:
    with pages.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
    return pages


def state(pages: Pages, who: str = "member") -> str | None:
    with pages.studio.context() as ctx:
        week = approvals.of_person(ctx, pages.studio.people[who].user_id, date.fromisoformat(MONDAY))
        return None if week is None else week.status


def week_id(pages: Pages) -> str:
    with pages.studio.context() as ctx:
        week = approvals.of_person(ctx, pages.studio.people["member"].user_id, date.fromisoformat(MONDAY))
        assert week is not None
        return week.id


def test_a_week_goes_back_and_forth_between_who_worked_and_who_approves(pages: Pages) -> None:
    member, owner = pages["member"], pages["owner"]
    own, theirs = (
        f"/time/week?week={MONDAY}",
        f"/time/week?week={MONDAY}&person={pages.studio.people['member'].user_id}",
    )
    assert "Submit the week" in member.see(own)
    assert "is not submitted yet" in member.see("/")
    member.do("/time/week/submit", {"week": MONDAY})
    assert state(pages) == "SUBMITTED"
    text = member.see(own)
    assert "Withdraw" in text
    assert re.search(r'name="cell [^"]* 2026-06-12"[^>]* readonly title="The week is submitted', text)
    assert "Return" not in re.sub(r"<[^>]*>", "", text), "who submits does not decide"
    assert "1 week waits to be approved." in owner.see("/")
    assert "Member" in owner.see("/approvals")
    owner.do(f"/approvals/{week_id(pages)}/return", {"reason": "Friday is missing"})
    assert "Friday is missing" in member.see("/")
    assert "Friday is missing" in member.see(own)
    member.do("/time/week/submit", {"week": MONDAY})
    seconds = re.search(r'name="seconds" value="(\d+)"', owner.see(theirs))
    assert seconds is not None
    assert int(seconds[1]) == 5400
    owner.do(f"/approvals/{week_id(pages)}/approve", {"seconds": seconds[1]})
    assert state(pages) == "APPROVED"
    assert "The week is approved: it cannot be changed" in owner.see(theirs)
    listed = member.see("/time?from=2026-06-08&to=2026-06-14")
    assert 'title="The week is approved: it cannot be changed"' in listed
    assert "Save" not in re.sub(r"<[^>]*>", "", member.see(f"/time/{pages.ids['entry']}").split('class="form two"')[1])
    refused = member.post(f"/time/{pages.ids['entry']}/delete")
    assert refused.status_code == 303
    assert state(pages) == "APPROVED"
    owner.do(f"/approvals/{week_id(pages)}/reopen", {"reason": "A typo"})
    assert "Opened again: A typo" in member.see(own)


def test_several_weeks_are_decided_on_together_and_what_cannot_be_is_named(pages: Pages) -> None:
    pages["member"].do("/time/week/submit", {"week": MONDAY})
    pages["owner"].do("/time/week/submit", {"week": "2026-05-04"})
    with pages.studio.context() as ctx:
        mine = approvals.of_person(ctx, pages.studio.owner.user_id, date(2026, 5, 4))
        assert mine is not None
    ids = [week_id(pages), mine.id]
    assert pages["owner"].post("/approvals", {"action": "return", "weeks": ids}).status_code == 409
    pages["owner"].do("/approvals", {"action": "approve", "weeks": ids})
    assert state(pages) == "APPROVED"
    pages["owner"].do("/approvals", {"action": "return", "weeks": ids, "reason": "late"})
    assert state(pages) == "APPROVED", "what is approved is left as it is"


def test_the_settings_turn_it_on_and_set_the_lock_date(pages: Pages) -> None:
    pages["owner"].do(
        "/settings/time",
        {"approve_weeks": "yes", "week_start": "sunday", "locked_until": "2026-05-31", "lock_month_after_days": "5"},
    )
    with pages.studio.context() as ctx:
        studio = workspaces.current(ctx)
    assert (studio.week_start, studio.locked_until, studio.lock_month_after_days) == ("sunday", date(2026, 5, 31), 5)
    assert (studio.approve_weeks, studio.lock_submitted_weeks) == (True, False)
    late = pages["owner"].post("/settings/time", {"locked_until": "2030-01-01"})
    assert late.status_code == 422
    assert "must not be after today" in late.text


def test_who_stops_a_timer_on_a_closed_day_is_told_that_it_stays_so(pages: Pages) -> None:
    with pages.studio.context("member") as ctx:
        time_entries.start(ctx, project_id=pages.ids["project"])
    with pages.studio.context() as ctx:
        workspaces.change(ctx, locked_until=date(2026, 6, 15))
    answer = pages["member"].post("/timer/stop")
    assert answer.status_code == 303
    with pages.studio.context("member") as ctx:
        assert time_entries.running(ctx) is None
    told = re.search(r"=([\w-]+)\.", answer.headers["Set-Cookie"])
    assert told is not None
    assert b"15 Jun is closed" in base64.urlsafe_b64decode(told[1] + "==")
