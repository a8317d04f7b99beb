"""`/i/{token}`: an issued invoice for whoever has its link, without signing in; and its files."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import falcon
import segno
import segno.helpers
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tallystick.auth.invoice_links import Opened, open_invoice
from tallystick.auth.rate_limits import Policy
from tallystick.domain import sending
from tallystick.domain.cards import checkouts
from tallystick.domain.context import Server
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import issued, links, papers
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.document import Document
from tallystick.values.errors import Forbidden, NotFound, Refusal, TooMany, Unauthenticated
from tallystick.values.wording import amount_in, day_in, locale_of, quantity_in
from tallystick.web.assets import Assets
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.sign_in_pages import explained

FOLDER: Final = Path(__file__).parent / "templates"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LOOKS: Final = Policy(burst=60, burst_window=60, sustained=0, sustained_window=0)
"""How often one address may say that it looks, in a minute."""
PAYS: Final = Policy(burst=10, burst_window=60, sustained=0, sustained_window=0)
"""How often one address may ask for a page to pay on, in a minute."""
PAYING: Final = "form-action 'self' https://checkout.stripe.com"
WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "invoice": "Invoice", "from": "From", "to": "Bill to", "issued": "Issued", "due": "Due", "period": "Work from",
        "po": "PO number", "project": "Project", "what": "Description", "quantity": "Quantity", "price": "Price",
        "amount": "Amount", "subtotal": "Subtotal", "discount": "Discount", "total": "Total", "paid": "Paid",
        "balance": "To pay", "pdf": "Download PDF", "xml": "Download XML", "scan": "Scan to open this page",
        "scan_pay": "Scan with your banking app to pay", "how": "How to pay", "reference": "Reference", "open": "Open",
        "overdue": "Overdue", "settled": "Paid", "tax_id": "Tax ID", "discount_of": "less", "gone": "No invoice here",
        "pay": "Pay by card", "fee": "plus a card fee of",
    },
    "de": {
        "invoice": "Rechnung", "from": "Von", "to": "An", "issued": "Datum", "due": "Fällig", "period": "Leistung",
        "po": "Bestellnummer", "project": "Projekt", "what": "Beschreibung", "quantity": "Menge", "price": "Preis",
        "amount": "Betrag", "subtotal": "Zwischensumme", "discount": "Rabatt", "total": "Summe", "paid": "Bezahlt",
        "balance": "Zu zahlen", "pdf": "PDF herunterladen", "xml": "XML herunterladen",
        "scan": "Scannen, um diese Seite zu öffnen", "scan_pay": "Mit der Banking-App scannen und zahlen",
        "how": "So zahlen Sie", "reference": "Verwendungszweck", "open": "Offen", "overdue": "Überfällig",
        "settled": "Bezahlt", "tax_id": "Steuernummer", "discount_of": "abzüglich", "gone": "Hier ist keine Rechnung",
        "pay": "Mit Karte zahlen", "fee": "zuzüglich Kartengebühr von",
    },
}  # fmt: skip
"""What the page says in each of its languages; English for the others."""

log = logging.getLogger("tallystick.invoice_page")
Responder = Callable[..., None]


def mount_invoice_pages(
    app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance, server: Server, assets: Assets
) -> None:
    """Add the page, its files, and where it says that somebody looks."""
    app.add_route("/i/{token}", InvoicePage(entrance, server, assets))
    app.add_route("/i/{token}/pay", Pay(entrance, server, assets))
    app.add_route("/i/{token}/pdf", InvoiceFile(entrance, server, assets, "pdf", "application/pdf"))
    app.add_route("/i/{token}/xml", InvoiceFile(entrance, server, assets, "xml", "application/xml"))
    app.add_route("/i/{token}/seen", Seen(entrance, server, assets))


class _Public:
    """What the addresses below a link share."""

    def __init__(self, entrance: Entrance, server: Server, assets: Assets) -> None:
        self.entrance = entrance
        self.server = server
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._asset = assets.url

    def open(self, connection: Any, token: str) -> Opened:
        return open_invoice(connection, self.server, token, self.entrance.clock)

    def show(self, response: falcon.Response, template: str, **facts: Any) -> None:
        response.content_type = "text/html; charset=utf-8"
        response.data = self._environment.get_template(template).render(facts, asset=self._asset).encode()


def _guarded(responder: Responder) -> Responder:
    """An answer that nobody indexes, keeps or frames, and from which no address leaks; refusals are pages."""

    def respond(self: _Public, request: falcon.Request, response: falcon.Response, token: str) -> None:
        response.set_header("Content-Security-Policy", POLICY)
        response.set_header("X-Robots-Tag", "noindex, nofollow, noarchive")
        response.set_header("Referrer-Policy", "no-referrer")
        response.set_header("Cache-Control", "no-store")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.set_header("X-Frame-Options", "DENY")
        response.set_header("Cross-Origin-Opener-Policy", "same-origin")
        response.set_header("Cross-Origin-Resource-Policy", "same-origin")
        try:
            responder(self, request, response, token)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            response.status, message = explained(error, response)
            language = request.get_header("Accept-Language", default="en")[:2].lower()
            words = WORDS.get(language, WORDS["en"])
            self.show(response, "invoice_gone.html", language=language if language in WORDS else "en", t=words,
                      message=message if not isinstance(error, NotFound) or language != "de" else
                      "Sie wurde zurückgezogen, oder hat jetzt eine andere Adresse.")  # fmt: skip

    return respond


class InvoicePage(_Public):
    """`/i/{token}`."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, token: str) -> None:
        del request
        with self.entrance.database.transaction() as connection:
            opened = self.open(connection, token)
            row = invoices.read(opened.ctx, opened.invoice_id)
            kept = issued.of_invoice(opened.ctx, row)
            paper = papers.of_invoice(opened.ctx, row.id) if kept is None else issued.document_of(kept)
            fee = checkouts.fee_of(opened.ctx, row)
            today = sending.today_of(opened.ctx)
        language = paper.look.language
        words = WORDS.get(language.partition("-")[0], WORDS["en"])
        balance = row.balance
        overdue = row.due_date is not None and row.due_date < today
        state = "settled" if balance == 0 else "overdue" if overdue else "open"
        if fee is not None:
            response.set_header("Content-Security-Policy", POLICY.replace("form-action 'none'", PAYING))
        self.show(
            response,
            "invoice.html",
            t=words,
            language=language if language.partition("-")[0] in WORDS else "en",
            direction="rtl" if locale_of(language).text_direction == "rtl" and words is not WORDS["en"] else "ltr",
            paper=paper,
            state=state,
            paid=row.amount_paid,
            balance=balance,
            base=f"/i/{token}",
            by_card=fee is not None,
            fee=fee,
            qr=_picture(self.server.public_url, token, paper, row),
            qr_pays=_epc(paper, row) is not None,
            money=partial(amount_in, language, currency=paper.currency),
            day=partial(day_in, language),
            number=partial(quantity_in, language),
        )

    on_head = on_get


class Pay(_Public):
    """`POST /i/{token}/pay`: on to a page of Stripe where the balance is paid."""

    @_guarded
    def on_post(self, request: falcon.Request, response: falcon.Response, token: str) -> None:
        self.entrance.require_our_page(request)
        if not self.entrance.limits.take(f"pays:{self.entrance.address_of(request)}", PAYS).allowed:
            raise TooMany(retry_after=60)
        with self.entrance.database.transaction() as connection:
            opened = self.open(connection, token)
            back = f"{self.server.public_url}/i/{token}"
            checkout = checkouts.open_checkout(opened.ctx, opened.invoice_id, back=back)
        response.status = 303
        response.set_header("Location", checkout.url)


class InvoiceFile(_Public):
    """A file of the invoice, as it went by mail."""

    def __init__(self, entrance: Entrance, server: Server, assets: Assets, kind: str, media: str) -> None:
        super().__init__(entrance, server, assets)
        self._kind = kind
        self._media = media

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, token: str) -> None:
        del request
        with self.entrance.database.transaction() as connection:
            opened = self.open(connection, token)
            (file,) = sending.attached(opened.ctx, opened.invoice_id, [self._kind])
        response.content_type = self._media
        response.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
        response.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        response.data = file.content

    on_head = on_get


class Seen(_Public):
    """`POST /i/{token}/seen`: what the page's script says once it is shown. A GET writes nothing, whoever sends it:
    programs that look at each link of a mail do not count.
    """

    @_guarded
    def on_post(self, request: falcon.Request, response: falcon.Response, token: str) -> None:
        entrance = self.entrance
        response.status = 204
        try:
            entrance.require_our_page(request)
        except Forbidden:
            return
        address = entrance.address_of(request)
        if not entrance.limits.take(f"looks:{address}", LOOKS).allowed:
            return
        visitor = links.visitor_of(self.server.key, address, request.user_agent or "", entrance.clock())
        try:
            with entrance.database.transaction() as connection:
                if not self._is_ours(connection, request, token):
                    opened = self.open(connection, token)
                    links.count_view(opened.ctx, opened.link_id, visitor)
        except Refusal:
            log.debug("a look at nothing")

    def _is_ours(self, connection: Any, request: falcon.Request, token: str) -> bool:
        """Whether it is somebody of the workspace who looks at what they sent."""
        try:
            live = self.entrance.visitor(connection, request)
        except Unauthenticated:
            return False
        return self.open(connection, token).workspace_id == live.actor.workspace_id


def _epc(paper: Document, row: Invoice) -> segno.QRCode | None:
    """What a banking app reads, where there is a bank account and something to pay in euros."""
    pay = paper.payment
    balance = row.balance
    if pay is None or pay.iban is None or paper.currency != "EUR" or balance <= 0:
        return None
    try:
        return segno.helpers.make_epc_qr(
            name=(pay.account_holder or paper.seller.name)[:70],
            iban=pay.iban,
            amount=balance,
            text=pay.reference[:140],
            bic=pay.bic,
        )
    except ValueError:
        return None


def _picture(public_url: str, token: str, paper: Document, row: Invoice) -> Markup:
    """The code that pays, else one that leads to this page: for a telephone."""
    code = _epc(paper, row) or segno.make(f"{public_url}/i/{token}", error="m", micro=False)
    found = io.BytesIO()
    code.save(found, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, dark="#000", light="#fff", omitsize=True)
    return Markup(found.getvalue().decode())  # noqa: S704 - drawn by segno, of squares alone
