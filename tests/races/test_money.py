"""Work is billed once, numbers have no holes, and nobody pays more than the total, whoever comes at once."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from falcon import testing
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import payments
from tallystick.domain.context import Context
from tallystick.domain.invoices import series, work
from tests.races.arena import Arena, at_once, meet, statuses

LINE = {"description": "Fee", "quantity": "1", "rate": "100"}
HELD_TWICE = """
    SELECT count(*) FROM (SELECT entry_id FROM billed_work WHERE workspace_id = %s AND released_at IS NULL
                          GROUP BY entry_id HAVING count(*) > 1) AS twice
"""
PAID_TOO_MUCH = """
    SELECT count(*) FROM invoices AS invoice WHERE workspace_id = %s AND (
      amount_paid > total OR amount_paid <>
        settled + (SELECT coalesce(sum(amount), 0) FROM payments WHERE invoice_id = invoice.id AND deleted_at IS NULL))
"""


def log(arena: Arena, count: int) -> None:
    entry = {"projectId": arena.studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 3600}
    for _ in range(count):
        arena.api().post("/time-entries", entry)


def bill(arena: Arena, copies: int) -> list[testing.Result]:
    """Draft an invoice from the same work, by several people at once."""
    apis = [arena.api(who) for who in ("owner", "admin", "manager")]
    body = {"clientId": arena.studio.ids["client"]}
    return at_once([lambda api=apis[at % 3]: api("POST", "/invoices", body) for at in range(copies)])


def drafted(arena: Arena, count: int) -> list[str]:
    body = {"clientId": arena.studio.ids["client"], "lines": [LINE]}
    return [arena.api().post("/invoices", body)["id"] for _ in range(count)]


def send(arena: Arena, drafts: list[str]) -> list[testing.Result]:
    api = arena.api()
    return at_once([lambda draft=draft: api("POST", f"/invoices/{draft}/mark-sent", {}) for draft in drafts])


def pay(arena: Arena, invoice: str, copies: int) -> list[testing.Result]:
    apis = [arena.api(who) for who in ("owner", "admin")]
    body = {"amount": "30", "paidOn": "2026-06-15"}
    path = f"/invoices/{invoice}/payments"
    return at_once([lambda api=apis[at % 2]: api("POST", path, body) for at in range(copies)])


# --- billing


def test_the_same_work_is_billed_once(arena: Arena) -> None:
    log(arena, 8)
    results = bill(arena, 16)
    assert set(statuses(results)) <= {201, 409, 422}, statuses(results)
    done = [one for one in results if one.status_code == 201]
    assert len(done) == 1
    assert done[0].json["data"]["subtotal"] == "720.00"
    assert arena.one("SELECT count(*) FROM billed_work WHERE workspace_id = %s") == 8
    assert arena.one("SELECT count(*) FROM invoices WHERE workspace_id = %s") == 1
    assert arena.one(HELD_TWICE) == 0


def careless(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Everybody has picked the work before anybody bills it, and nobody asks again."""
    pick = work._PICK_ENTRIES
    loose = Prepared(text(sql_of(pick).replace("FOR UPDATE OF entry", "")))
    monkeypatch.setattr(work, "_PICK_ENTRIES", loose)
    monkeypatch.setattr(
        work, "_BILL_ENTRIES", Prepared(text(sql_of(work._BILL_ENTRIES).replace("AND entry.invoice_id IS NULL", "")))
    )
    together = Barrier(count)
    whole = work.pick

    def pick_together(*given: Any) -> work.Picked:
        found = whole(*given)
        meet(together)
        return found

    monkeypatch.setattr(work, "pick", pick_together)


def sql_of(statement: Prepared) -> str:
    """A statement as it was written, with `:name` for a parameter."""
    return re.sub(r"%\((\w+)\)s", r":\1", statement.sql)


def test_the_index_alone_bills_work_once(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    log(arena, 3)
    careless(monkeypatch, 4)
    results = bill(arena, 4)
    assert statuses(results) == {201: 1, 409: 3}, [one.text for one in results]
    assert arena.one(HELD_TWICE) == 0


def test_without_both_walls_work_is_billed_twice(weak_arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself: it is there to be lost."""
    log(weak_arena, 3)
    careless(monkeypatch, 4)
    weak_arena.sabotage("DROP INDEX uq_billed_work_entry")
    results = bill(weak_arena, 4)
    assert statuses(results) == {201: 4}, [one.text for one in results]
    assert weak_arena.one(HELD_TWICE) == 3


# --- numbers


def test_numbers_drawn_at_once_have_no_hole(arena: Arena) -> None:
    drafts = drafted(arena, 16)
    results = send(arena, drafts)
    assert statuses(results) == {200: 16}
    assert sorted(one.json["data"]["number"] for one in results) == [f"INV-{number:04d}" for number in range(1, 17)]
    values = arena.rows("SELECT value FROM issued_numbers WHERE workspace_id = %s ORDER BY value")
    assert [value for (value,) in values] == list(range(1, 17))


def test_one_draft_is_sent_once_and_refusals_draw_no_number(arena: Arena) -> None:
    first, second = drafted(arena, 2)
    results = send(arena, [first] * 12)
    assert statuses(results) == {200: 1, 409: 11}
    assert arena.api().post(f"/invoices/{second}/mark-sent", status=200)["number"] == "INV-0002"


def test_without_the_counters_lock_a_number_is_drawn_twice(weak_arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself: it is there to be lost."""
    drafts = drafted(weak_arena, 4)
    together = Barrier(4)

    def look_and_draw(ctx: Context, kind: str, day: date) -> series.Drawn:
        (value,) = ctx.row(Prepared(text("SELECT count(*) + 1 FROM issued_numbers"))) or (1,)
        meet(together)
        number = f"INV-{value:04d}"
        return series.Drawn(kind, value, number, day)

    monkeypatch.setattr(series, "draw", look_and_draw)
    weak_arena.sabotage(
        "ALTER TABLE issued_numbers DROP CONSTRAINT pk_issued_numbers",
        "ALTER TABLE issued_numbers DROP CONSTRAINT uq_issued_numbers_workspace_id_number",
        "ALTER TABLE invoices DROP CONSTRAINT uq_invoices_workspace_id_number",
        "ALTER TABLE issued_documents DROP CONSTRAINT uq_issued_documents_workspace_id_number",
    )
    results = send(weak_arena, drafts)
    assert statuses(results) == {200: 4}
    assert {one.json["data"]["number"] for one in results} == {"INV-0001"}


# --- payments


def test_payments_at_once_never_exceed_the_total(arena: Arena) -> None:
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    results = pay(arena, invoice, 32)
    assert statuses(results) == {201: 3, 422: 29}
    shown = arena.api().get(f"/invoices/{invoice}")
    assert (Decimal(shown["amountPaid"]), shown["paymentStatus"]) == (90, "partially_paid")
    assert len(arena.api().get(f"/invoices/{invoice}/payments")) == 3
    assert arena.one(PAID_TOO_MUCH) == 0


def test_payments_deletions_and_a_cancellation_at_once_add_up(arena: Arena) -> None:
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    paid = [one.json["data"]["id"] for one in pay(arena, invoice, 3) if one.status_code == 201]
    api = arena.api()
    path = f"/invoices/{invoice}"
    calls = [lambda one=one: api("DELETE", f"{path}/payments/{one}") for one in [*paid, *paid]]
    calls += [lambda: api("POST", f"{path}/payments", {"amount": "10", "paidOn": "2026-06-15"})] * 4
    calls += [lambda: api("POST", f"{path}/cancel", {}), lambda: api("POST", f"{path}/mark-paid", {})]
    results = at_once(calls)
    assert set(statuses(results)) <= {200, 201, 204, 404, 409, 422}, statuses(results)
    assert sum(1 for one in results[:6] if one.status_code == 204) == 3, "each payment is deleted once"
    assert arena.one(PAID_TOO_MUCH) == 0


def test_without_the_lock_more_is_paid_than_is_due(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Any
) -> None:
    """The race itself: it is there to be lost."""
    (invoice,) = drafted(arena, 1)
    send(arena, [invoice])
    without_locks()
    together = Barrier(8)
    whole = payments._check

    def check_together(*given: Any) -> None:
        whole(*given)
        meet(together)

    monkeypatch.setattr(payments, "_check", check_together)
    results = pay(arena, invoice, 8)
    assert statuses(results) == {201: 8}
    assert arena.one(PAID_TOO_MUCH) == 1
