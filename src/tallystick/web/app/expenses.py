"""Expenses: money spent, for clients or oneself."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from tallystick.domain import expenses, files, receipts
from tallystick.domain.access import Permission
from tallystick.domain.desk import money, work
from tallystick.domain.desk.time import Sought
from tallystick.domain.expenses import CATEGORIES
from tallystick.values.errors import Invalid
from tallystick.web.app.forms import Upload
from tallystick.web.app.time import periods
from tallystick.web.app.visit import Answer, File, Page, Visit

UPLOADED_AT_ONCE: Final = 3 * files.RECEIPT_BYTES
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""What browsers show."""


def list_page(visit: Visit) -> Answer:
    query = visit.query
    today = visit.ctx.today()
    first = query.day("from") or today.replace(month=1, day=1)
    last = query.day("to") or max(first + timedelta(days=1), today.replace(month=12, day=31))
    category = query.kept("category") if query.kept("category") in CATEGORIES else None
    search = query.text("q", longest=200) or ""
    found = money.expenses(
        visit.ctx,
        date_from=first,
        date_to=last,
        search=search,
        client_id=query.id("client"),
        category=category,
        billed=query.yes_no("billed"),
    )
    sums: dict[str, Decimal] = {}
    for one in found:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    kinds: dict[tuple[str, str], Decimal] = {}
    for one in found:
        key = (one.category, one.currency)
        kinds[key] = kinds.get(key, Decimal(0)) + one.amount
    return visit.show(
        "expenses.html",
        expenses=found,
        sums=sums,
        kinds=sorted(kinds.items(), key=lambda kind: -kind[1]),
        periods=periods(visit, Sought(first, last)),
        first=first,
        last=last,
        search=search,
        client=query.id("client"),
        category=category,
        clients=work.client_names(visit.ctx),
        categories=CATEGORIES,
    )


def new_page(visit: Visit) -> Answer:
    return visit.show("expense_form.html", expense=None, receipts=[], **_choices(visit))


def create(visit: Visit) -> Answer:
    made = expenses.record(visit.ctx, **_facts(visit))
    if visit.form.has("receipts"):
        return visit.go(f"/expenses/{made.id}#receipts", "Saved.")
    return visit.back("/expenses", "Saved.")


def page(visit: Visit) -> Answer:
    expense = expenses.read(visit.ctx, visit.id())
    found = receipts.of_expense(visit.ctx, expense.id)
    return visit.show(
        "expense_form.html",
        expense=expense,
        receipts=found,
        pictures=PICTURES,
        accepted=files.RECEIPTS,
        free=files.MOST_FILES - len(found),
        largest=files.RECEIPT_BYTES // 1024**2,
        **_choices(visit),
    )


def edit(visit: Visit) -> Answer:
    expenses.change(visit.ctx, visit.id(), **_facts(visit))
    return visit.back("/expenses", "Saved.")


def copy(visit: Visit) -> Answer:
    made = expenses.copy(visit.ctx, visit.id(), expense_date=visit.ctx.today())
    return visit.go(f"/expenses/{made.id}", "This is the copy, dated today.")


def delete(visit: Visit) -> Answer:
    expenses.delete(visit.ctx, visit.id())
    return visit.back("/expenses", "Deleted.")


def add_receipts(visit: Visit) -> Answer:
    """Put the files that were chosen to the expense: all of them or none."""
    chosen = [one for one in visit.files if one.field == "receipts"]
    if not chosen:
        raise Invalid(fields={"receipts": "choose a file"})
    for one in chosen:
        try:
            receipts.add(visit.ctx, visit.id(), content=one.content, media=_media(one), name=one.name)
        except Invalid as refusal:
            wrong = next(iter(refusal.fields.values()), refusal.message)
            raise Invalid(fields={"receipts": f"{one.name}: {wrong}"}) from None
    return visit.go(f"/expenses/{visit.id()}#receipts", "Saved.")


def receipt(visit: Visit) -> Answer:
    row, content = receipts.read(visit.ctx, visit.id(), visit.id("receipt"))
    return File(row.name, row.media, lambda: content, inline=row.media in PICTURES and not visit.query.has("save"))


def delete_receipt(visit: Visit) -> Answer:
    receipts.delete(visit.ctx, visit.id(), visit.id("receipt"))
    return visit.go(f"/expenses/{visit.id()}#receipts", "Deleted.")


def _media(one: Upload) -> str:
    """By its ending where the browser knows none, as of HEIC pictures."""
    if one.media in files.RECEIPTS:
        return one.media
    ending = f".{one.name.rpartition('.')[2].lower()}"
    return next((media for media, suffix in files.SUFFIXES.items() if suffix == ending), one.media)


def _choices(visit: Visit) -> dict[str, Any]:
    return {
        "clients": work.client_names(visit.ctx),
        "projects": work.project_names(visit.ctx),
        "categories": CATEGORIES,
        "labels": money.labels(visit.ctx),
    }


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts: dict[str, Any] = {
        "description": form.need("description", longest=500),
        "amount": form.need_number("amount"),
        "expense_date": form.need_day("expense_date"),
        "client_id": form.id("client_id"),
        "project_id": form.id("project_id"),
        "category": form.choice("category", CATEGORIES) or "OTHER",
        "custom_category": form.text("custom_category", longest=100),
        "billable": form.flag("billable"),
    }
    form.check()
    return facts


_READ, _CHANGE = Permission.READ_EXPENSES, Permission.CHANGE_EXPENSES

PAGES = (
    Page("/expenses", _READ, list_page, label="Expenses", section="expenses", icon="wallet"),
    Page("/expenses/new", _CHANGE, new_page, create, label="New expense", section="expenses", icon="plus"),
    Page("/expenses/{id}", _READ, page, edit, section="expenses", change=_CHANGE),
    Page("/expenses/{id}/receipts", _CHANGE, post=add_receipts, again=page, upload=UPLOADED_AT_ONCE),
    Page("/expenses/{id}/receipts/{receipt}", _READ, receipt, file=True),
    Page("/expenses/{id}/receipts/{receipt}/delete", _CHANGE, post=delete_receipt, again=page),
    Page("/expenses/{id}/copy", _CHANGE, post=copy, again=page),
    Page("/expenses/{id}/delete", _CHANGE, post=delete, again=page),
)
