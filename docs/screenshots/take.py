"""Photographs every page of the app with the demo's data: `bin/screenshots [FOLDER]` writes pictures and their page."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

from tallystick.web.app.table import PAGES

HERE: Final = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
CHROMIUM: Final = os.environ.get("TALLYSTICK_TEST_CHROMIUM", "/usr/bin/chromium")
WIDE, PHONE = (1280, 1500), (390, 844)
"""Width, and how high a picture is at most."""
COLOURS: Final = 256
MOST: Final = 6_000_000
ON_A_PHONE: Final = (
    "/", "/timer", "/time", "/time/week", "/time/calendar", "/projects", "/tasks", "/invoices", "/invoices/{id}",
    "/reports",
)  # fmt: skip
PARTS: Final = ("/timer/bar", "/timer/options", "/offline/state", "/search")
"""What scripts put into a page; nobody goes there."""
NAMES: Final = {"/": "home", "/time/week": "week", "/invoices/{id}": "invoice", "/reports": "report"}
ID: Final = "[0-9a-f]{8}-[0-9a-f-]{27}"
ADDRESSES: Final = "all => all.map(o => new URL(o.getAttribute('href') ?? o.getAttribute('action'), location).href)"
DRAWN: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
TEXT: Final = """# The app in pictures

Every page of [the app](../app.md), with the data of `bin/demo`; below them ten on a phone, in the dark.
`bin/screenshots` takes them anew.
"""


def name_of(pattern: str) -> str:
    """The name of a page's picture, without its ending."""
    return NAMES.get(pattern) or re.sub(r"[{}]", "", pattern.strip("/")).replace("/", "-")


def main() -> None:
    """Take them all, write the page that shows them, and say what is missing."""
    wanted = [page.path for page in PAGES if page.get is not None and not page.file and page.path not in PARTS]
    with served() as (url, signed), sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--lang=en-GB"])
        wide = come_in(chromium, url, signed, WIDE, "light")
        found = walk(wide, url, wanted)
        phone = come_in(chromium, url, signed, PHONE, "dark")
        for pattern in ON_A_PHONE:
            phone.goto(url + found[pattern])
            photograph(phone, PHONE, f"{name_of(pattern)}-phone")
        chromium.close()
    write_page([pattern for pattern in wanted if pattern in found])
    size = sum(file.stat().st_size for file in HERE.glob("*.png"))
    sys.stdout.write(f"{len(found)} pages, {size / 1e6:.1f} MB\n")
    missing = [pattern for pattern in wanted if pattern not in found]
    if missing:
        sys.stdout.write(f"The demo has nothing for: {', '.join(missing)}\n")
    if size > MOST:
        sys.exit(f"More than {MOST / 1e6:.0f} MB")


def walk(page: Any, url: str, wanted: list[str]) -> dict[str, str]:
    """Photograph each page at an address that the pages before it lead to: pattern → path."""
    links: dict[str, None] = {}
    found: dict[str, str] = {}

    def look(path: str) -> None:
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        hrefs = page.eval_on_selector_all("a[href], form[action]", ADDRESSES)
        links.update(dict.fromkeys(one.removeprefix(url).partition("?")[0] for one in hrefs if one.startswith(url)))

    def take(pattern: str, path: str) -> None:
        look(path)
        found[pattern] = path
        photograph(page, WIDE, name_of(pattern))

    for pattern in wanted:
        if "{" not in pattern:
            take(pattern, pattern)
    more: list[str] | None = None
    while True:
        before = len(found)
        for pattern in wanted:
            path = None if pattern in found else next((one for one in links if leads(pattern, one, wanted)), None)
            if path is not None:
                take(pattern, path)
        if len(found) == before:
            if more is not None:
                break
            more = [one for one in links if re.fullmatch(f"/(invoices|clients)/{ID}", one)]
            for path in more[:24]:  # a draft, a client with people: what the first of its kind was not
                look(path)
    return found


def leads(pattern: str, path: str, wanted: list[str]) -> bool:
    """Whether a path is one of a pattern's page, and not of another page's that has no ids."""
    shape = pattern.replace("{kind}", "[a-z-]+").replace("{language}", "[a-z-]+")
    return path not in wanted and re.fullmatch(re.sub(r"\{\w+\}", ID, shape), path) is not None


def photograph(page: Any, size: tuple[int, int], name: str) -> None:
    """The page as it is, with as few colours as it needs."""
    width, most = size
    page.set_viewport_size({"width": width, "height": 800})
    high = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(800, min(high, most))})
    page.wait_for_load_state("networkidle")
    page.evaluate(DRAWN)
    picture = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(HERE / f"{name}.png", optimize=True)


def come_in(chromium: Any, url: str, signed: dict[str, Any], size: tuple[int, int], colours: str) -> Any:
    """A browser in which the demo's owner is signed in."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": 800}, color_scheme=colours, locale="en-GB", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail").fill(signed["owner"]["email"])
    page.get_by_label("Password").fill(signed["owner"]["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{url}/")
    return page


@contextlib.contextmanager
def served() -> Generator[tuple[str, dict[str, Any]]]:
    """The demo on a free port, and who can sign in to it; it is stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sign-ins.json")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = ["demo", "--data", f"{folder}/demo", "--port", str(port), "--credentials", str(file)]
        server = subprocess.Popen([sys.executable, "-m", "tallystick", *command], stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        try:
            while not file.exists():
                if server.poll() is not None:
                    sys.exit("The demo does not start.")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", json.loads(file.read_text())
        finally:
            server.terminate()
            server.wait(60)


def write_page(patterns: list[str]) -> None:
    """The page that shows them, in the order of the menu."""
    shown = [f"## `{pattern}`\n\n![The page {pattern}]({name_of(pattern)}.png)\n" for pattern in patterns]
    phone = [f"![The page {pattern} on a phone]({name_of(pattern)}-phone.png)" for pattern in ON_A_PHONE]
    (HERE / "README.md").write_text("\n".join([TEXT, *shown, "## On a phone\n", *phone]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
