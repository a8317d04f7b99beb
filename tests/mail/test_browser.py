"""`/i/{token}` in a real browser: by day and by night, on a desk and on a telephone, and no look of ours counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import live_server
from tests.mail.conftest import Office
from tests.mail.test_public_page import issued, views

CHROMIUM = Path(os.environ.get("TALLYSTICK_TEST_CHROMIUM", "/usr/bin/chromium"))
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
SHOTS = os.environ.get("TALLYSTICK_TEST_SHOTS")
"""A folder for pictures, for whoever wants to look."""

CONTRAST = """() => {
  const light = (colour) => {
    const line = (one) => (one <= 10 ? one / 3295 : ((one / 255 + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map(line);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = read(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("main *")) {
    const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!own || element.closest("svg")) continue;
    const ink = light(read(getComputedStyle(element).color).slice(0, 3));
    const [a, b] = [ink, light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(element.textContent.trim());
  }
  return poor;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def listen(page: Any, trouble: list[str]) -> None:
    """Note what a page complains of: errors, refusals of its policy, what could not be loaded."""
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", lambda request: trouble.append(request.url))


def test_the_page_of_an_invoice(office: Office, database_url: str, tmp_path: Path, chromium: Any) -> None:
    invoice_id, path = issued(office)
    with live_server(database_url, tmp_path / "data") as server:
        for width, height in ((1280, 900), (375, 812)):
            for scheme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, user_agent=f"{scheme} {width}"
                )
                page = context.new_page()
                trouble: list[str] = []
                listen(page, trouble)
                with page.expect_response(f"**{path}/seen") as said:
                    page.goto(server + path, wait_until="load")
                assert said.value.status == 204
                assert page.get_by_role("heading", level=1).inner_text() == "Invoice INV-0001"
                assert page.get_by_role("link", name="Download PDF").is_visible()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate(CONTRAST) == []
                smallest = page.evaluate(
                    "Math.min(...[...document.querySelectorAll('.button')].map((one) => one.offsetHeight))"
                )
                assert smallest >= 44
                assert trouble == []
                if SHOTS:
                    page.screenshot(path=f"{SHOTS}/invoice-{width}-{scheme}.png", full_page=True)
                    if width == 1280 and scheme == "light":
                        page.emulate_media(media="print")
                        page.screenshot(path=f"{SHOTS}/invoice-print.png", full_page=True)
                context.close()
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(server + path)
        assert "INV-0001" in page.inner_text("main")  # without script it shows all the same, and counts nothing
        page.goto(f"{server}/i/{'x' * 43}")
        assert page.get_by_role("heading").inner_text() == "No invoice here"
        context.close()
    deadline = time.monotonic() + 5
    while views(office, invoice_id) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert views(office, invoice_id) == 4


def test_the_pages_of_links_by_mail(database_url: str, tmp_path: Path, chromium: Any) -> None:
    mail = {"TALLYSTICK_SMTP_URL": "smtp://127.0.0.1:9?tls=none", "TALLYSTICK_MAIL_FROM": "a@b.example"}
    with live_server(database_url, tmp_path / "data", **mail) as server:
        page = chromium.new_page()
        trouble: list[str] = []
        page.on("console", lambda message: trouble.append(message.text))
        page.goto(f"{server}/sign-in")
        page.get_by_role("link", name="Forgot your password?").click()
        page.get_by_label("E-mail").fill("stranger@nowhere.example")
        page.get_by_role("button", name="Send a link").click()
        assert "is on its way" in page.get_by_role("status").inner_text()
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/forgotten.png")
        assert trouble == []
        page.close()
