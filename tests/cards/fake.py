"""A small Stripe on loopback: opens Checkout sessions, takes payments and refunds, and signs what it tells of them."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import stripe

SECRET_KEY = "sk_test_studio"
WEBHOOK_SECRET = "whsec_studio"


@dataclass
class FakeStripe:
    """What it was asked, and what it has."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Idempotency key and parameters of every session that was to be opened."""
    sessions: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    """Idempotency key → session."""
    down: bool = False
    mute: bool = False
    """It does what is asked, and its answer gets lost."""
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def open(self, key: str, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append((key, given))
        if self.down:
            return 503, {"error": {"type": "api_error", "message": "Down"}}
        if key in self.opened:
            return 200, self.sessions[self.opened[key]]
        total = 0
        for at in range(5):
            if (units := given.get(f"line_items[{at}][price_data][unit_amount]")) is not None:
                total += int(units) * int(given[f"line_items[{at}][quantity]"])
        if total < 50:
            return 400, {"error": {"type": "invalid_request_error", "message": "Amount must be at least 50 cents"}}
        identity = f"cs_test_{next(self.numbers)}"
        session = {
            "id": identity, "object": "checkout.session", "url": f"https://checkout.stripe.example/{identity}",
            "amount_total": total, "currency": given["line_items[0][price_data][currency]"],
            "payment_status": "unpaid", "payment_intent": None, "client_reference_id": given["client_reference_id"],
        }  # fmt: skip
        self.sessions[identity], self.opened[key] = session, identity
        return 200, session

    def pay(self, session_id: str | None, **changed: Any) -> dict[str, Any]:
        """Somebody pays; the event that tells of it."""
        session = self.sessions[session_id]
        session |= {"payment_status": "paid", "payment_intent": f"pi_{session_id}", **changed}
        return self.event("checkout.session.completed", session)

    def event(self, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
        return {"id": f"evt_{next(self.numbers)}", "object": "event", "type": kind, "data": {"object": dict(thing)}}

    def refunded(self, session_id: str | None, units: int) -> dict[str, Any]:
        """So much of its charge was returned by now."""
        charge = {
            "id": f"ch_{session_id}", "object": "charge", "payment_intent": f"pi_{session_id}",
            "currency": self.sessions[session_id]["currency"], "amount_refunded": units,
        }  # fmt: skip
        return self.event("charge.refunded", charge)


def signed(event: dict[str, Any], at: datetime, secret: str = WEBHOOK_SECRET) -> tuple[bytes, str]:
    """A callback's body and its header, made by Stripe's own library."""
    body = json.dumps(event, indent=2)
    seconds = int(at.timestamp())
    digest = stripe.WebhookSignature._compute_signature(f"{seconds}.{body}", secret)
    return body.encode(), f"t={seconds},v1={digest},v0=ancient"


@contextlib.contextmanager
def fake_stripe() -> Generator[FakeStripe]:
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if self.headers["Authorization"] != f"Bearer {SECRET_KEY}":
                status, answer = 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}
            elif self.path != "/v1/checkout/sessions":
                status, answer = 404, {"error": {"type": "invalid_request_error", "message": "Nothing here"}}
            else:
                status, answer = fake.open(self.headers["Idempotency-Key"], given)
                if fake.mute:
                    self.connection.close()
                    return
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
