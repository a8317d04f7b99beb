"""Two people, or two tabs, change the same: whoever saves second is told, sees both versions, and loses nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import contacts, payments, tax_rates, time_entries, timesheet, workspaces
from tallystick.domain.cards import settings as cards
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Sought
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.mails import settings as mail_settings
from tests.app.conftest import Pages

SENTENCE = "Somebody changed this meanwhile. Look at both versions, then save yours again to keep it."


def seen_on(text: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', text)
    assert found
    return found[1]


def test_a_stale_entry_is_not_overwritten_unseen(pages: Pages) -> None:
    ids, path = pages.ids, f"/time/{pages.ids['entry']}"
    fields: dict[str, Any] = {
        "place": ids["project"],
        "date": "2026-06-12",
        "duration": "2:00",
        "asked_billable": "yes",
    }
    fields |= {"billable": "yes", "seen": seen_on(pages["owner"].see(path))}
    pages.studio.clock.now += timedelta(minutes=1)
    pages["member"].do(path, {**fields, "duration": "3:15", "note": "Theirs"})
    stale = pages["owner"].post(path, {**fields, "note": "Mine"})
    assert stale.status_code == 409
    assert SENTENCE in stale.text
    assert 'value="2:00"' in stale.text, "what was typed stands in the form"
    assert re.search(r">Mine</textarea>", stale.text)
    assert "Saved meanwhile: 3:15" in stale.text
    assert "Saved meanwhile: Theirs" in stale.text
    with pages.studio.context() as ctx:
        assert time_entries.read(ctx, ids["entry"]).note == "Theirs"
    pages["owner"].do(path, {**fields, "note": "Mine", "seen": seen_on(stale.text)})
    with pages.studio.context() as ctx:
        assert time_entries.read(ctx, ids["entry"]).note == "Mine"


def test_a_stale_draft_is_not_overwritten_unseen(pages: Pages) -> None:
    path = f"/invoices/{pages.ids['draft']}/edit"
    shown = pages["owner"].see(path)
    pages.studio.clock.now += timedelta(minutes=1)
    with pages.studio.context("admin") as ctx:
        drafts.change(ctx, pages.ids["draft"], notes="Theirs")
    stale = pages["owner"].post(path, {"notes": "Mine", "prices": "net", "seen": seen_on(shown)})
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)
    assert "<dd>Theirs</dd>" in stale.text
    assert re.search(r">Mine</textarea>", stale.text)
    with pages.studio.context() as ctx:
        assert invoices.read(ctx, pages.ids["draft"]).notes == "Theirs"
    pages["owner"].do(path, {"notes": "Mine", "prices": "net", "seen": seen_on(stale.text)})
    with pages.studio.context() as ctx:
        assert invoices.read(ctx, pages.ids["draft"]).notes == "Mine"


@pytest.mark.parametrize("form", ["/clients/{id}/edit", "/projects/{id}/edit", "/tasks/{id}/edit", "/expenses/{id}"])
def test_every_form_of_a_row_says_which_version_it_shows(pages: Pages, form: str) -> None:
    path = pages.path(form)
    identity, _, version = seen_on(pages["owner"].see(path)).partition(":")
    assert identity in path
    stale = pages["owner"].post(path, {"name": "New", "description": "New", "amount": "5", "expense_date": "2026-06-02",
        "status": "TODO", "rate_type": "HOURLY", "seen": f"{identity}:{int(version, 16) - 1:x}"})  # fmt: skip
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)
    assert "Saved meanwhile: " in stale.text


SETTINGS: dict[str, tuple[str, dict[str, str]]] = {
    "/settings": ("name", {"name": "Mine", "time_zone": "UTC", "timer_limit": "8:00", "weekly_capacity_hours": "40"}),
    "/settings/invoices": ("invoice_notes", {"default_currency": "EUR", "prices": "net", "invoice_notes": "Mine"}),
    "/settings/time": ("lock_month_after_days", {"lock_month_after_days": "9"}),
    "/settings/payments": ("bank_name", {"bank_name": "Mine"}),
    "/settings/look": ("invoice_footer", {"brand_color": "#112233", "invoice_footer": "Mine"}),
    "/settings/numbers/invoices": ("prefix", {"prefix": "MINE-", "digits": "4"}),
}
"""Form of the workspace → a field of it, and what is typed."""


@pytest.mark.parametrize("path", SETTINGS)
def test_settings_that_somebody_changed_meanwhile_are_not_overwritten_unseen(pages: Pages, path: str) -> None:
    field, fields = SETTINGS[path]
    shown = pages["owner"].see(path)
    pages.studio.clock.now += timedelta(minutes=1)
    with pages.studio.context("admin") as ctx:
        workspaces.change(ctx, legal_name="Theirs", bank_name="Theirs", invoice_notes="Theirs")
    stale = pages["owner"].post(path, {**fields, "seen": seen_on(shown)})
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)
    assert fields[field] in stale.text, "what was typed stands in the form"
    with pages.studio.context() as ctx:
        studio = workspaces.read(ctx)
    assert (studio.legal_name, studio.bank_name, studio.invoice_notes) == ("Theirs",) * 3
    pages["owner"].do(path, {**fields, "seen": seen_on(stale.text)})


def test_a_stale_contact_is_neither_overwritten_nor_deleted_unseen(pages: Pages) -> None:
    ids = pages.ids
    path = f"/clients/{ids['client']}/contacts/{ids['contact']}"
    fields = {"first_name": "Mine", "last_name": "Berg", "email": f"mine.{ids['client'][-8:]}@globex.example"}
    fields["seen"] = seen_on(pages["owner"].see(path))
    pages.studio.clock.now += timedelta(minutes=1)
    with pages.studio.context("admin") as ctx:
        contacts.change(ctx, ids["contact"], job_position="Theirs")
    stale = pages["owner"].post(path, fields)
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)
    assert "Saved meanwhile: Bo" in stale.text
    assert 'value="Mine"' in stale.text
    assert pages["owner"].post(f"{path}/delete", fields).status_code == 409
    with pages.studio.context() as ctx:
        contact = contacts.read(ctx, ids["contact"])
    assert (contact.first_name, contact.job_position) == ("Bo", "Theirs")
    pages["owner"].do(path, {**fields, "seen": seen_on(stale.text)})


def test_a_stale_tax_rate_is_not_overwritten_unseen(pages: Pages) -> None:
    path = f"/settings/tax-rates/{pages.ids['tax']}"
    fields = {"name": "Mine", "category": "STANDARD", "percent": "7", "seen": seen_on(pages["owner"].see(path))}
    pages.studio.clock.now += timedelta(minutes=1)
    with pages.studio.context("admin") as ctx:
        tax_rates.change(ctx, pages.ids["tax"], name="Theirs")
    stale = pages["owner"].post(path, fields)
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)
    assert "Saved meanwhile: Theirs" in stale.text
    with pages.studio.context() as ctx:
        assert tax_rates.read(ctx, pages.ids["tax"]).name == "Theirs"


@pytest.mark.parametrize("before", [False, True], ids=["nobody-set-any", "set-before"])
def test_mail_and_card_settings_are_not_overwritten_unseen(pages: Pages, before: bool) -> None:
    """Also where the form showed that there are none yet."""
    owner, studio = pages["owner"], pages.studio
    if before:
        owner.do("/settings/mail", {"from_name": "First"})
        owner.do("/settings/payments/cards", {"method": "BOTH"})
    mail, reminders = re.findall(r'name="seen" value="([^"]+)"', owner.see("/settings/mail"))
    bank, card = re.findall(r'name="seen" value="([^"]+)"', owner.see("/settings/payments"))
    assert (mail, bank == card) == (reminders, False)
    studio.clock.now += timedelta(minutes=1)
    with studio.context("admin") as ctx:
        mail_settings.change(ctx, from_name="Theirs")
        cards.change(ctx, method="CARD")
    for path, fields, seen in (
        ("/settings/mail", {"from_name": "Mine"}, mail),
        ("/settings/mail/reminders", {"reminder_days": "7"}, reminders),
        ("/settings/payments/cards", {"method": "BANK"}, card),
    ):
        stale = owner.post(path, {**fields, "seen": seen})
        assert (path, stale.status_code, SENTENCE in stale.text) == (path, 409, True)
    with studio.context() as ctx:
        settings = mail_settings.read(ctx)
        assert (settings.from_name, settings.reminder_days, cards.read(ctx).method) == ("Theirs", [], "CARD")


def test_the_first_settings_are_kept_by_the_form_that_showed_none(pages: Pages) -> None:
    owner = pages["owner"]
    mail, _ = re.findall(r'name="seen" value="([^"]+)"', owner.see("/settings/mail"))
    _, card = re.findall(r'name="seen" value="([^"]+)"', owner.see("/settings/payments"))
    owner.do("/settings/mail", {"from_name": "Mine", "seen": mail})
    owner.do("/settings/payments/cards", {"method": "BANK", "seen": card})
    with pages.studio.context() as ctx:
        assert (mail_settings.read(ctx).from_name, cards.read(ctx).method) == ("Mine", "BANK")


def test_a_week_without_script_keeps_what_was_typed_and_what_others_saved(pages: Pages) -> None:
    """Of the cells of one form, those that somebody else changed meanwhile are not saved back as they were."""
    owner, studio, place = pages["owner"], pages.studio, pages.ids["project"]
    days = ("2026-06-08", "2026-06-09")
    path = "/time/week?week=2026-06-08"
    put = {"project_id": place, "task_id": None}
    with studio.context() as ctx:
        for day in days:
            timesheet.put(ctx, **put, day=date.fromisoformat(day), seconds=3600)
    form = dict(re.findall(r'name="((?:cell|was|seconds) [^"]+)" value="([^"]*)"', owner.see(path)))
    form |= {"week": days[0], f"cell {place} {days[0]}": "5:00"}
    with studio.context() as ctx:
        for day in days:
            timesheet.put(ctx, **put, day=date.fromisoformat(day), seconds=7200)
    late = owner.post("/time/week", form)
    assert (late.status_code, "it has 2:00 now" in late.text) == (409, True)
    again = dict(re.findall(r'name="((?:cell|was|seconds) [^"]+)" value="([^"]*)"', late.text))
    assert [again[f"cell {place} {day}"] for day in days] == ["5:00", "2:00"]
    owner.do("/time/week", {**again, "week": days[0]})
    with studio.context() as ctx:
        assert [one.duration_seconds for one in desk.entries(ctx, Sought(*map(date.fromisoformat, days)))] == [
            7200,
            18000,
        ]


def test_a_form_of_the_timer_is_for_the_timer_that_it_shows(pages: Pages) -> None:
    owner, studio = pages["owner"], pages.studio
    owner.do("/timer/start", {"place": pages.ids["project"]})
    shown = re.search(r'name="timer" value="([^"]+)"', owner.see("/timer"))
    assert shown
    owner.do("/timer/start", {"place": pages.ids["hidden_project"]})
    for path, fields in (("/timer/stop", {}), ("/timer/note", {"note": "Mine"})):
        late = owner.post(path, {"timer": shown[1], **fields}, X_Tallystick_Swap="1")
        assert (late.status_code, late.json["problem"].partition(":")[0]) == (409, "Another timer runs by now")
    with studio.context() as ctx:
        timer = time_entries.running(ctx)
        assert timer is not None
        assert (timer.project_id, timer.note) == (pages.ids["hidden_project"], None)
    owner.do("/timer/note", {"timer": timer.id, "note": "Theirs", "shown_note": ""})
    late = owner.post("/timer/note", {"timer": timer.id, "note": "Mine", "shown_note": ""}, X_Tallystick_Swap="1")
    assert (late.status_code, late.json["note"]) == (409, "Theirs")
    plainly = owner.post("/timer/note", {"timer": timer.id, "note": "Mine", "shown_note": ""})
    assert (plainly.status_code, "“Theirs”" in plainly.text, 'value="Mine"' in plainly.text) == (409, True, True)
    owner.do("/timer/stop", {"timer": timer.id})


@pytest.mark.parametrize("form", ["send", "payments/new", "credit", "write-off"])
def test_a_form_of_an_invoice_is_for_the_invoice_that_it_shows(pages: Pages, form: str) -> None:
    """A second payment of the same half, a second letter: whoever saw the invoice before is told."""
    path = f"/invoices/{pages.ids['sent']}/{form}"
    seen = seen_on(pages["owner"].see(path))
    pages.studio.clock.now += timedelta(minutes=10)
    with pages.studio.context("admin") as ctx:
        payments.record(ctx, pages.ids["sent"], amount=Decimal(10), paid_on=date(2026, 6, 2))
    stale = pages["owner"].post(path, {"seen": seen, "amount": "10", "paid_on": "2026-06-02", "to": "bo@globex.example",
        "reason": "Ours", "what": "all"})  # fmt: skip
    assert (stale.status_code, SENTENCE in stale.text) == (409, True)


def test_a_draft_that_somebody_changed_is_not_issued_unseen(pages: Pages) -> None:
    path = f"/invoices/{pages.ids['draft']}"
    seen = seen_on(pages["owner"].see(path))
    pages.studio.clock.now += timedelta(minutes=1)
    with pages.studio.context("admin") as ctx:
        drafts.change(ctx, pages.ids["draft"], notes="Theirs")
    for verb in ("issue", "cancel", "delete"):
        stale = pages["owner"].post(f"{path}/{verb}", {"seen": seen})
        assert (verb, stale.status_code, SENTENCE in stale.text) == (verb, 409, True)
    with pages.studio.context() as ctx:
        assert invoices.read(ctx, pages.ids["draft"]).status == "DRAFT"
