"""Refunds and credit notes at once: never more goes back than came, nor is more credited than was billed."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import pytest
from falcon import testing

from tallystick.domain import refunds
from tallystick.domain.credit_notes import credit
from tests.races.arena import Arena, at_once, meet, statuses
from tests.races.test_money import drafted, send

RETURNED_TOO_MUCH = """
    SELECT count(*) FROM payments AS payment WHERE workspace_id = %s AND amount_refunded <>
      (SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment_id = payment.id AND deleted_at IS NULL)
"""
CREDITED_TOO_MUCH = """
    SELECT count(*) FROM invoices AS invoice WHERE workspace_id = %s AND amount_credited <>
      (SELECT coalesce(sum(total), 0) FROM credit_notes WHERE invoice_id = invoice.id)
"""


def paid(arena: Arena) -> tuple[str, str]:
    """A paid invoice over 100, and its payment."""
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    payment = arena.api().post(f"/invoices/{invoice}/payments", {"amount": "100", "paidOn": "2026-06-15"})["id"]
    return invoice, payment


def refund(arena: Arena, invoice: str, payment: str, copies: int) -> list[testing.Result]:
    api, path = arena.api(), f"/invoices/{invoice}/payments/{payment}/refund"
    body = {"amount": "30", "refundedOn": "2026-06-15"}
    return at_once([lambda: api("POST", path, body) for _ in range(copies)])


def take_back(arena: Arena, invoice: str, copies: int) -> list[testing.Result]:
    api = arena.api()
    (line,) = api.get(f"/invoices/{invoice}/lines")
    body = {"reason": "Wrong", "lines": [{"lineId": line["id"], "amount": "30"}]}
    return at_once([lambda: api("POST", f"/invoices/{invoice}/credit", body) for _ in range(copies)])


def test_refunds_at_once_never_exceed_the_payment(arena: Arena) -> None:
    invoice, payment = paid(arena)
    results = refund(arena, invoice, payment, 12)
    assert statuses(results) == {201: 3, 422: 9}
    assert arena.one(RETURNED_TOO_MUCH) == 0
    assert arena.api().get(f"/invoices/{invoice}")["balance"] == "90.00"


def test_credit_notes_at_once_never_exceed_the_invoice_and_have_no_hole(arena: Arena) -> None:
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    results = take_back(arena, invoice, 12)
    assert statuses(results) == {201: 3, 422: 9}
    numbers = sorted(one.json["data"]["number"] for one in results if one.status_code == 201)
    assert numbers == ["CN-0001", "CN-0002", "CN-0003"]
    assert arena.one(CREDITED_TOO_MUCH) == 0
    assert arena.api().get(f"/invoices/{invoice}")["balance"] == "10.00"


def test_payments_refunds_and_credit_notes_at_once_add_up(arena: Arena) -> None:
    invoice, payment = paid(arena)
    api, path = arena.api(), f"/invoices/{invoice}"
    (line,) = api.get(f"{path}/lines")
    back = {"amount": "20", "refundedOn": "2026-06-15"}
    note = {"reason": "Wrong", "lines": [{"lineId": line["id"], "amount": "20"}]}
    calls = [lambda: api("POST", f"{path}/payments/{payment}/refund", back)] * 5
    calls += [lambda: api("POST", f"{path}/credit", note)] * 5
    calls += [lambda: api("POST", f"{path}/payments", {"amount": "10", "paidOn": "2026-06-15"})] * 3
    results = at_once(calls)
    assert set(statuses(results)) <= {201, 409, 422}, statuses(results)
    assert arena.one(RETURNED_TOO_MUCH) == arena.one(CREDITED_TOO_MUCH) == 0


def test_without_the_lock_more_is_returned_than_came(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Any
) -> None:
    """The race itself: it is there to be lost."""
    invoice, payment = paid(arena)
    without_locks()
    together = Barrier(4)
    whole = refunds._check

    def check_together(*given: Any) -> None:
        whole(*given)
        meet(together)

    monkeypatch.setattr(refunds, "_check", check_together)
    assert statuses(refund(arena, invoice, payment, 4))[201] > 1
    assert arena.one(RETURNED_TOO_MUCH) == 1


def test_without_the_lock_more_is_credited_than_is_told(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Any
) -> None:
    """The race itself: it is there to be lost."""
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    without_locks()
    together = Barrier(3)
    whole = credit._wanted

    def want_together(*given: Any) -> Any:
        found = whole(*given)
        meet(together)
        return found

    monkeypatch.setattr(credit, "_wanted", want_together)
    assert statuses(take_back(arena, invoice, 3))[201] > 1
    assert arena.one(CREDITED_TOO_MUCH) == 1
