"""The pages in a real Chromium: the keyboard alone, two tabs, phones, the dark; and nothing that a policy refuses."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tallystick.domain import time_entries
from tallystick.domain.context import utc_now
from tallystick.web.app.table import PAGES
from tests.app.conftest import Pages, made
from tests.live import live_server
from tests.sign_in.conftest import PASSWORD
from tests.studio import Studio

CHROMIUM = Path(os.environ.get("TALLYSTICK_TEST_CHROMIUM", "/usr/bin/chromium"))
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
PARTS = ("/timer/bar", "/timer/options", "/offline/state")
"""What scripts put into a page; nobody goes there."""
NASTY = "\"'><img src=x onerror=window.__x=1><script>window.__x=1</script>{{7*7}}${7*7}"


class Watched:
    """A page of a browser, and what went wrong on it."""

    def __init__(self, page: Any, server: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.wrong.append(said.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda asked: (self.wrong.append(f"dialog: {asked.message}"), asked.dismiss()))
        page.on("request", lambda asked: asked.url.startswith(server) or self.wrong.append(f"elsewhere: {asked.url}"))


@contextlib.contextmanager
def browser() -> Generator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


def come_in(context: Any, server: str, studio: Studio, who: str = "owner") -> Any:
    page = context.new_page()
    page.goto(f"{server}/sign-in")
    page.locator("[name=email]").fill(studio.people[who].email)  # by name: the page speaks the browser's language
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{server}/")
    return page


def test_the_timer_and_the_week_by_keyboard_alone(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio = pages.studio
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=DESK, locale="en-GB")
        page = come_in(context, server, studio)
        watched = Watched(page, server)
        page.keyboard.press("t")
        page.keyboard.type("website des")
        page.keyboard.press("Enter")
        bar = page.locator("work-timer")
        bar.get_by_text("Website · Design").wait_for()
        playwright.expect(page).to_have_title(re.compile(r"^0:00:0[1-9] · Website"))
        with studio.context() as ctx:
            timer = time_entries.running(ctx)
        assert timer is not None
        assert timer.task_id == studio.ids["task"]

        other = context.new_page()
        other.goto(f"{server}/tasks")
        other.locator("work-timer").get_by_text("Website · Design").wait_for()
        bar.get_by_label("What are you doing?").fill("Colours")
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        bar.get_by_role("button", name="Stop the timer").click()
        page.get_by_text("0:00 logged").wait_for()
        other.get_by_role("link", name="Start timer").wait_for()  # told by the other tab, not by a reload
        with studio.context() as ctx:
            assert time_entries.running(ctx) is None
            assert time_entries.read(ctx, timer.id).note == "Colours"

        page.goto(f"{server}/time/week?add={studio.ids['project']}")
        cell = page.locator(f'[data-cell][data-place="{studio.ids["project"]}"]').first
        cell.focus()
        page.keyboard.type("1h30")
        page.keyboard.press("ArrowRight")
        page.keyboard.type("2")
        page.keyboard.press("F2")
        page.keyboard.type("By hand")
        page.keyboard.press("Enter")
        playwright.expect(page.locator("[data-sum=week]")).to_have_text("3:30")
        page.keyboard.press("ArrowLeft")
        page.keyboard.type("nonsense")
        page.keyboard.press("ArrowRight")
        page.locator("td.bad").wait_for()
        page.reload()
        cells = page.locator(f'[data-cell][data-place="{studio.ids["project"]}"]')
        assert [cells.nth(n).input_value() for n in (0, 1)] == ["1:30", "2:00"]
        assert cells.nth(1).get_attribute("data-note") == "By hand"
        page.keyboard.press("Control+k")
        page.keyboard.type("globex")
        page.locator(".option[aria-selected=true]", has_text="Globex").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url("**/clients/*")
        assert [one for one in watched.wrong if "422" not in one] == []


def test_a_forgotten_timer_asks_what_becomes_of_it(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio = pages.studio
    studio.clock.now = utc_now() - timedelta(hours=20)
    with studio.context() as ctx:
        time_entries.start(ctx, project_id=studio.ids["project"])
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=PHONE, locale="de-DE"), server, studio)
        page.get_by_role("button", name="Stoppuhr anhalten").click()
        page.get_by_role("button", name="Auf 8:00 kürzen").click()
        page.get_by_text("8:00 erfasst").wait_for()
    with studio.context() as ctx:
        assert time_entries.running(ctx) is None


@pytest.mark.parametrize(
    ("size", "colours", "locale"),
    [(DESK, "light", "en-GB"), (PHONE, "dark", "de-DE")],
    ids=["desk-light-English", "phone-dark-German"],
)
def test_no_page_has_anything_wrong(  # noqa: PLR0917 - the columns of a table
    studio: Studio, database_url: str, tmp_path: Path, size: dict[str, int], colours: str, locale: str
) -> None:
    """Names that are markup, on every page: they stay text, nothing asks elsewhere, nothing is wider than the phone."""
    (tmp_path / "app").mkdir()
    pages = made(studio, tmp_path / "app")
    spoil(studio)
    shown = [page.path for page in PAGES if page.get is not None and not page.file and page.path not in PARTS]
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=size, color_scheme=colours, locale=locale)
        page = come_in(context, server, studio)
        watched = Watched(page, server)
        sizes = {}
        barriers: set[str] = set()
        for pattern in shown:
            path = pages.path(pattern)
            answer = page.goto(server + path)
            assert answer.status == 200, path
            assert page.evaluate("window.__x") is None, path
            assert page.locator("img[src='x']").count() == 0, path
            text = page.locator("body").inner_text()
            assert "</script>49" not in text, path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide"
            assert page.evaluate(UNNAMED) == [], path
            barriers |= {f"{path}: {one}" for one in barriers_on(page)}
            sizes[path] = len(answer.body())
            shots = os.environ.get("TALLYSTICK_TEST_SHOTS")
            if shots:
                name = pattern.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "home"
                page.screenshot(path=f"{shots}/{name}-{size['width']}-{colours}.png", full_page=True)
        assert watched.wrong == []
        assert sorted(barriers) == []


def test_a_first_visit_is_small(pages: Pages, database_url: str, tmp_path: Path) -> None:
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        context = chromium.new_context(viewport=DESK)
        come_in(context, server, pages.studio)
        page = context.new_page()
        client = context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.setCacheDisabled", {"cacheDisabled": True})
        took: list[float] = []
        client.on("Network.loadingFinished", lambda done: took.append(done["encodedDataLength"]))
        page.goto(server)
        page.wait_for_load_state("networkidle")
        assert sum(took) <= 150_000, json.dumps(took)


def barriers_on(page: Any) -> list[str]:
    """What axe finds serious or worse by WCAG 2.2 A and AA: the rule, and where."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": tags}})
    return [
        f"{one['id']} {node['target'][0]} {node['html'][:120]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def spoil(studio: Studio) -> None:
    """Markup in every name and text there is."""
    tables = {
        "clients": ("name", "contact_name", "notes", "billing_line1", "tax_number"),
        "projects": ("name", "description"), "tasks": ("name", "description"), "time_entries": ("note",),
        "expenses": ("description", "custom_category"), "invoices": ("notes", "bill_to_name", "po_number"),
        "contacts": ("first_name", "job_position"), "comments": ("text",),
        "checklist_items": ("text",), "payments": ("note", "transaction_id"), "tokens": ("name",),
        "workspaces": (
            "name", "legal_name", "business_address", "invoice_notes", "invoice_footer", "payment_instructions",
            "bank_name", "tax_label", "business_line1",
        ),
        "recurring_invoices": ("name",), "tax_rates": ("name",), "refunds": ("note",),
        "invoice_lines": ("description", "heading"),
    }  # fmt: skip
    with studio.context() as ctx:
        for table, columns in tables.items():
            where = "id" if table == "workspaces" else "workspace_id"
            only = {  # what is issued does not change
                "invoices": " AND status = 'DRAFT'",
                "invoice_lines": " AND invoice_id IN (SELECT id FROM invoices WHERE status = 'DRAFT')",
            }.get(table, "")
            sets = ", ".join(f"{column} = %(nasty)s" for column in columns)
            ctx.connection.execute(
                f"UPDATE {table} SET {sets} WHERE {where} = %(here)s{only}",
                {"nasty": NASTY, "here": studio.workspace_id},
            )
        ctx.connection.execute("UPDATE people SET name = %s WHERE id = %s", (NASTY, studio.owner.user_id))


UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a')]
  .filter(one => one.checkVisibility() && !(one.labels?.length || one.ariaLabel || one.textContent.trim() || one.title))
  .map(one => one.outerHTML.slice(0, 200))"""
