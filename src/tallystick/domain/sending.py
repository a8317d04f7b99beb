"""Sending an invoice: issued, linked and written to its client in one transaction; and asking for it once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, get_args

from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import appendix, conformity, lifecycle, links, papers
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import templates
from tallystick.domain.mails.mail import Mail, Words
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.payments import Payment
from tallystick.domain.workspaces import current
from tallystick.values.document import Document
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.letter import Attachment, is_address
from tallystick.values.wording import amount_in, day_in

File = Literal["pdf", "xml", "timesheet", "receipts"]
FILES: Final[tuple[File, ...]] = get_args(File)
MOST_BYTES: Final = 12 * 1024 * 1024
"""Of receipts in one letter: in mail they are a third larger, and many servers take no more than 20 MB."""
BREATH: Final = timedelta(seconds=60)
"""Whoever sends the same again within it did not mean to."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person chose to write; what they left out is as usual."""

    to: Sequence[str] | None = None
    cc: Sequence[str] = ()
    subject: str | None = None
    body: str | None = None
    files: Sequence[str] | None = None
    """Of `FILES`; None: the PDF, and what goes with the invoice."""


class Sent(NamedTuple):
    invoice: Invoice
    mail: Mail


def send(ctx: Context, invoice_id: str, message: Message | None = None) -> Sent:
    """Issue a draft and mail it to its client; an invoice that is issued is mailed again.

    Number, state, link, letter and job are written together, or none of them.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    message = message or Message()
    mails.require_sender(ctx, "invoice")
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status not in ("DRAFT", "SENT", "PAID"):
        raise Conflict(f"{invoice.status.title()} invoices are not sent. Restore it first.", reason="invoice_state")
    to = _recipients(ctx, invoice, message)
    _check_words(message)
    if invoice.status == "DRAFT":
        invoice = lifecycle.mark_sent(ctx, invoice_id)
    else:
        _check_not_just_sent(ctx, invoice, "invoice")
    return Sent(invoice, _write(ctx, "invoice", invoice, message, to))


def send_test(ctx: Context, invoice_id: str, message: Message | None = None) -> Sent:
    """Mail an invoice as it is to whoever asks, and to nobody else; nothing about it changes."""
    ctx.require(Permission.CHANGE_INVOICES)
    message = message or Message()
    mails.require_sender(ctx, "invoice")
    invoice = ctx.find(Invoice, invoice_id)
    _check_words(message)
    address = members.address_of(ctx, ctx.actor.user_id)
    if address is None:
        raise Invalid(fields={"test": "a test goes to the person who asks; this credential is nobody's"})
    return Sent(invoice, _write(ctx, "test", invoice, message, [address]))


def remind(ctx: Context, invoice_id: str, message: Message | None = None) -> Sent:
    """Remind a client of an invoice that is overdue, now."""
    ctx.require(Permission.CHANGE_INVOICES)
    message = message or Message(files=())
    mails.require_sender(ctx, "reminder")
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    overdue = invoice.due_date is not None and invoice.due_date < today_of(ctx)
    if invoice.status != "SENT" or invoice.balance == 0 or not overdue:
        raise Conflict("Only an invoice that is sent, unpaid and overdue is reminded of.", reason="invoice_state")
    _check_words(message)
    _check_not_just_sent(ctx, invoice, "reminder")
    return Sent(invoice, write_reminder(ctx, invoice, message))


def write_reminder(ctx: Context, invoice: Invoice, message: Message) -> Mail:
    """The letter of a reminder; who may, and when, is decided by the caller."""
    return _write(ctx, "reminder", invoice, message, _recipients(ctx, invoice, message))


class Proposal(NamedTuple):
    """A letter as it would go out if nobody changed a word."""

    to: str | None
    """None: no address of the client is known."""
    subject: str
    body: str
    """Both with their places, such as `{{number}}`."""
    filled_subject: str
    filled_body: str


def proposal(ctx: Context, invoice_id: str, kind: Literal["invoice", "reminder"] = "invoice") -> Proposal:
    """What `send` or `remind` would write of their own accord, for whoever wants to read it first."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    paper = papers.of_invoice(ctx, invoice.id)
    words = templates.words_for(ctx, kind, paper.look.language)
    link = links.live(ctx, invoice.id) if invoice.status in ("SENT", "PAID") else None
    facts = _facts(ctx, invoice, paper, None if link is None else links.url_of(ctx, link))
    return Proposal(
        _usual_recipient(ctx, invoice),
        words.subject,
        words.body,
        templates.filled(words.subject, facts),
        templates.filled(words.body, facts),
    )


def thank(ctx: Context, payment_id: str) -> Mail | None:
    """Tell a client that their payment arrived; None where nobody is set up to mail it, or has their address."""
    ctx.require(Permission.RECORD_PAYMENTS)
    payment = ctx.find(Payment, payment_id)
    invoice = ctx.find(Invoice, payment.invoice_id)
    to = _usual_recipient(ctx, invoice)
    if to is None or not is_address(to) or sender_of(ctx, own=True) is None:
        return None
    paper = papers.of_invoice(ctx, invoice.id)
    language = paper.look.language
    template = templates.thanks_in(language)
    url = links.url_of(ctx, links.ensured(ctx, invoice))
    facts = {
        **_facts(ctx, invoice, paper, url),
        "paid": amount_in(language, payment.amount, payment.currency),
        "paid_on": day_in(language, payment.paid_on),
    }
    return mails.enqueue(
        ctx,
        "payment",
        to=[to],
        subject=templates.filled(template.subject, facts),
        words=Words(
            text=templates.filled(template.body, facts),
            link=url,
            link_label=templates.button_in(template.language),
            language=template.language,
            automatic=True,
        ),
        invoice_id=invoice.id,
    )


def attached(ctx: Context, invoice_id: str, files: Sequence[str]) -> Sequence[Attachment]:
    """The files that go with a letter about an invoice."""
    found: list[Attachment] = []
    for one in files:
        if one == "pdf":
            made = appendix.pdf(ctx, invoice_id)
            found.append(Attachment(made.name, made.media, made.make()))
        elif one == "xml":
            data = conformity.xml(ctx, invoice_id)
            found.append(Attachment(f"{appendix.stem(data.number)}.xml", "application/xml", data.make()))
        elif one == "timesheet":
            found += [Attachment(made.name, made.media, made.make()) for made in appendix.timesheets(ctx, invoice_id)]
        elif one == "receipts":
            chosen = appendix.receipt_files(ctx, ctx.find(Invoice, invoice_id))
            found += [Attachment(made.name, made.media, made.make()) for made in chosen]
    return found


def usual_files(ctx: Context, invoice: Invoice) -> tuple[File, ...]:
    """What a letter brings unless told: the PDF, and what goes with the invoice, if mail carries it."""
    hours: tuple[File, ...] = ("timesheet",) if invoice.attach_timesheet else ()
    proofs: tuple[File, ...] = ("receipts",) if invoice.attach_receipts and _fit(ctx, invoice) else ()
    return ("pdf", *hours, *proofs)


def today_of(ctx: Context) -> date:
    """The day in the workspace, for what is due there; a person may be elsewhere."""
    return local_date(ctx.now, current(ctx).time_zone)


def _write(
    ctx: Context, kind: Literal["invoice", "reminder", "test"], invoice: Invoice, message: Message, to: Sequence[str]
) -> Mail:
    paper = papers.of_invoice(ctx, invoice.id)
    language = paper.look.language
    words = templates.words_for(ctx, "reminder" if kind == "reminder" else "invoice", language)
    url = None
    if invoice.status in ("SENT", "PAID"):
        url = links.url_of(ctx, links.ensured(ctx, invoice))
    facts = _facts(ctx, invoice, paper, url)
    subject = templates.filled(message.subject or words.subject, facts)
    return mails.enqueue(
        ctx,
        kind,
        to=to,
        cc=() if kind == "test" else message.cc,
        subject=f"[Test] {subject}" if kind == "test" else subject,
        words=Words(
            text=templates.filled(message.body or words.body, facts),
            link=url,
            link_label=templates.button_in(words.language),
            language=words.language,
            automatic=kind == "reminder",
        ),
        attachments=_files(ctx, invoice, message),
        invoice_id=invoice.id,
    )


def _facts(ctx: Context, invoice: Invoice, paper: Document, url: str | None) -> dict[str, str]:
    language = paper.look.language
    overdue = 0 if paper.due_date is None else max((today_of(ctx) - paper.due_date).days, 0)
    return {
        "client": paper.buyer.name,
        "studio": paper.seller.trade_name or paper.seller.name,
        "number": paper.number,
        "total": amount_in(language, paper.total, paper.currency),
        "balance": amount_in(language, invoice.balance, paper.currency),
        "issue_date": day_in(language, paper.issue_date),
        "due_date": day_in(language, paper.due_date),
        "days_overdue": str(overdue),
        "link": url or "",
    }


def _recipients(ctx: Context, invoice: Invoice, message: Message) -> Sequence[str]:
    if message.to is not None:
        return mails.checked(message.to, "to")
    usual = _usual_recipient(ctx, invoice)
    if usual is None:
        name = ctx.find(Client, invoice.client_id).name
        raise Invalid(fields={"to": f"required: no e-mail address of {name} is known"})
    return mails.checked([usual], "to")


def _usual_recipient(ctx: Context, invoice: Invoice) -> str | None:
    client = ctx.find(Client, invoice.client_id)
    issued_to = None if invoice.status == "DRAFT" else invoice.bill_to_email
    return client.billing_email or client.email or issued_to


def _check_words(message: Message) -> None:
    mails.checked(message.cc, "cc", least=0)
    if any(one not in FILES for one in message.files or ()):
        raise Invalid(fields={"attach": f"one or more of {', '.join(FILES)}"})
    try:
        templates.check(subject=message.subject or "-", body=message.body or "-")
    except Invalid as refusal:  # what a template calls its body is what a person calls their message
        fields = {"message" if name == "body" else name: why for name, why in refusal.fields.items()}
        raise Invalid(fields=fields) from None


def _files(ctx: Context, invoice: Invoice, message: Message) -> Sequence[str]:
    if message.files is None:
        return usual_files(ctx, invoice)
    if "receipts" in message.files and not _fit(ctx, invoice):
        most = MOST_BYTES // 1024**2
        raise Invalid(
            fields={"attach": f"these receipts are more than the {most} MB that mail carries; leave them out"}
        )
    return message.files


def _fit(ctx: Context, invoice: Invoice) -> bool:
    return sum(one.size for one in appendix.chosen_receipts(ctx, invoice)) <= MOST_BYTES


def _check_not_just_sent(ctx: Context, invoice: Invoice, kind: str) -> None:
    """Two that press the button at once, or one who presses twice, send one letter."""
    found = ctx.row(_JUST_SENT, invoice_id=invoice.id, kind=kind, since=ctx.tick() - BREATH)
    if found is not None:
        raise Conflict(
            "This was mailed a moment ago, or waits to be. Wait a minute before you send it again.",
            reason="mail_just_sent",
        )


_JUST_SENT = Prepared("""
    SELECT 1 FROM mails
    WHERE workspace_id = %(workspace)s::uuid AND invoice_id = %(invoice_id)s::uuid AND kind = %(kind)s::text
      AND (created_at > %(since)s::timestamptz OR state IN ('queued', 'sending'))
    LIMIT 1
""")
