"""The button on an invoice's public page, and what recurring invoices do with mail."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from falcon import testing

from tallystick.auth.rate_limits import RateLimits
from tallystick.domain import clients, sending
from tallystick.domain.cards import settings
from tallystick.domain.invoices import links
from tallystick.main import build
from tallystick.settings import Settings
from tallystick.values.letter import Sender
from tests.cards.conftest import Shop
from tests.cards.fake import FakeStripe
from tests.studio import KEY

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client(shop: Shop, stripe: FakeStripe, tmp_path: Path) -> testing.TestClient:
    said = Settings(data=tmp_path, stripe_api=stripe.url, rate_limit_address=0)
    limits = RateLimits(tmp_path / "limits", clock=lambda: shop.studio.clock().timestamp())
    return testing.TestClient(build(said, shop.studio.database, KEY, clock=shop.studio.clock, limits=limits))


@pytest.fixture
def path(shop: Shop) -> str:
    """The page of an invoice that was mailed."""
    sender = Sender(host="127.0.0.1", port=25, tls="none", from_address="tally@studio.example")
    shop.server = replace(shop.server, sender=sender)
    invoice = shop.invoice()
    with shop.context() as ctx:
        clients.change(ctx, invoice.client_id, email="ap@globex.example")
        sending.send(ctx, invoice.id)
        link = links.of_invoice(ctx, invoice.id)
        assert link is not None
        return str(links.url_of(ctx, link)).removeprefix("http://127.0.0.1:8000")


def test_whoever_has_the_link_pays(shop: Shop, client: testing.TestClient, path: str, stripe: FakeStripe) -> None:
    shop.do(settings.change, fee_percent=Decimal(2))
    page = client.simulate_get(path)
    assert f'action="{path}/pay"' in page.text
    assert "Pay by card: €100.00" in page.text
    assert "€2.00" in page.text
    assert "form-action 'self' https://checkout.stripe.com" in page.headers["content-security-policy"]
    sent = client.simulate_post(f"{path}/pay", headers=OURS)
    assert (sent.status_code, sent.headers["location"]) == (303, "https://checkout.stripe.example/cs_test_1")
    ((_, asked),) = stripe.asked
    assert asked["success_url"] == asked["cancel_url"] == f"http://127.0.0.1:8000{path}"
    assert client.simulate_post(f"{path}/pay", headers=OURS).headers["location"] == sent.headers["location"]


def test_there_is_no_button_where_nothing_is_paid_by_card(shop: Shop, client: testing.TestClient, path: str) -> None:
    shop.do(settings.change, method="BANK")
    page = client.simulate_get(path)
    assert "/pay" not in page.text
    assert "form-action 'none'" in page.headers["content-security-policy"]
    assert client.simulate_post(f"{path}/pay", headers=OURS).status_code == 409


def test_other_sites_and_strangers_open_nothing(client: testing.TestClient, path: str, stripe: FakeStripe) -> None:
    assert client.simulate_post(f"{path}/pay").status_code == 403
    assert client.simulate_post(f"{path}/pay", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.simulate_post(f"{path[:-1]}/pay", headers=OURS).status_code == 404
    assert client.simulate_get(f"{path}/pay").status_code == 405
    assert stripe.asked == []


def test_nobody_opens_pages_without_end(client: testing.TestClient, path: str) -> None:
    assert [client.simulate_post(f"{path}/pay", headers=OURS).status_code for _ in range(11)] == [303] * 10 + [429]
