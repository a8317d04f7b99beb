"""Card payments over HTTP and as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.auth.rate_limits import RateLimits
from tallystick.main import build
from tallystick.settings import Settings
from tallystick.values.ids import new_id
from tests.cards.conftest import Shop
from tests.cards.fake import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, signed
from tests.cli.conftest import Filled, Tallystick, data, filled, new_database, own_pool, own_url, tallystick
from tests.studio import KEY, Api, Studio

__all__ = ["data", "filled", "new_database", "own_pool", "own_url", "tallystick"]


@pytest.fixture
def client(studio: Studio, stripe: FakeStripe, tmp_path: Path) -> testing.TestClient:
    said = Settings(data=tmp_path, stripe_api=stripe.url, rate_limit_address=0)
    limits = RateLimits(tmp_path / "limits", clock=lambda: studio.clock().timestamp())
    return testing.TestClient(build(said, studio.database, KEY, clock=studio.clock, limits=limits))


def tell(client: testing.TestClient, workspace: str, body: bytes, signature: str | None) -> testing.Result:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if signature is not None:
        headers["Stripe-Signature"] = signature
    return client.simulate_post(f"/stripe/webhook/{workspace}", body=body, headers=headers)


def test_a_callback_pays_an_invoice(shop: Shop, stripe: FakeStripe, client: testing.TestClient) -> None:
    invoice = shop.invoice()
    body, signature = signed(stripe.pay(shop.checkout(invoice).session_id), shop.studio.clock())
    workspace = shop.studio.workspace_id
    assert [tell(client, workspace, body, signature).json for _ in range(2)] == [
        {"outcome": "APPLIED"}, {"outcome": "KNOWN"},
    ]  # fmt: skip
    assert shop.again(invoice).status == "PAID"


def test_what_is_not_signed_is_a_400_whoever_is_meant(
    shop: Shop, stripe: FakeStripe, client: testing.TestClient, other_studio: Studio
) -> None:
    invoice = shop.invoice()
    body, signature = signed(stripe.pay(shop.checkout(invoice).session_id), shop.studio.clock())
    answers = [
        tell(client, shop.studio.workspace_id, body, None),
        tell(client, shop.studio.workspace_id, body, "t=1,v1=0"),
        tell(client, shop.studio.workspace_id, body[:-1], signature),
        tell(client, other_studio.workspace_id, body, signature),
        tell(client, new_id(), body, signature),
        tell(client, "nobody", body, signature),
    ]
    assert [answer.status_code for answer in answers] == [400] * 6
    assert len({answer.text for answer in answers}) == 1
    assert shop.again(invoice).status == "SENT"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"id": 1}', b"\xff", b"[" * 5000, b'{"data": {}}'])
def test_no_body_is_a_fault_of_ours(shop: Shop, client: testing.TestClient, body: bytes) -> None:
    for signature in (None, "t=1", "," * 3000, "t=9" * 500):
        assert tell(client, shop.studio.workspace_id, body, signature).status_code == 400


def test_a_large_body_and_another_type_are_refused(shop: Shop, client: testing.TestClient) -> None:
    path = f"/stripe/webhook/{shop.studio.workspace_id}"
    assert tell(client, shop.studio.workspace_id, b" " * 70_000, None).status_code == 413
    assert client.simulate_post(path, body=b"a=1", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.simulate_get(path).status_code == 405


def test_pages_that_payers_arrive_at_say_so(client: testing.TestClient) -> None:
    for path, word in (("/paid", "Thank you"), ("/not-paid", "Nothing was charged")):
        answer = client.simulate_get(path)
        assert (answer.status_code, word in answer.text) == (200, True)
        assert answer.headers["content-security-policy"] == "default-src 'none'"


def test_everything_over_the_native_api(shop: Shop, client: testing.TestClient, stripe: FakeStripe) -> None:
    api = Api(client, shop.studio.owner.token)
    told = api("PUT", "/card-settings", {"feePercent": "2.50", "secretKey": SECRET_KEY, "method": "CARD"}).json["data"]
    assert told == {
        "method": "CARD", "feePercent": "2.50", "secretKeySet": True, "webhookSecretSet": True,
        "webhookUrl": f"http://127.0.0.1:8000/stripe/webhook/{shop.studio.workspace_id}",
    }  # fmt: skip
    assert SECRET_KEY not in json.dumps(told)
    invoice = shop.invoice()
    stripe.down = True
    refused = api("POST", f"/invoices/{invoice.id}/checkout", {}, headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json["error"]["reason"]) == (409, "try_again")
    assert [one["url"] for one in api.get(f"/invoices/{invoice.id}/checkouts")] == [None]
    stripe.down = False
    first = api("POST", f"/invoices/{invoice.id}/checkout", {}, headers={"Idempotency-Key": "one"})
    assert (first.status_code, first.json["data"]["status"]) == (201, "OPEN")
    asked = len(stripe.asked)
    replayed = api("POST", f"/invoices/{invoice.id}/checkout", {}, headers={"Idempotency-Key": "one"})
    assert (replayed.json, replayed.headers["idempotent-replayed"]) == (first.json, "true")
    small = api("POST", f"/invoices/{shop.invoice('0.10').id}/checkout", {})
    assert (small.status_code, small.json["error"]["reason"]) == (409, "card_gateway")
    assert len(stripe.asked) == asked + 1
    assert api.get(f"/invoices/{invoice.id}/payment-method") == {"method": None, "effective": "CARD"}
    opened = shop.checkout(invoice)
    again = api.post(f"/invoices/{invoice.id}/checkout")
    assert (again["id"], again["url"], again["fee"]) == (opened.id, opened.url, "2.50")
    assert [one["status"] for one in api.get(f"/invoices/{invoice.id}/checkouts")] == ["OPEN"]
    assert api("PUT", f"/invoices/{invoice.id}/payment-method", {"method": "BANK"}).json["data"]["effective"] == "BANK"
    refused = api("POST", f"/invoices/{invoice.id}/checkout", {})
    assert (refused.status_code, refused.json["error"]["reason"]) == (409, "cards_off")
    refused = api("PUT", "/card-settings", {"feePercent": "11", "webhookSecret": "x"})
    assert (refused.status_code, refused.json["error"]["fields"].keys() <= {"feePercent", "webhookSecret"}) == (
        422,
        True,
    )


def test_as_an_operator_types_it(
    filled: Filled, tallystick: Tallystick, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_STRIPE_API", stripe.url)
    here = ("-w", filled.studio.workspace_id)
    said: Any = tallystick(
        "cards", "set", "--keys-stdin", "--fee", "3", *here, "--json", stdin=f"{SECRET_KEY}\n{WEBHOOK_SECRET}\n"
    ).json
    assert (said["takes_cards"], said["fee_percent"], said["method"]) == (True, "3.00", "BOTH")
    assert SECRET_KEY not in json.dumps(said)
    assert "Cards are taken, with a fee of 3.00 %" in tallystick("cards", "show", *here).out
    url = tallystick("cards", "checkout", "INV-0004", *here).out.strip()
    assert url.startswith("https://checkout.stripe.example/cs_test_")
    assert [one["status"] for one in tallystick("cards", "list", *here, "--json").json] == ["OPEN"]
    assert tallystick("cards", "list", "--flagged", *here).out == "No checkouts.\n"
    assert tallystick("cards", "set", "--keys-stdin", *here, stdin="one\n").code == 1
    assert tallystick("cards", "set", "--method", "BANK", *here).code == 0
    assert "not paid by card" in tallystick("cards", "checkout", "INV-0004", *here).err
