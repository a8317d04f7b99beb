"""The calendar: entries stand where the wall clock has them, and move by their verbs, also while the clocks change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tallystick.domain import time_entries
from tallystick.domain.time_entries import TimeEntry
from tests.app.conftest import Pages
from tests.app.test_browser import CHROMIUM, DESK, PHONE, Watched, browser, come_in, playwright
from tests.live import live_server

BERLIN = ZoneInfo("Europe/Berlin")


def logged(pages: Pages, start: datetime, minutes: int, who: str = "owner") -> TimeEntry:
    with pages.studio.context(who) as ctx:
        return time_entries.log_interval(
            ctx, project_id=pages.ids["project"], started_at=start, stopped_at=start + timedelta(minutes=minutes)
        )


def now(pages: Pages, entry: TimeEntry) -> TimeEntry:
    with pages.studio.context() as ctx:
        return time_entries.read(ctx, entry.id)


def moved(pages: Pages, shown_entry: TimeEntry, who: str = "owner", **fields: Any) -> Any:
    started, stopped = shown_entry.started_at, shown_entry.stopped_at
    assert started is not None
    assert stopped is not None
    shown = {"entry": shown_entry.id, "started": started.isoformat(), "stopped": stopped.isoformat()}
    return pages[who].post("/time/calendar/move", {**shown, **fields})


@pytest.mark.parametrize(
    ("start", "minutes", "fields", "begins", "lasts"),
    [
        ("2026-06-15T09:00+02:00", 90, {"minutes": 15}, "2026-06-15T09:15+02:00", 90),
        ("2026-06-15T09:00+02:00", 90, {"longer": -30}, "2026-06-15T09:00+02:00", 60),
        ("2026-06-15T09:00+02:00", 90, {"days": 1}, "2026-06-16T09:00+02:00", 90),
        ("2026-06-15T09:00+02:00", 90, {"day": "2026-06-17", "at": 600}, "2026-06-17T10:00+02:00", 90),
        # The night of 29 March 2026, when 02:00 is 03:00.
        ("2026-03-28T02:30+01:00", 60, {"days": 1}, "2026-03-29T03:30+02:00", 60),
        ("2026-03-28T09:00+01:00", 60, {"days": 1}, "2026-03-29T09:00+02:00", 60),
        ("2026-03-29T01:45+01:00", 60, {"minutes": 15}, "2026-03-29T03:00+02:00", 60),
        ("2026-03-29T01:00+01:00", 240, {"day": "2026-03-29", "at": 300}, "2026-03-29T05:00+02:00", 240),
        # The night of 25 October 2026, when 03:00 is 02:00 again.
        ("2026-10-25T02:45+02:00", 30, {"minutes": 15}, "2026-10-25T02:00+01:00", 30),
        ("2026-10-25T02:30+01:00", 30, {"longer": 15}, "2026-10-25T02:30+01:00", 45),
        ("2026-10-24T12:00+02:00", 30, {"days": 1}, "2026-10-25T12:00+01:00", 30),
    ],
)
def test_a_move_keeps_real_time_and_the_wall_clock(  # noqa: PLR0917 - the columns of a table
    pages: Pages, start: str, minutes: int, fields: dict[str, Any], begins: str, lasts: int
) -> None:
    entry = logged(pages, datetime.fromisoformat(start), minutes)
    answer = moved(pages, entry, **fields)
    assert answer.status_code == 303, answer.text[-400:]
    after = now(pages, entry)
    assert after.started_at == datetime.fromisoformat(begins)
    assert after.duration_seconds == lasts * 60
    assert after.entry_date == datetime.fromisoformat(begins).astimezone(BERLIN).date()


def test_said_twice_it_moves_once(pages: Pages) -> None:
    entry = logged(pages, datetime(2026, 6, 15, 7, tzinfo=UTC), 60)
    for _ in range(2):
        assert moved(pages, entry, minutes=15).status_code == 303
    assert now(pages, entry).started_at == datetime(2026, 6, 15, 7, 15, tzinfo=UTC)


def test_what_is_locked_or_somebody_elses_does_not_move(pages: Pages) -> None:
    entry = logged(pages, datetime(2026, 6, 15, 7, tzinfo=UTC), 60)
    assert moved(pages, entry, "member", minutes=15).status_code == 404
    with pages.studio.context() as ctx:
        ctx.change(ctx.find(TimeEntry, entry.id), invoice_id=pages.ids["draft"])
    answer = pages["owner"].post(
        "/time/calendar/move",
        {"entry": entry.id, "started": "2026-06-15T07:00:00+00:00", "stopped": "2026-06-15T08:00:00+00:00", "days": 1},
        X_Tallystick_Swap="1",
    )
    assert "locked" in answer.json["problem"]
    assert now(pages, entry).started_at == datetime(2026, 6, 15, 7, tzinfo=UTC)
    page = pages["owner"].see("/time/calendar?day=2026-06-15")
    block = re.search(rf'<a id="block-{entry.id}"[^>]*>', page)
    assert block
    assert "data-fixed" in block[0]


def test_a_move_to_nowhere_names_what_is_wrong(pages: Pages) -> None:
    entry = logged(pages, datetime(2026, 6, 15, 7, tzinfo=UTC), 60)
    for fields in (
        {"longer": -60},
        {"started": "soon"},
        {"day": "2026-06-15", "at": 9999},
        {"days": "x"},
        {"entry": ""},
    ):
        answer = moved(pages, entry, **fields)
        assert answer.status_code in {303, 409, 422}
        assert now(pages, entry).started_at == datetime(2026, 6, 15, 7, tzinfo=UTC), fields


def test_it_is_a_list_with_links_without_a_script(pages: Pages) -> None:
    entry = logged(pages, datetime(2026, 6, 15, 7, tzinfo=UTC), 60)
    page = pages["owner"].see("/time/calendar?day=2026-06-15")
    assert f'href="/time/{entry.id}"' in page
    assert "09:00" in page
    assert 'href="/time/calendar/new?day=2026-06-15"' in page
    goal = pages["owner"].do(
        "/time/calendar/new",
        {"place": pages.ids["project"], "day": "2026-06-15", "start": "22:30", "end": "01:00", "note": "Late"},
    )
    assert goal.startswith("/time/calendar")
    with pages.studio.context() as ctx:
        (late,) = [one for one in ctx.select(TimeEntry) if one.note == "Late"]
    assert (late.duration_seconds, late.entry_date) == (9000, date(2026, 6, 15))
    over = pages["owner"].see("/time/calendar?day=2026-06-15")
    assert over.count(f'data-entry="{late.id}"') == 2, "on both of its days"
    wrong = pages["owner"].post("/time/calendar/new", {"day": "2026-06-15", "start": "9", "end": "25:00"})
    assert wrong.status_code == 422


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_blocks_are_made_moved_and_resized_by_pointer_and_by_keyboard(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    entry = logged(pages, datetime(2026, 6, 16, 7, tzinfo=UTC), 60)
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=DESK, locale="en-GB")
        page = come_in(context, server, pages.studio)
        watched = Watched(page, server)
        page.goto(f"{server}/time/calendar?day=2026-06-16")
        block = page.locator(f"#block-{entry.id}")
        block.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+ArrowDown")
        block.get_by_text("09:30–10:45").wait_for()
        assert page.evaluate("document.activeElement.id") == f"block-{entry.id}"
        page.keyboard.press("ArrowRight")
        page.locator('[data-day="2026-06-17"]').get_by_text("09:30–10:45").wait_for()
        after = now(pages, entry)
        assert (after.entry_date, after.duration_seconds) == (date(2026, 6, 17), 4500)

        hour = page.locator('[data-day="2026-06-17"] .cal-blocks').bounding_box()["height"] / 24
        box = page.locator(f"#block-{entry.id}").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10 + hour, steps=4)
        page.mouse.up()
        page.locator(f"#block-{entry.id}").get_by_text("10:30–11:45").wait_for()
        box = page.locator(f"#block-{entry.id}").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 3 + hour / 2, steps=4)
        page.mouse.up()
        page.locator(f"#block-{entry.id}").get_by_text("10:30–12:15").wait_for()
        assert now(pages, entry).duration_seconds == 6300

        empty = page.locator('[data-day="2026-06-18"] .cal-blocks').bounding_box()
        page.mouse.move(empty["x"] + 40, empty["y"] + hour * 13)
        page.mouse.down()
        page.mouse.move(empty["x"] + 40, empty["y"] + hour * 14 - 4, steps=4)
        page.mouse.up()
        sheet = page.get_by_role("dialog")
        sheet.get_by_label("Project or task").select_option(label="Website · Design (Globex)")
        playwright.expect(sheet.get_by_label("Start")).to_have_value("13:00")
        playwright.expect(sheet.get_by_label("End")).to_have_value("14:00")
        sheet.get_by_role("button", name="Log time").click()
        page.locator('[data-day="2026-06-18"]').get_by_text("13:00–14:00").wait_for()
        page.locator(f"#block-{entry.id}").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_role("heading", name="Time entry").wait_for()
        assert watched.wrong == []

        small = chromium.new_context(viewport=PHONE, locale="en-GB", storage_state=context.storage_state())
        phone = small.new_page()
        seen = Watched(phone, server)
        phone.goto(f"{server}/time/calendar?day=2026-06-18")
        assert phone.locator(".cal-day:visible").count() == 1
        phone.get_by_text("13:00–14:00").wait_for()
        phone.locator(".cal-days a").nth(2).click()
        phone.get_by_text("10:30–12:15").wait_for()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seen.wrong == []


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_a_report_is_filtered_saved_and_exported(pages: Pages, database_url: str, tmp_path: Path) -> None:
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=DESK, locale="en-GB", accept_downloads=True)
        page = come_in(context, server, pages.studio)
        watched = Watched(page, server)
        page.goto(f"{server}/reports?from=2026-05-01&to=2026-06-30")
        page.get_by_label("Group", exact=True).select_option(label="By client")
        page.locator('[data-report="groups"]').get_by_text("Initech").wait_for()
        assert page.get_by_role("img", name="Hours · By client").count() == 1
        page.get_by_label("All clients").select_option(label="Globex")
        playwright.expect(page.locator('[data-report="groups"]').get_by_text("Initech")).to_have_count(0)
        assert "group=client" in page.url
        assert f"clientId={pages.ids['client']}" in page.url
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as started:
            page.get_by_role("link", name="CSV").click()
        text = Path(started.value.path()).read_text("utf-8-sig")
        assert len(text.splitlines()) == 3, "the header, and the two entries of Globex"
        assert "Rollout" not in text
        page.get_by_text("Views", exact=True).click()
        page.get_by_label("Save this view as").fill("Globex, by client")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Globex, by client is saved.").wait_for()
        page.goto(f"{server}/reports")
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Globex, by client").click()
        page.wait_for_url("**clientId=**")
        page.locator('[data-report="groups"]').get_by_text("Globex").wait_for()
        assert watched.wrong == []


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
def test_a_finger_that_rests_draws_and_moves_and_time_without_a_start_stays_in_sight(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    entry = logged(pages, datetime(2026, 6, 16, 8, tzinfo=UTC), 60)
    with pages.studio.context() as ctx:
        time_entries.log(
            ctx, project_id=pages.ids["project"], entry_date=date(2026, 6, 16), duration_seconds=5400, note="Loose"
        )
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=PHONE, locale="en-GB", has_touch=True)
        page = come_in(context, server, pages.studio)
        client = context.new_cdp_session(page)

        def touch(kind: str, *at: float) -> None:
            points = [{"x": at[0], "y": at[1]}] if at else []
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        page.goto(f"{server}/time/calendar?day=2026-06-16")
        loose = page.locator(".cal-day.chosen .cal-loose")
        frame = page.locator(".cal").bounding_box()
        assert page.locator(".cal").evaluate("one => one.scrollTop") > 0
        strip = loose.bounding_box()
        assert frame["y"] <= strip["y"] < frame["y"] + 10, "above the hours, wherever they are scrolled"
        hour = page.locator(".cal-day.chosen .cal-blocks").bounding_box()["height"] / 24
        block = page.locator(f"#block-{entry.id}").bounding_box()
        x, y = block["x"] + 40, block["y"] + 10
        touch("touchStart", x, y)
        page.locator(".cal-block.moving").wait_for()
        for part in (0.3, 0.7, 1):
            touch("touchMove", x, y + hour * part)
        touch("touchEnd")
        page.locator(f"#block-{entry.id}").get_by_text("11:00–12:00").wait_for()
        assert now(pages, entry).started_at == datetime(2026, 6, 16, 9, tzinfo=UTC)
        below = page.locator(f"#block-{entry.id}").bounding_box()
        y = below["y"] + hour * 2
        touch("touchStart", x, y)
        page.locator(".cal-block.drawing").wait_for()
        for part in (0.4, 0.9):
            touch("touchMove", x, y + hour * part)
        touch("touchEnd")
        playwright.expect(page.get_by_role("dialog").get_by_label("Start")).to_have_value("13:00")
