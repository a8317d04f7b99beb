"""What is found by looking: told once to whom it concerns, told anew when it is so anew."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tallystick.domain import approvals, members, time_entries, workspaces
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.notifications import choices, notification
from tallystick.values.errors import Invalid, NotFound
from tests.notifications.conftest import TODAY, Office

LAST_MONDAY = TODAY - timedelta(days=7)


def owed(office: Office, due_date: date, amount: int = 4321) -> str:
    """An invoice that is sent and not paid."""
    with office.studio.context() as ctx:
        facts = {"issue_date": due_date - timedelta(days=14), "due_date": due_date}
        line = CustomLine("Concept", Decimal(1), Decimal(amount))
        made = draft(ctx, client_id=office.studio.ids["client"], project_ids=[], lines=[line], **facts)  # type: ignore[arg-type]
        return lifecycle.mark_sent(ctx, made.invoice.id).id


# --- budgets


def test_a_budget_is_told_of_at_eighty_percent_and_when_it_is_used_up_once_each(office: Office) -> None:
    office.budget(budget_hours=Decimal(10))
    office.work(7)
    office.look()
    assert office.of("owner") == []
    office.work(1)
    office.look()
    office.look()
    assert [(one.facts["level"], one.facts["percent"]) for one in office.of("manager")] == [(80, 80)]
    office.work(2)
    office.look()
    office.look()
    for who in ("owner", "admin", "manager"):
        assert [one.facts["level"] for one in office.of(who)] == [100, 80], who
    facts = office.of("owner")[0].facts
    assert (facts["used"], facts["budget"], facts["measure"], facts["currency"]) == ("10.00", "10.00", "hours", None)


def test_use_that_falls_below_is_told_of_anew_when_it_rises_again(office: Office) -> None:
    office.budget(budget_amount=Decimal(1000))  # an hour is 90 EUR
    office.work(8)
    more = office.work(1)
    office.look()
    assert [one.facts["level"] for one in office.of("owner")] == [80]
    with office.studio.context() as ctx:
        time_entries.delete(ctx, more)
    office.look()
    assert len(office.of("owner")) == 1
    office.work(1)
    office.look()
    office.look()
    assert [one.facts["used"] for one in office.of("owner")] == ["810.00", "810.00"]


def test_what_is_used_up_at_once_is_said_once(office: Office) -> None:
    office.budget(budget_hours=Decimal(10))
    office.work(13)
    office.look()
    office.look()
    assert [(one.facts["level"], one.facts["percent"]) for one in office.of("owner")] == [(100, 130)]
    assert len(office.letters("owner")) == 1


def test_an_old_budget_that_nobody_touched_lately_is_no_news(office: Office) -> None:
    office.budget(budget_hours=Decimal(10))
    office.work(13)
    office.studio.clock.now += timedelta(days=8)
    office.look()
    assert office.of("owner") == []
    office.work(1)
    office.look()
    assert office.kinds("owner") == ["budget_threshold"]


# --- invoices


def test_an_overdue_invoice_is_told_of_the_morning_after_to_those_who_manage_invoices(office: Office) -> None:
    invoice_id = owed(office, TODAY)
    owed(office, TODAY - timedelta(days=30))  # too long ago to be news
    office.look()
    assert office.of("owner") == []
    office.studio.clock.now += timedelta(hours=20, minutes=15)  # 7:45 the next day
    office.look()
    assert office.of("owner") == []
    office.studio.clock.now += timedelta(minutes=15)
    office.look()
    office.look()
    for who in ("owner", "admin", "manager"):
        (told,) = office.of(who)
        assert (told.kind, told.subject_id, told.path) == ("invoice_overdue", invoice_id, f"/invoices/{invoice_id}")
        assert (told.facts["due_date"], Decimal(told.facts["balance"])) == ("2026-06-15", Decimal(4321))
    assert office.of("member") == []
    assert office.letters("owner") == [], "by mail only who chose it"


def test_a_paid_invoice_is_not_overdue(office: Office) -> None:
    invoice_id = owed(office, TODAY - timedelta(days=1))
    with office.studio.context() as ctx:
        lifecycle.mark_paid(ctx, invoice_id)
    office.look()
    assert office.of("owner") == []


# --- timers and weeks


def test_a_forgotten_timer_is_told_of_once_to_its_person_alone(office: Office) -> None:
    with office.studio.context("member") as ctx:
        entry = time_entries.start(ctx, project_id=office.studio.ids["project"])
    office.studio.clock.now += timedelta(hours=8)
    office.look()
    assert office.of("member") == []
    office.studio.clock.now += timedelta(seconds=1)
    office.look()
    office.look()
    (told,) = office.of("member")
    assert (told.kind, told.subject_id, told.path) == ("timer_forgotten", entry.id, "/timer")
    assert told.facts["project"] == "Website"
    assert office.of("owner") == []
    ((subject, text),) = office.letters("member")
    assert subject == "Did you forget your timer?"
    assert "more than 8:00 hours: Website" in text
    assert "http://127.0.0.1:8000/timer" in text


def test_a_week_with_time_that_ended_unsubmitted_is_told_of_to_its_person(office: Office) -> None:
    with office.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
        office_owner = ctx.actor.user_id
    office.work(2, day=LAST_MONDAY)
    office.work(2, day=LAST_MONDAY - timedelta(days=7), who="owner")  # longer ago: no news
    office.look()
    office.look()
    (told,) = office.of("member")
    assert (told.kind, told.path) == ("week_not_submitted", "/time/week?week=2026-06-08")
    assert office.of("owner") == []
    assert office_owner != told.subject_id
    assert [subject for subject, _ in office.letters("member")] == ["Your week from June 8, 2026 is not submitted"]


@pytest.mark.parametrize("why", ["submitted", "not approved here", "night"])
def test_a_week_that_is_submitted_or_need_not_be_is_not_told_of(office: Office, why: str) -> None:
    with office.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=why != "not approved here")
    office.work(2, day=LAST_MONDAY)
    if why == "submitted":
        with office.studio.context("member") as ctx:
            approvals.submit(ctx, LAST_MONDAY)
    if why == "night":
        office.studio.clock.now -= timedelta(hours=6)
    office.look()
    assert office.of("member") == []


def test_a_returned_week_is_told_of_with_the_reason_each_time(office: Office) -> None:
    with office.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
    office.work(2, day=LAST_MONDAY)
    for reason in ("Friday is missing", "So is Tuesday"):
        with office.studio.context("member") as ctx:
            week = approvals.submit(ctx, LAST_MONDAY)
        with office.studio.context("manager") as ctx:
            approvals.return_(ctx, week.id, reason)
        office.studio.clock.now += timedelta(minutes=1)
    assert [one.facts["reason"] for one in office.of("member")] == ["So is Tuesday", "Friday is missing"]
    assert office.of("manager") == []
    assert ["Friday is missing" in text for _, text in office.letters("member")] == [True, False]


# --- choices


def test_each_hears_of_a_kind_as_they_chose(office: Office) -> None:
    with office.studio.context("owner") as ctx:
        choices.choose(ctx, "invoice_overdue", in_app=False, by_mail=False)
    with office.studio.context("admin") as ctx:
        choices.choose(ctx, "invoice_overdue", by_mail=True)
    with office.studio.context("manager") as ctx:
        choices.choose(ctx, "invoice_overdue", in_app=False, by_mail=True)
    owed(office, TODAY - timedelta(days=1))
    office.look()
    assert {who: (len(office.of(who)), len(office.letters(who))) for who in ("owner", "admin", "manager")} == {
        "owner": (0, 0), "admin": (1, 1), "manager": (0, 1),
    }  # fmt: skip
    with office.studio.context("owner") as ctx:
        choices.choose(ctx, "invoice_overdue", in_app=True, by_mail=True)
    office.look()
    assert office.of("owner") == [], "what was not wanted then is not told later"


def test_one_chooses_only_of_what_one_may_be_told(office: Office) -> None:
    with office.studio.context("member") as ctx:
        assert list(choices.read(ctx)) == ["timer_forgotten", "week_not_submitted", "week_returned"]
        with pytest.raises(Invalid) as refusal:
            choices.choose(ctx, "budget_threshold", in_app=True)
    assert list(refusal.value.fields) == ["kind"]


# --- who sees what


def test_who_lost_a_role_sees_no_money_of_what_they_were_told(office: Office) -> None:
    office.budget(budget_amount=Decimal(1000))
    office.work(10)
    owed(office, TODAY - timedelta(days=1))
    office.look()
    assert sorted(office.kinds("manager")) == ["budget_threshold", "invoice_overdue"]
    identity = office.of("manager")[0].id
    manager = office.studio.people["manager"]
    with office.studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, manager.user_id), "MEMBER")
    manager.role = "MEMBER"
    assert office.of("manager") == []
    with office.studio.context("manager") as ctx:
        with pytest.raises(NotFound):
            notification.read(ctx, identity)
        assert notification.read_all(ctx) == 0


def test_members_are_told_of_no_money_whatever_they_chose(office: Office) -> None:
    with office.studio.context("manager") as ctx:
        choices.choose(ctx, "invoice_overdue", by_mail=True)
    manager = office.studio.people["manager"]
    with office.studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, manager.user_id), "MEMBER")
    manager.role = "MEMBER"
    office.budget(budget_amount=Decimal(1000))
    office.work(10)
    owed(office, TODAY - timedelta(days=1))
    office.look()
    for who in ("manager", "member", "second"):
        assert (office.of(who), office.letters(who)) == ([], []), who


def test_nobody_reads_what_somebody_else_was_told(office: Office) -> None:
    owed(office, TODAY - timedelta(days=1))
    office.look()
    (told,) = office.of("admin")
    with office.studio.context("owner") as ctx, pytest.raises(NotFound):
        notification.read(ctx, told.id)
    with office.studio.context("owner") as ctx:
        assert notification.read_all(ctx) == 1
    assert [one.read_at for one in office.of("admin")] == [None]
