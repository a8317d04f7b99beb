"""Money that came: the list, recording it, what becomes of too much, and giving it back."""

from __future__ import annotations

from tallystick.domain import client_credit, payments, refunds
from tallystick.domain.access import Permission
from tallystick.domain.desk import money, work
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.payments import Payment
from tallystick.values.errors import NotFound
from tallystick.web.app.invoices import page as invoice_page
from tallystick.web.app.visit import Answer, Page, Visit


def list_page(visit: Visit) -> Answer:
    query = visit.query
    search = query.text("q", longest=200) or ""
    client_id, date_from, date_to = query.id("client"), query.day("from"), query.day("to")
    return visit.show(
        "payments.html",
        payments=money.payments(visit.ctx, search=search, client_id=client_id, date_from=date_from, date_to=date_to),
        search=search,
        clients=work.client_names(visit.ctx),
        client_id=client_id,
        date_from=date_from,
        date_to=date_to,
    )


def new_page(visit: Visit) -> Answer:
    invoice = invoices.read(visit.ctx, visit.id())
    credit = client_credit.of_client(visit.ctx, invoice.client_id)
    return visit.show(
        "payment_form.html",
        invoice=invoice,
        credit=next((one.amount for one in credit.balances if one.currency == invoice.currency), 0),
    )


def record(visit: Visit) -> Answer:
    form = visit.form
    amount, paid_on, note = form.need_number("amount"), form.need_day("paid_on"), form.text("note", longest=2000)
    reference, fee = form.text("transaction_id", longest=200), form.number("fee")
    form.check()
    payment, invoice = payments.record(
        visit.ctx,
        visit.id(),
        amount=amount,
        paid_on=paid_on,
        note=note,
        transaction_id=reference,
        fee=fee,
        overpayment="credit" if form.flag("credit") else None,
    )
    if payment.surplus:
        surplus = visit.formats.money(payment.surplus, payment.currency)
        return visit.go(f"/invoices/{invoice.id}", "Recorded. {amount} of it are the client's credit.", amount=surplus)
    said = "{number} is paid." if invoice.status == "PAID" else "The payment is recorded."
    return visit.go(f"/invoices/{invoice.id}", said, number=invoice.number)


def apply_credit(visit: Visit) -> Answer:
    payment, invoice = payments.apply_credit(visit.ctx, visit.id())
    amount = visit.formats.money(payment.amount, payment.currency)
    return visit.go(f"/invoices/{invoice.id}", "Paid with {amount} of the client's credit.", amount=amount)


def delete(visit: Visit) -> Answer:
    invoice = payments.delete(visit.ctx, visit.id(), visit.id("payment"))
    return visit.go(f"/invoices/{invoice.id}", "The payment is deleted.")


def refund_page(visit: Visit) -> Answer:
    payment = _payment(visit)
    return visit.show(
        "refund_form.html",
        invoice=invoices.read(visit.ctx, visit.id()),
        payment=payment,
        left=payment.amount - payment.amount_refunded,
    )


def refund(visit: Visit) -> Answer:
    form = visit.form
    amount, day, note = form.need_number("amount"), form.need_day("refunded_on"), form.text("note", longest=2000)
    form.check()
    payment = _payment(visit)
    _, _, invoice = refunds.record(visit.ctx, visit.id(), payment.id, amount=amount, refunded_on=day, note=note)
    return visit.go(f"/invoices/{invoice.id}", "The refund is recorded.")


def delete_refund(visit: Visit) -> Answer:
    invoice = refunds.delete(visit.ctx, visit.id(), visit.id("payment"), visit.id("refund"))
    return visit.go(f"/invoices/{invoice.id}", "The refund is deleted.")


def _payment(visit: Visit) -> Payment:
    wanted = visit.id("payment")
    found = next((one for one in payments.of_invoice(visit.ctx, visit.id()) if one.id == wanted), None)
    if found is None:
        raise NotFound("No such payment.")
    return found


_READ, _PAY = Permission.READ_INVOICES, Permission.RECORD_PAYMENTS

PAGES = (
    Page("/payments", _READ, list_page, label="Payments", section="invoices", icon="coin"),
    Page("/invoices/{id}/payments/new", _PAY, new_page, record, section="invoices"),
    Page("/invoices/{id}/payments/credit", _PAY, post=apply_credit, again=invoice_page),
    Page("/invoices/{id}/payments/{payment}/delete", _PAY, post=delete, again=invoice_page),
    Page("/invoices/{id}/payments/{payment}/refund", _PAY, refund_page, refund, section="invoices"),
    Page("/invoices/{id}/payments/{payment}/refunds/{refund}/delete", _PAY, post=delete_refund, again=invoice_page),
)
