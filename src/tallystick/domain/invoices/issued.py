"""Issued documents: what was issued, kept byte for byte. Nothing renders it again, and nothing changes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import CheckConstraint, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.context import Context, hydrate, workspace
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.document import PROFILES, Document, Profile, Renderer, TimesheetRow

EMBEDDED: Final[frozenset[Profile]] = frozenset(("cii", "xrechnung"))
"""Profiles whose XML a PDF can have in it: Factur-X."""


class IssuedDocument(Tenant):
    """An invoice or a credit note as it was issued: its facts, its PDF and its XML, each with its SHA-256.

    An invoice that was cancelled, restored and issued again has one for each number.
    """

    __tablename__ = "issued_documents"
    noun: ClassVar[str] = "issued document"
    money: ClassVar[frozenset[str]] = frozenset({"facts", "pdf", "xml"})

    number: Mapped[str]
    invoice_id: Mapped[Id | None]
    credit_note_id: Mapped[Id | None]
    facts: Mapped[Blob]
    """`values.document.Document` as JSON."""
    facts_sha256: Mapped[Blob]
    pdf: Mapped[Blob]
    pdf_sha256: Mapped[Blob]
    profile: Mapped[str | None]
    """By which rules the XML was made and checked; null: the client asks for none, and there is no XML."""
    xml: Mapped[Blob | None]
    xml_sha256: Mapped[Blob | None]
    timesheet: Mapped[Blob | None]
    """The hours behind it, rows of `values.document.TimesheetRow` as JSON; null: there are none."""
    timesheet_sha256: Mapped[Blob | None]
    issued_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("credit_note_id", "credit_notes.id"),
            UniqueConstraint("workspace_id", "number"),
            one_of("profile", PROFILES),
            CheckConstraint("num_nonnulls(invoice_id, credit_note_id) = 1", name="of_one"),
            CheckConstraint("num_nonnulls(profile, xml, xml_sha256) IN (0, 3)", name="xml"),
            CheckConstraint(
                "facts_sha256 = sha256(facts) AND pdf_sha256 = sha256(pdf) AND xml_sha256 = sha256(xml) "
                "AND timesheet_sha256 = sha256(timesheet)",
                name="hashes",
            ),
            CheckConstraint("(timesheet IS NULL) = (timesheet_sha256 IS NULL)", name="timesheet"),
        )


def freeze(
    ctx: Context,
    document: Document,
    profile: Profile | None,
    hours: Sequence[TimesheetRow] = (),
    **of: str,
) -> IssuedDocument:
    """Make what is issued now, and keep it. `of` says of what: `invoice_id` or `credit_note_id`.

    With a profile there is XML.
    """
    renderer = ctx.server.renderer
    xml = None if profile is None else renderer.xml(document, profile)
    facts, pdf = msgspec.json.encode(document), on_paper(renderer, document, profile, xml)
    timesheet = msgspec.json.encode(hours) if hours else None
    return ctx.add(
        IssuedDocument(
            number=document.number,
            facts=facts,
            facts_sha256=_hash(facts),
            pdf=pdf,
            pdf_sha256=_hash(pdf),
            profile=profile,
            xml=xml,
            xml_sha256=None if xml is None else _hash(xml),
            timesheet=timesheet,
            timesheet_sha256=None if timesheet is None else _hash(timesheet),
            issued_at=ctx.now,
            **of,
        )
    )


def on_paper(renderer: Renderer, document: Document, profile: Profile | None, xml: bytes | None = None) -> bytes:
    """The PDF, which has the data in it where the client takes them in that form; a draft has none yet.

    `xml`: the data, where they are made already.
    """
    if profile in EMBEDDED and not document.draft:
        return renderer.pdf(document, xml or renderer.xml(document, profile))
    return renderer.pdf(document)


def of_invoice(ctx: Context, invoice: Invoice) -> IssuedDocument | None:
    """As what an invoice was issued; None: it is a draft, or was issued before anything was kept."""
    return None if invoice.status == "DRAFT" else issued_as(ctx, invoice.number)


def issued_as(ctx: Context, number: str) -> IssuedDocument | None:
    """What was issued under a number; None: it was issued before anything was kept."""
    found = ctx.row(_BY_NUMBER, number=number)
    return None if found is None else hydrate(IssuedDocument, found)


def document_of(issued: IssuedDocument) -> Document:
    """The facts as they were issued."""
    return msgspec.json.decode(issued.facts, type=Document)


def hours_of(issued: IssuedDocument) -> list[TimesheetRow]:
    """The hours behind it, as they were issued."""
    return [] if issued.timesheet is None else msgspec.json.decode(issued.timesheet, type=list[TimesheetRow])


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


_table = table_of(IssuedDocument)
_BY_NUMBER = Prepared(
    select(_table).where(
        _table.c.workspace_id == workspace(), _table.c.number == bindparam("number", type_=_table.c.number.type)
    )
)
