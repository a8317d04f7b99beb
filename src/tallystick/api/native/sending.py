"""Sending on the wire: an invoice by mail, its link, reminders, and the words that mail goes in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.invoices import INVOICE, InvoiceJson
from tallystick.api.native.mails import MAIL, MailJson
from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import reminders, sending
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices import links
from tallystick.domain.invoices.links import InvoiceLink
from tallystick.domain.mails import templates
from tallystick.domain.mails.templates import Kind, Template
from tallystick.domain.sending import File, Message, Sent

Addresses = Annotated[list[Annotated[str, Meta(max_length=254)]], Meta(max_length=20)]
Subject = Annotated[str, Meta(max_length=templates.LONGEST_SUBJECT)]
Body = Annotated[str, Meta(max_length=templates.LONGEST_BODY)]


class SentJson(Struct, rename="camel", gc=False):
    invoice: Struct
    mail: Struct
    link: str | None


class InvoiceLinkJson(Struct, rename="camel", gc=False):
    url: str | None
    view_count: int
    last_viewed_at: datetime | None
    created_at: datetime | None


class TemplateJson(Struct, rename="camel", gc=False):
    kind: Kind
    language: str
    subject: str
    body: str
    own: bool


class RemindersJson(Struct, rename="camel", gc=False):
    enabled: bool


class SendFields(Struct, rename="camel"):
    to: Addresses | UnsetType | None = UNSET
    cc: Addresses | UnsetType | None = UNSET
    subject: Subject | UnsetType | None = UNSET
    message: Body | UnsetType | None = UNSET
    attach: Annotated[list[File], Meta(max_length=5)] | UnsetType = UNSET
    test: bool | UnsetType = UNSET


class RemindFields(Struct, rename="camel"):
    to: Addresses | UnsetType | None = UNSET
    cc: Addresses | UnsetType | None = UNSET
    subject: Subject | UnsetType | None = UNSET
    message: Body | UnsetType | None = UNSET
    attach: Annotated[list[File], Meta(max_length=5)] | UnsetType = UNSET


class TemplateFields(Struct, rename="camel"):
    kind: Kind | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=6)] | UnsetType = UNSET
    subject: Subject | UnsetType | None = UNSET
    body: Body | UnsetType | None = UNSET


class RemindersFields(Struct, rename="camel"):
    enabled: bool | UnsetType = UNSET


def send_invoice(ctx: Context, ask: Ask) -> SentJson:
    verb = sending.send_test if ask.facts.get("test") else sending.send
    return _sent_json(ctx, verb(ctx, ask.id, _message(ask, None)))


def remind_of_invoice(ctx: Context, ask: Ask) -> SentJson:
    return _sent_json(ctx, sending.remind(ctx, ask.id, _message(ask, ())))


def get_link(ctx: Context, ask: Ask) -> InvoiceLinkJson:
    return _link_json(ctx, links.of_invoice(ctx, ask.id))


def regenerate_link(ctx: Context, ask: Ask) -> InvoiceLinkJson:
    return _link_json(ctx, links.regenerate(ctx, ask.id))


def get_invoice_reminders(ctx: Context, ask: Ask) -> RemindersJson:
    return RemindersJson(reminders.are_on(ctx, "invoice", ask.id))


def set_invoice_reminders(ctx: Context, ask: Ask) -> RemindersJson:
    return RemindersJson(reminders.switch(ctx, "invoice", ask.id, on=ask.facts["enabled"]))


def get_client_reminders(ctx: Context, ask: Ask) -> RemindersJson:
    return RemindersJson(reminders.are_on(ctx, "client", ask.id))


def set_client_reminders(ctx: Context, ask: Ask) -> RemindersJson:
    return RemindersJson(reminders.switch(ctx, "client", ask.id, on=ask.facts["enabled"]))


def list_templates(ctx: Context, _ask: Ask) -> list[TemplateJson]:
    return [_template_json(one) for one in templates.every(ctx)]


def set_template(ctx: Context, ask: Ask) -> TemplateJson:
    facts = ask.facts
    words = templates.set_words(
        ctx, facts["kind"], facts["language"], subject=facts.get("subject"), body=facts.get("body")
    )
    return _template_json(words)


def _message(ask: Ask, usual: tuple[File, ...] | None) -> Message:
    facts = ask.facts
    files: Sequence[File] | None = facts.get("attach", usual)
    return Message(
        to=facts.get("to"),
        cc=facts.get("cc") or (),
        subject=facts.get("subject"),
        body=facts.get("message"),
        files=None if files is None else tuple(dict.fromkeys(files)),
    )


def _sent_json(ctx: Context, sent: Sent) -> SentJson:
    link = links.of_invoice(ctx, sent.invoice.id)
    url = None if link is None else links.url_of(ctx, link)
    return SentJson(INVOICE.one(ctx.actor, sent.invoice), MAIL.one(ctx.actor, sent.mail), url)


def _link_json(ctx: Context, link: InvoiceLink | None) -> InvoiceLinkJson:
    if link is None:
        return InvoiceLinkJson(None, 0, None, None)
    return InvoiceLinkJson(links.url_of(ctx, link), link.view_count, link.last_viewed_at, link.created_at)


def _template_json(words: Template) -> TemplateJson:
    return TemplateJson(words.kind, words.language, words.subject, words.body, words.own)  # type: ignore[arg-type]


class SentShape(Struct, rename="camel", gc=False):
    """`SentJson` for the documentation."""

    invoice: InvoiceJson
    mail: MailJson
    link: str | None


_SENT_AGAIN = "Mail is not set up, the invoice is cancelled, or it was mailed a moment ago."
_READ = Permission.READ_INVOICES
_CHANGE = Permission.CHANGE_INVOICES

OPERATIONS = (
    Operation(
        "sendInvoice", "POST", "/invoices/{id}/send", send_invoice,
        "Issue a draft and mail it; mail an issued one again", _CHANGE, SentShape, body=SendFields,
        conflicts=_SENT_AGAIN, tag="Mail",
    ),
    Operation(
        "remindOfInvoice", "POST", "/invoices/{id}/remind", remind_of_invoice, "Remind of an overdue invoice now",
        _CHANGE, SentShape, body=RemindFields, conflicts=f"It is not overdue. {_SENT_AGAIN}", tag="Mail",
    ),
    Operation(
        "getInvoiceLink", "GET", "/invoices/{id}/link", get_link, "The public link of an invoice, and its views",
        _READ, InvoiceLinkJson, tag="Mail",
    ),
    Operation(
        "regenerateInvoiceLink", "POST", "/invoices/{id}/link/regenerate", regenerate_link,
        "Give an invoice another link; the one until now ends at once", Permission.CHANGE_WORKSPACE, InvoiceLinkJson,
        body=Nothing, conflicts="The invoice is not issued.", tag="Mail",
    ),
    Operation(
        "getInvoiceReminders", "GET", "/invoices/{id}/reminders", get_invoice_reminders,
        "Whether an invoice is reminded of by schedule", _READ, RemindersJson, tag="Mail",
    ),
    Operation(
        "setInvoiceReminders", "PUT", "/invoices/{id}/reminders", set_invoice_reminders,
        "Let an invoice be reminded of or not", _CHANGE, RemindersJson, body=RemindersFields, required=("enabled",),
        tag="Mail",
    ),
    Operation(
        "getClientReminders", "GET", "/clients/{id}/reminders", get_client_reminders,
        "Whether a client is reminded by schedule", _READ, RemindersJson, tag="Mail",
    ),
    Operation(
        "setClientReminders", "PUT", "/clients/{id}/reminders", set_client_reminders,
        "Let a client be reminded or not", _CHANGE, RemindersJson, body=RemindersFields, required=("enabled",),
        tag="Mail",
    ),
    Operation(
        "listMailTemplates", "GET", "/mail-templates", list_templates, "The words that mail goes in",
        Permission.READ_WORKSPACE, TemplateJson, many=True, tag="Mail",
    ),
    Operation(
        "setMailTemplate", "PUT", "/mail-templates", set_template,
        "Set the words of a kind in a language; with neither subject nor body, the usual ones hold again",
        Permission.CHANGE_WORKSPACE, TemplateJson, body=TemplateFields, required=("kind", "language"),
        read_only=read_only(TemplateJson, TemplateFields), tag="Mail",
    ),
)  # fmt: skip
