"""Without the network: time is started, stopped and logged on the device, sent once, and asked about where needed."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.domain import projects, time_entries
from tallystick.domain.context import utc_now
from tallystick.domain.device_actions import DeviceAction
from tallystick.domain.time_entries import TimeEntry
from tests.app.conftest import Pages, Visitor
from tests.app.test_browser import CHROMIUM, DESK, PHONE, browser, come_in, playwright
from tests.live import live_server
from tests.sign_in.conftest import PASSWORD
from tests.studio import Studio

with_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


def entries(studio: Studio, note: str | None = None) -> list[TimeEntry]:
    with studio.context() as ctx:
        return [one for one in ctx.select(TimeEntry) if one.deleted_at is None and (note is None or one.note == note)]


def said(studio: Studio, who: Visitor, made: datetime, **more: Any) -> Any:
    """What a device sends, with a clock that is right."""
    fields = {
        "owner": f"{who.signed.session.user_id}:{studio.workspace_id}", "key": "k1", "kind": "start",
        "made_at": made.isoformat(), "sent_at": studio.clock.now.isoformat(), "place": studio.ids["project"],
    }  # fmt: skip
    return who.post("/offline/send", {**fields, **more}, X_Tallystick_Swap="1")


@contextmanager
def device(pages: Pages, database_url: str, tmp_path: Path, **facts: Any) -> Generator[tuple[Any, Any, str]]:
    """A browser that has been here: signed in, the worker at work, and what is known taken along."""
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(locale="en-GB", **{"viewport": DESK, **facts})
        page = come_in(context, server, pages.studio)
        taken_along(page, worker=facts.get("service_workers") != "block")
        yield context, page, server


def taken_along(page: Any, *, worker: bool = True) -> None:
    """Until the worker, where there may be one, stands between page and network, and what is known is on the device."""
    page.evaluate(TAKEN_ALONG, worker)


HEARS_LATE = """() => {
  // What this page tells of a change reaches nobody; what became of what was sent is told still.
  const post = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) { if (message !== null) post.call(this, message); };
}"""

TAKEN_ALONG = """async (worker) => {
  while (worker && !navigator.serviceWorker.controller) await new Promise((again) => setTimeout(again, 20));
  const known = () => new Promise((done) => {
    indexedDB.open("tallystick").onsuccess = ({ target: { result: database } }) => {
      const asked = database.transaction("facts").objectStore("facts").get("known");
      asked.onsuccess = () => (database.close(), done(asked.result));
    };
  });
  while (!(await known())) await new Promise((again) => setTimeout(again, 20));
}"""
KEPT = """async () => {
  const held = {};
  for (const { name } of await indexedDB.databases()) {
    const opened = indexedDB.open(name);
    const database = await new Promise((done) => { opened.onsuccess = () => done(opened.result); });
    for (const store of database.objectStoreNames) {
      const asked = database.transaction(store).objectStore(store).getAll();
      held[`${name}.${store}`] = await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
    }
    database.close();
  }
  const pages = [];
  for (const name of await caches.keys()) pages.push(...(await (await caches.open(name)).keys()).map((one) => one.url));
  return [JSON.stringify(Object.values(held).flat()), pages];
}"""


def test_an_action_is_done_once_as_of_its_instant(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    now = studio.clock.now
    first = said(studio, owner, now - timedelta(minutes=40), note="Away")
    assert first.json["done"], first.text
    assert said(studio, owner, now - timedelta(minutes=40), note="Away").json == {**first.json, "again": True}
    stop = {"key": "k2", "kind": "stop", "timer": "k1"}
    for _ in range(2):
        assert said(studio, owner, now - timedelta(minutes=10), **stop).json["entry"] == first.json["entry"]
    (entry,) = entries(studio, "Away")
    assert (entry.started_at, entry.stopped_at) == (now - timedelta(minutes=40), now - timedelta(minutes=10))
    logged = {"key": "k3", "kind": "log", "date": "2026-06-12", "duration": "1:30", "note": "By hand"}
    for _ in range(2):
        assert said(studio, owner, now, **logged).json["done"]
    assert [one.duration_seconds for one in entries(studio, "By hand")] == [5400]


def test_a_form_whose_answer_was_lost_is_not_done_again_by_the_device(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    owner.do("/timer/start", {"place": studio.ids["project"], "note": "Once", "key": "lost"})
    assert said(studio, owner, studio.clock.now, key="lost", note="Once").json["again"] is True
    owner.do("/timer/start", {"place": studio.ids["project"], "note": "Once", "key": "lost"})
    assert len(entries(studio, "Once")) == 1
    owner.do("/timer/stop", {"key": "lost stop"})
    assert said(studio, owner, studio.clock.now, key="lost stop", kind="stop", timer="lost").json["again"] is True
    fields = {
        "place": studio.ids["project"],
        "date": "2026-06-12",
        "duration": "1",
        "note": "Logged",
        "key": "lost log",
    }
    for _ in range(2):
        owner.do("/time", fields)
    assert said(studio, owner, studio.clock.now, key="lost log", kind="log").json["again"] is True
    assert len(entries(studio, "Logged")) == 1


def test_what_changed_meanwhile_is_asked_and_nothing_is_done(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    now = studio.clock.now
    with studio.context() as ctx:
        other = time_entries.start(ctx, project_id=studio.ids["project"], started_at=now - timedelta(minutes=20))
    asked = said(studio, owner, now - timedelta(minutes=30), note="Mine")
    assert (asked.status_code, asked.json["reason"]) == (409, "other_timer")
    assert asked.json["facts"] == {"title": "Website", "started": other.started_at.timestamp() * 1000}
    assert entries(studio, "Mine") == []
    done = said(studio, owner, now - timedelta(minutes=30), note="Mine", choices="replace")
    assert done.json["done"]
    with studio.context() as ctx:
        assert time_entries.read(ctx, other.id).stopped_at == now, "it began later: no time is lost"
        time_entries.stop(ctx, done.json["entry"], stopped_at=now - timedelta(minutes=5))
    stop = {"key": "k2", "kind": "stop", "timer": "k1"}
    asked = said(studio, owner, now - timedelta(minutes=15), **stop)
    assert asked.json["reason"] == "timer_stopped"
    assert asked.json["facts"] == {"stopped": (now - timedelta(minutes=5)).timestamp() * 1000}
    assert said(studio, owner, now - timedelta(minutes=15), **stop, choices="mine").json["done"]
    (mine,) = entries(studio, "Mine")
    assert mine.stopped_at == now - timedelta(minutes=15)
    with studio.context() as ctx:
        time_entries.delete(ctx, mine.id)
    assert said(studio, owner, now, key="k3", kind="stop", timer=mine.id).json["reason"] == "timer_gone"
    with studio.context() as ctx:
        ctx.change(ctx.find(TimeEntry, other.id), invoice_id=pages.ids["draft"])
    locked = said(studio, owner, now - timedelta(minutes=1), key="k4", kind="stop", timer=other.id, choices="mine")
    assert locked.json["reason"] == "invoiced"
    with studio.context() as ctx:
        projects.change(ctx, studio.ids["project"], status="ARCHIVED")
    archived = said(studio, owner, now, key="k5", kind="log", date="2026-06-12", duration="1")
    assert archived.status_code == 409
    assert "archived" in archived.json["said"]


@pytest.mark.parametrize("choice", ["keep", "trim", "discard"])
def test_a_timer_that_ran_for_long_is_asked_about(pages: Pages, choice: str) -> None:
    studio, owner = pages.studio, pages["owner"]
    now = studio.clock.now
    assert said(studio, owner, now - timedelta(hours=20), note="Long").json["done"]
    stop = {"key": "k2", "kind": "stop", "timer": "k1"}
    assert said(studio, owner, now, **stop).json["reason"] == "timer_long"
    assert said(studio, owner, now, **stop, choices=choice).json["done"]
    hours = [one.duration_seconds / 3600 for one in entries(studio, "Long")]
    assert hours == {"keep": [20], "trim": [8], "discard": []}[choice]


def test_a_clock_that_is_wrong_is_told_and_corrected(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    now = studio.clock.now
    behind = {"sent_at": (now - timedelta(hours=3)).isoformat(), "note": "Behind"}
    asked = said(studio, owner, now - timedelta(hours=4), **behind)
    assert (asked.json["reason"], asked.json["facts"]) == ("clock_wrong", {"ahead": 3 * 3600_000})
    assert said(studio, owner, now - timedelta(hours=4), **behind, clock="correct").json["done"]
    (entry,) = entries(studio, "Behind")
    assert entry.started_at == now - timedelta(hours=1)
    reset = said(studio, owner, now, key="k2", kind="stop", timer="k1", ahead=str(600_000))
    assert reset.json["reason"] == "clock_wrong", "it was set since the device last met the server"
    assert said(studio, owner, now, key="k2", kind="stop", timer="k1", ahead=str(600_000), clock="right").json["done"]
    old = said(studio, owner, now - timedelta(days=61), key="k3", kind="log", date="2026-04-01", duration="1")
    assert old.json["reason"] == "too_old"


def test_nobody_sends_what_somebody_else_did(pages: Pages) -> None:
    studio = pages.studio
    owner = f"{pages['owner'].signed.session.user_id}:{studio.workspace_id}"
    assert said(studio, pages["member"], studio.clock.now, owner=owner).json["reason"] == "somebody_else"
    assert said(studio, pages["member"], studio.clock.now, key="m", kind="stop", timer=pages.ids["entry"]).json[
        "reason"
    ]
    state = pages["member"].get("/offline/state").json
    assert {title for _, title, _, _ in state["places"]} == {"Website", "Website · Design", "Website · Spare task"}
    assert {client for _, _, client, _ in state["places"]} == {""}, "a Member sees no clients"
    for fields in ({"kind": "x"}, {"made_at": "soon"}, {"place": ""}, {"key": ""}, {"choices": "y"}, {"sent_at": ""}):
        assert said(studio, pages["owner"], studio.clock.now, **fields).status_code == 409


def test_what_is_the_same_for_everybody_says_nothing_of_anybody(pages: Pages) -> None:
    manifest = pages.app.simulate_get("/manifest.webmanifest", query_string="lang=de").json
    assert {(one["sizes"], one["purpose"]) for one in manifest["icons"]} >= {
        ("192x192", "any"),
        ("512x512", "maskable"),
    }
    assert [one["name"] for one in manifest["shortcuts"]] == ["Stoppuhr starten", "Zeit erfassen"]
    for icon in manifest["icons"]:
        path, _, query = icon["src"].partition("?")
        answer = pages.app.simulate_get(path, query_string=query)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, icon["type"])
    worker = pages.app.simulate_get("/service-worker.js")
    assert worker.headers["Cache-Control"] == "no-cache"
    files = re.search(r"const FILES = (\[.*?\]);", worker.text)
    assert files
    for url in re.findall(r'"(/static/[^"]+)"', files[1]):
        path, _, query = url.partition("?")
        answer = pages.app.simulate_get(path, query_string=query)
        assert answer.headers["Cache-Control"].endswith("immutable"), "its address changes with its content"
    assert not re.search(r"^(export|import) ", worker.text, re.MULTILINE)
    page = pages["owner"].get("/offline")
    assert page.text == pages.app.simulate_get("/offline", headers={"Accept-Language": "en-GB"}).text
    assert 'name="csrf"' not in page.text


@with_browser
def test_a_timer_that_was_started_and_stopped_offline_is_one_entry_with_its_times(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    studio = pages.studio
    with device(pages, database_url, tmp_path) as (context, page, server):
        context.set_offline(True)
        before = utc_now()
        page.keyboard.press("t")
        page.keyboard.type("website des")
        page.locator(".option", has_text="Website · Design").wait_for()
        page.keyboard.press("Enter")
        bar = page.locator("work-timer")
        bar.get_by_text("Website · Design").wait_for()
        playwright.expect(page).to_have_title(re.compile(r"^0:00:0\d · Website"))
        bar.get_by_label("What are you doing?").fill("On the train")
        page.keyboard.press("Enter")
        page.get_by_text("Offline · 2 wait").wait_for()
        page.goto(f"{server}/projects")  # anywhere: the page for work without network
        page.get_by_role("heading", name="You are offline").wait_for()
        page.get_by_text("Website · Design", exact=True).wait_for()
        page.wait_for_timeout(1100)
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Offline · 3 wait").wait_for()
        after = utc_now()
        assert entries(studio, "On the train") == []
        context.set_offline(False)
        page.get_by_text("3 sent.").wait_for()
        (entry,) = entries(studio, "On the train")
        assert entry.task_id == studio.ids["task"]
        assert before - timedelta(seconds=1) <= entry.started_at < entry.stopped_at <= after
        assert entry.duration_seconds >= 1
        page.get_by_text("Nothing waits. All is sent.").wait_for()
        with studio.context() as ctx:
            assert [one.kind for one in ctx.select(DeviceAction)] == ["start", "note", "stop"]


@with_browser
def test_a_note_written_while_an_older_one_is_sent_is_sent_behind_it(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    studio = pages.studio
    with device(pages, database_url, tmp_path, service_workers="block") as (context, page, server):
        page.goto(f"{server}/time")
        page.keyboard.press("t")
        page.keyboard.type("website des")
        page.locator(".option", has_text="Website · Design").wait_for()
        page.keyboard.press("Enter")
        note = page.locator("work-timer").get_by_label("What are you doing?")
        note.wait_for()
        context.set_offline(True)
        note.fill("Older")
        page.keyboard.press("Enter")
        page.get_by_text("Offline · 1 waits").wait_for()
        under_way: list[Any] = []
        context.route("**/offline/send", lambda route: route.continue_() if under_way else under_way.append(route))
        context.set_offline(False)
        while not under_way:
            page.wait_for_timeout(20)
        note.fill("Newer")
        page.keyboard.press("Enter")
        page.get_by_text("2 wait", exact=True).wait_for()
        under_way[0].continue_()
        page.locator("[data-net]").wait_for(state="hidden")
        with studio.context() as ctx:
            assert time_entries.running(ctx).note == "Newer"


@with_browser
def test_an_answer_that_is_cut_off_and_two_tabs_double_nothing(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio = pages.studio
    with device(pages, database_url, tmp_path, service_workers="block") as (context, page, server):
        cut = {"left": 2}

        def cuts(route: Any) -> None:  # the server commits; nobody hears it
            answer = route.fetch()
            if cut["left"]:
                cut["left"] -= 1
                route.abort("connectionreset")
            else:
                route.fulfill(response=answer)

        context.route("**/offline/send", cuts)
        context.route("**/time", lambda route: cuts(route) if route.request.method == "POST" else route.continue_())
        page.goto(f"{server}/time")
        log = page.get_by_role("form", name="Log time")
        log.get_by_label("Duration").fill("1:15")
        log.get_by_label("Note").fill("Cut")
        log.get_by_role("button", name="Log").click()
        page.get_by_text("Kept on this device.").wait_for()
        other = context.new_page()
        other.goto(f"{server}/waiting")  # sends, is cut off, and sends again
        other.get_by_text("cut off while it was sent").or_(other.get_by_text("Nothing waits.")).first.wait_for()
        while not other.get_by_text("Nothing waits.").is_visible():
            other.locator("[data-send]").dispatch_event("click")  # it may be gone by now
            other.wait_for_timeout(100)
        assert cut["left"] == 0
        assert len(entries(studio, "Cut")) == 1

        context.set_offline(True)
        for number, tab in enumerate((page, other)):
            if number:
                form = tab.locator("[data-log]")
                form.locator("[name=duration]").fill("2")
                form.locator("[name=note]").fill("Tab 1")
                form.get_by_role("button", name="Log").click()
            else:
                log.get_by_label("Duration").fill("1")
                log.get_by_label("Note").fill("Tab 0")
                log.get_by_role("button", name="Log").click()
        other.get_by_text("Offline · 2 wait").wait_for()
        page.get_by_text("Offline · 2 wait").wait_for()
        context.set_offline(False)
        other.get_by_text("Nothing waits.").wait_for()
        for tab in (page, other):  # one of them sent both: the other says so too
            tab.get_by_text("2 sent.").wait_for()
        for number in range(2):
            assert [one.duration_seconds for one in entries(studio, f"Tab {number}")] == [3600 * (number + 1)]


@with_browser
def test_a_conflict_is_shown_and_the_person_decides(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio = pages.studio
    with device(pages, database_url, tmp_path, viewport=PHONE) as (context, page, server):
        page.goto(f"{server}/waiting")
        context.set_offline(True)
        page.get_by_label("Project or task").first.select_option(label="Website (Globex)")
        page.get_by_role("button", name="Start timer").click()
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        with studio.context() as ctx:
            studio.clock.now = utc_now()
            elsewhere = time_entries.start(ctx, project_id=studio.ids["hidden_project"])
        context.set_offline(False)
        page.get_by_text("Another timer was started meanwhile.").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        with studio.context() as ctx:
            assert time_entries.running(ctx).id == elsewhere.id, "nothing is done unasked"
        page.evaluate(HEARS_LATE)
        page.get_by_role("button", name="Stop the other, mine runs on").click()
        page.get_by_text("Nothing waits.").wait_for()
        with studio.context() as ctx:
            assert time_entries.running(ctx).project_id == studio.ids["project"]
            assert not time_entries.read(ctx, elsewhere.id).running


@with_browser
def test_a_session_that_is_over_keeps_what_waits_and_another_person_gets_none_of_it(
    pages: Pages, database_url: str, tmp_path: Path
) -> None:
    studio = pages.studio
    with device(pages, database_url, tmp_path) as (context, page, server):
        page.goto(f"{server}/waiting")
        context.set_offline(True)
        page.locator("[data-log] [name=duration]").fill("0:45")
        page.locator("[data-log] [name=note]").fill("Secret plan")
        page.locator("[data-log]").get_by_role("button", name="Log").click()
        page.get_by_text("Offline · 1 waits").wait_for()
        context.clear_cookies(name="tallystick")
        context.set_offline(False)
        page.get_by_text("You are signed out. Sign in as Owner in Studio North").wait_for()
        assert entries(studio, "Secret plan") == []
        page.get_by_role("link", name="Sign in").click()
        sign_in(page, studio, "owner")
        page.get_by_text("Nothing waits.").wait_for()
        assert len(entries(studio, "Secret plan")) == 1

        context.set_offline(True)
        page.locator("[data-log] [name=duration]").fill("0:30")
        page.locator("[data-log] [name=note]").fill("Another secret")
        page.locator("[data-log]").get_by_role("button", name="Log").click()
        page.get_by_text("Offline · 1 waits").wait_for()
        context.clear_cookies(name="tallystick")
        page.goto("about:blank")
        context.set_offline(False)
        page.goto(f"{server}/sign-in?next=/waiting")
        sign_in(page, studio, "member")
        page.get_by_text("Nothing waits.").wait_for()
        taken_along(page)
        held, kept = page.evaluate(KEPT)
        assert "secret" not in held
        assert "Globex" not in held
        assert "Rollout" not in held
        assert all("/static/" in url or "/offline?" in url for url in kept), kept
        assert entries(studio, "Another secret") == []

        page.get_by_label("Your account").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in?done=out")
        held, kept = page.evaluate(KEPT)
        assert (held, kept) == ("[]", [])


@with_browser
def test_the_worker_sends_when_every_page_is_closed(pages: Pages, database_url: str, tmp_path: Path) -> None:
    with device(pages, database_url, tmp_path) as (context, page, server):
        client = context.new_cdp_session(page)
        registrations: list[str] = []
        client.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: registrations.extend(one["registrationId"] for one in told["registrations"]),
        )
        client.send("ServiceWorker.enable")
        page.goto(f"{server}/waiting")
        context.set_offline(True)
        page.locator("[data-log] [name=duration]").fill("0:20")
        page.locator("[data-log] [name=note]").fill("Closed")
        page.locator("[data-log]").get_by_role("button", name="Log").click()
        page.get_by_text("Offline · 1 waits").wait_for()
        page.goto("about:blank")
        context.set_offline(False)
        client.send(
            "ServiceWorker.dispatchSyncEvent",
            {"origin": server, "registrationId": registrations[0], "tag": "outbox", "lastChance": False},
        )
        for _ in range(40):
            if entries(pages.studio, "Closed"):
                break
            page.wait_for_timeout(100)
        assert len(entries(pages.studio, "Closed")) == 1


def sign_in(page: Any, studio: Studio, who: str) -> None:
    page.get_by_label("E-mail").fill(studio.people[who].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
