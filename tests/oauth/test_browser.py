"""A real browser, without script, from an app through sign-in and consent and back, at a real server."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import urllib.request
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.live import live_server
from tests.oauth.conftest import AUTHORIZE, TOKEN, register
from tests.sign_in.conftest import PASSWORD
from tests.studio import Studio

CHROMIUM = Path(os.environ.get("TALLYSTICK_TEST_CHROMIUM", "/usr/bin/chromium"))
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


@contextlib.contextmanager
def app_listening() -> Generator[tuple[str, list[str]]]:
    """An app on this machine: its address, and what browsers asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Welcome back")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/callback", asked
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def browser() -> Generator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


def post(url: str, **given: str) -> Any:
    with urllib.request.urlopen(url, urlencode(given).encode()) as answer:
        return json.load(answer)


def test_somebody_signs_in_approves_and_comes_back_with_a_code(
    with_password: Studio, database_url: str, tmp_path: Path
) -> None:
    client_id, _ = register(with_password, "http://127.0.0.1/callback")
    verifier = secrets.token_urlsafe(48)
    with (
        live_server(database_url, tmp_path / "data") as server,
        app_listening() as (callback, asked),
        browser() as chromium,
    ):
        query = {
            "client_id": client_id, "redirect_uri": callback, "response_type": "code", "state": "abc",
            "scope": "entries:read entries:write team:read", "code_challenge_method": "S256",
            "code_challenge": create_s256_code_challenge(verifier),
        }  # fmt: skip
        page = chromium.new_context(java_script_enabled=False).new_page()
        page.goto(f"{server}{AUTHORIZE}?{urlencode(query)}")
        page.get_by_label("E-mail").fill(with_password.owner.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Allow Chart Room?").wait_for()
        shots = os.environ.get("TALLYSTICK_TEST_SHOTS")
        for width in (1280, 390) if shots else ():
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=f"{shots}/consent-{width}.png", full_page=True)
        page.get_by_role("button", name="Deny").click()
        page.get_by_text("Welcome back").wait_for()
        said = parse_qs(urlsplit(asked[0]).query)
        assert (said["error"], said["state"], said["iss"]) == (["access_denied"], ["abc"], [server])

        page.goto(f"{server}{AUTHORIZE}?{urlencode(query)}")
        page.get_by_role("button", name="Allow").click()
        page.get_by_text("Welcome back").wait_for()
        said = parse_qs(urlsplit(next(path for path in asked if "code=" in path)).query)
        assert (said["state"], said["iss"]) == (["abc"], [server])
        tokens = post(
            f"{server}{TOKEN}", grant_type="authorization_code", code=said["code"][0], redirect_uri=callback,
            client_id=client_id, code_verifier=verifier,
        )  # fmt: skip
        request = urllib.request.Request(
            f"{server}/v1/time-entries", headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
