"""Files on the wire: the logo of documents, and the receipts of expenses. They come as raw bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from tallystick.api.native.views import View
from tallystick.api.wire import Ask, File, Nothing, Operation, Upload
from tallystick.domain import files, receipts
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter

_NONE: Any = None


class FileJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    expense_id: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime


FILE = View(files.File, FileJson, names={"media_type": "media"})


def set_logo(ctx: Context, ask: Ask) -> Struct:
    return FILE.one(ctx.actor, files.set_logo(ctx, content=ask.facts["content"], media=ask.facts["media"]))


def get_logo(ctx: Context, _ask: Ask) -> File:
    return _file(*files.read_logo(ctx))


def delete_logo(ctx: Context, _ask: Ask) -> None:
    files.remove_logo(ctx)


def list_receipts(ctx: Context, ask: Ask) -> list[Struct]:
    return [FILE.one(ctx.actor, receipt) for receipt in receipts.of_expense(ctx, ask.id)]


def add_receipt(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    name = ask.query.get("name") or facts["name"]
    return FILE.one(ctx.actor, receipts.add(ctx, ask.id, content=facts["content"], media=facts["media"], name=name))


def get_receipt(ctx: Context, ask: Ask) -> File:
    return _file(*receipts.read(ctx, ask.id, ask.ids["receiptId"]))


def delete_receipt(ctx: Context, ask: Ask) -> None:
    receipts.delete(ctx, ask.id, ask.ids["receiptId"])


def _file(row: files.File, content: bytes) -> File:
    return File(row.name, row.media, lambda: content)


_LOCKED = "The expense is on an invoice."

OPERATIONS = (
    Operation(
        "setLogo", "PUT", "/organization/logo", set_logo, "Put a logo on the documents to come",
        Permission.CHANGE_WORKSPACE, FileJson, upload=Upload(files.LOGOS, files.LOGO_BYTES), tag="Organization",
    ),
    Operation(
        "getLogo", "GET", "/organization/logo", get_logo, "The logo of documents", Permission.READ_SELF,
        file=files.LOGOS, absent="There is no logo.", tag="Organization",
    ),
    Operation(
        "deleteLogo", "DELETE", "/organization/logo", delete_logo, "Leave documents without a logo",
        Permission.CHANGE_WORKSPACE, status=204, body=Nothing, absent="There is no logo.", tag="Organization",
    ),
    Operation(
        "listReceipts", "GET", "/expenses/{id}/receipts", list_receipts, "The receipts of an expense",
        Permission.READ_EXPENSES, FileJson, many=True, tag="Expenses",
    ),
    Operation(
        "addReceipt", "POST", "/expenses/{id}/receipts", add_receipt, "Add a receipt to an expense",
        Permission.CHANGE_EXPENSES, FileJson, status=201, upload=Upload(files.RECEIPTS, files.RECEIPT_BYTES),
        parameters={"name": Filter("text", _NONE, about="What the file is called; else by Content-Disposition.")},
        conflicts="The expense is on an issued invoice, or has ten receipts.", tag="Expenses",
    ),
    Operation(
        "getReceipt", "GET", "/expenses/{id}/receipts/{receiptId}", get_receipt, "A receipt, to be saved",
        Permission.READ_EXPENSES, file=files.RECEIPTS, tag="Expenses",
    ),
    Operation(
        "deleteReceipt", "DELETE", "/expenses/{id}/receipts/{receiptId}", delete_receipt, "Delete a receipt",
        Permission.CHANGE_EXPENSES, status=204, body=Nothing, conflicts=_LOCKED, tag="Expenses",
    ),
)  # fmt: skip
