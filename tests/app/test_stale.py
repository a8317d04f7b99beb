"""Two people, or two tabs, change the same: whoever saves second is told, sees both versions, and loses nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tallystick.domain import time_entries
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
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
