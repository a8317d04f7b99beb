"""Passkeys in a real Chromium, with an authenticator of its own (WebAuthn over the DevTools protocol)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.test_browser import CHROMIUM, Watched, browser, playwright
from tests.live import free_port, live_server
from tests.sign_in.conftest import PASSWORD
from tests.studio import Studio

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def test_a_passkey_is_added_and_signs_in(with_password: Studio, database_url: str, tmp_path: Path) -> None:
    port = free_port()
    home = f"http://localhost:{port}"
    environment = {"TALLYSTICK_PORT": str(port), "TALLYSTICK_PUBLIC_URL": home}
    with live_server(database_url, tmp_path / "data", **environment), browser() as chromium:
        context = chromium.new_context(locale="en-GB")
        page = context.new_page()
        watched = Watched(page, home)
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        device = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
        page.goto(f"{home}/sign-in?next=/passkeys")
        page.get_by_label("E-mail").fill(with_password.owner.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_label("What you call it").fill("Test laptop")
        page.get_by_label("Your password").fill("wrong")
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_text("The password is not right.").wait_for()
        watched.wrong.clear()  # the browser tells of the 400
        page.get_by_label("Your password").last.fill(PASSWORD)
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_text("The passkey is added.").wait_for()
        page.goto(f"{home}/sign-out")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.wait_for_url(f"{home}/")
        assert with_password.owner.email in page.content()
        (kept,) = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
        assert (kept["rpId"], kept["isResidentCredential"]) == ("localhost", True)
        page.goto(f"{home}/sign-out")
        page.get_by_role("button", name="Sign out").click()
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_text("That did not work.").wait_for()
        assert watched.wrong == []
        playwright.expect(page).to_have_url(f"{home}/sign-in?done=out")
