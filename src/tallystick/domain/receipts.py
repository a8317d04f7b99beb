"""Receipts: the files that prove an expense."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, text

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain import files
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, cast_rows
from tallystick.domain.expenses import LOCKED, Expense
from tallystick.domain.files import MOST_FILES, File
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.pictures import without_metadata


def add(ctx: Context, expense_id: str, *, content: bytes, media: str, name: str | None = None) -> File:
    """Put a receipt to an expense, up to ten, until it is on an issued invoice."""
    ctx.require(Permission.CHANGE_EXPENSES)
    expense = ctx.find(Expense, expense_id, lock="update")
    if expense.invoice_id is not None and ctx.row(_ISSUED, invoice_id=expense.invoice_id) is not None:
        raise Conflict(LOCKED, reason="invoiced")
    files.check_receipt(content, media)
    taken = {receipt.position for receipt in of_expenses(ctx, [expense.id])}
    free = [position for position in range(1, MOST_FILES + 1) if position not in taken]
    if not free:
        raise Conflict(f"An expense has at most {MOST_FILES} receipts. Delete one first.", reason="too_many_files")
    receipt = files.keep(
        ctx,
        "RECEIPT",
        name=files.file_name(name, media),
        content=without_metadata(content),
        media=media,
        expense_id=expense.id,
        position=free[0],
    )
    ctx.record_facts(
        "created", receipt, kind="RECEIPT", expense_id=expense.id, name=receipt.name, sha256=receipt.sha256
    )
    return receipt


def of_expense(ctx: Context, expense_id: str) -> list[File]:
    """The receipts of an expense, in the order in which they came."""
    ctx.require(Permission.READ_EXPENSES)
    return of_expenses(ctx, [ctx.find(Expense, expense_id).id])


def read(ctx: Context, expense_id: str, file_id: str) -> tuple[File, bytes]:
    """A receipt and its bytes."""
    ctx.require(Permission.READ_EXPENSES)
    receipt = _find(ctx, ctx.find(Expense, expense_id), file_id)
    return receipt, files.content_of(ctx, receipt.id)


def delete(ctx: Context, expense_id: str, file_id: str) -> None:
    """Delete a receipt of an expense that is on no invoice, for good."""
    ctx.require(Permission.CHANGE_EXPENSES)
    expense = ctx.find(Expense, expense_id, lock="update")
    receipt = _find(ctx, expense, file_id)
    if expense.invoice_id is not None:
        raise Conflict(LOCKED, reason="invoiced")
    files.discard(ctx, receipt.id)
    ctx.record_facts("deleted", receipt, kind="RECEIPT", expense_id=expense.id, name=receipt.name)


def of_expenses(ctx: Context, expense_ids: Sequence[str]) -> list[File]:
    """The receipts of some expenses, for the papers of an invoice: no permission asked."""
    return cast_rows(ctx.rows(_OF_EXPENSES, expense_ids=list(expense_ids)), File)


def _find(ctx: Context, expense: Expense, file_id: str) -> File:
    receipt = ctx.find(File, file_id)
    if receipt.expense_id != expense.id:
        raise NotFound("No such file.")
    return receipt


_ISSUED = Prepared(
    # By table: invoices are a noun above this one.
    text("SELECT 1 FROM invoices WHERE workspace_id = :workspace AND id = :invoice_id AND status <> 'DRAFT'")
)
_OF_EXPENSES = Prepared(
    select(table_of(File))
    .where(text("files.workspace_id = :workspace AND files.expense_id = ANY(CAST(:expense_ids AS uuid[]))"))
    .order_by(table_of(File).c.expense_id, table_of(File).c.position)
)
