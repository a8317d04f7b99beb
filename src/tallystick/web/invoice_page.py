"""`/i/{token}`: an issued invoice for whoever has its link, without signing in; and its files."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import falcon
import segno
from markupsafe import Markup
from msgspec.structs import replace

from tallystick.auth.invoice_links import Opened, open_invoice
from tallystick.auth.rate_limits import Policy
from tallystick.documents.paper import language_of, on_screen
from tallystick.domain import sending
from tallystick.domain.cards import checkouts
from tallystick.domain.context import Context, Server
from tallystick.domain.invoices import appendix, conformity, issued, links, papers
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.appendix import Named
from tallystick.values.errors import Forbidden, NotFound, Refusal, TooMany, Unauthenticated
from tallystick.web.assets import Assets
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.sign_in_pages import explained
from tallystick.web.invoice_words import WORDS
from tallystick.web.templating import templates_in

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
log = logging.getLogger("tallystick.invoice_page")
Responder = Callable[..., None]


def mount_invoice_pages(
    app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance, server: Server, assets: Assets
) -> None:
    """Add the page, its files, and where it says that somebody looks."""
    app.add_route("/i/{token}", InvoicePage(entrance, server, assets))
    app.add_route("/i/{token}/pay", Pay(entrance, server, assets))
    app.add_route("/i/{token}/{name}", InvoiceFile(entrance, server, assets))
    app.add_route("/i/{token}/files/{name}", InvoiceFile(entrance, server, assets, supporting=True))
    app.add_route("/i/{token}/seen", Seen(entrance, server, assets))


class _Public:
    """What the addresses below a link share."""

    def __init__(self, entrance: Entrance, server: Server, assets: Assets) -> None:
        self.entrance = entrance
        self.server = server
        self._environment = templates_in(FOLDER)
        self._asset = assets.url

    def open(self, connection: Any, token: str) -> Opened:
        return open_invoice(connection, self.server, token, self.entrance.clock)

    def show(self, response: falcon.Response, template: str, **facts: Any) -> None:
        response.content_type = "text/html; charset=utf-8"
        response.data = self._environment.get_template(template).render(facts, asset=self._asset).encode()


def _guarded(responder: Responder) -> Responder:
    """An answer that nobody indexes, keeps or frames, and from which no address leaks; refusals are pages."""

    def respond(self: _Public, request: falcon.Request, response: falcon.Response, token: str, **more: str) -> None:
        response.set_header("Content-Security-Policy", POLICY)
        response.set_header("X-Robots-Tag", "noindex, nofollow, noarchive")
        response.set_header("Referrer-Policy", "no-referrer")
        response.set_header("Cache-Control", "no-store")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.set_header("X-Frame-Options", "DENY")
        response.set_header("Cross-Origin-Opener-Policy", "same-origin")
        response.set_header("Cross-Origin-Resource-Policy", "same-origin")
        try:
            responder(self, request, response, token, **more)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            response.status, message = explained(error, response)
            language = language_of(request.get_header("Accept-Language", default="en")[:2])
            words = WORDS[language]
            self.show(response, "invoice_gone.html", language=language, rtl=language == "ar", t=words,
                      message=words.gone_why if isinstance(error, NotFound) else message)  # fmt: skip

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
            files = [one.name for one in appendix.supporting(opened.ctx, row.id)]
        # What is written off is owed all the same.
        owed = row.balance + row.amount_written_off
        shown = on_screen(replace(paper, paid=row.amount_paid + row.amount_credited, due=owed))
        t, money = WORDS[shown["language"]], shown["money"]
        if row.amount_credited:
            paid = shown["totals"].pop(-2)
            came_to = [(paid["label"], row.amount_paid)] if row.amount_paid else []
            shown["totals"][-1:-1] = [
                {"label": label, "value": money(-value), "kind": ""}
                for label, value in (*came_to, (t.credited, row.amount_credited))
            ]
        overdue = row.due_date is not None and row.due_date < today
        if fee is not None:
            response.set_header("Content-Security-Policy", POLICY.replace("form-action 'none'", PAYING))
        code = shown["payment"] and shown["payment"]["code"]
        self.show(
            response,
            "invoice.html",
            t=t,
            paper=paper,
            shown=shown,
            state="settled" if owed == 0 else "overdue" if overdue else "open",
            owed=money(owed),
            base=f"/i/{token}",
            files=files,
            by_card=fee is not None,
            fee=fee and t.fee.format(amount=money(fee)),
            qr=_drawing(code["svg"] if code else _way_here(f"{self.server.public_url}/i/{token}")),
            caption=code["caption"] if code else t.scan,
            logo=shown["logo"] and _picture(shown["logo"]["svg"]),
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
            invoice_id = self.open(connection, token).invoice_id

        @contextlib.contextmanager
        def contexts() -> Generator[Context]:
            with self.entrance.database.transaction() as connection:
                yield self.open(connection, token).ctx

        checkout = checkouts.open_checkout(contexts, invoice_id, back=f"{self.server.public_url}/i/{token}")
        response.status = 303
        response.set_header("Location", checkout.url or "")


class InvoiceFile(_Public):
    """A file of the invoice as it was issued: `pdf`, `xml`, `documents.zip`; or one that goes with it, by its place."""

    def __init__(self, entrance: Entrance, server: Server, assets: Assets, *, supporting: bool = False) -> None:
        super().__init__(entrance, server, assets)
        self._supporting = supporting

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, token: str, name: str) -> None:
        del request
        with self.entrance.database.transaction() as connection:
            opened = self.open(connection, token)
            file = self._found(opened, name)
            content = file.make()
        response.content_type = file.media
        response.set_header("Content-Disposition", _saved_as(file.name))
        response.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        response.data = content

    on_head = on_get

    def _found(self, opened: Opened, name: str) -> Named:
        ctx, invoice_id = opened.ctx, opened.invoice_id
        if self._supporting:
            for place, file in enumerate(appendix.supporting(ctx, invoice_id), 1):
                if str(place) == name:
                    return file
        elif name == "pdf":
            return appendix.pdf(ctx, invoice_id)
        elif name == "xml":
            data = conformity.xml(ctx, invoice_id)
            return Named(f"{appendix.stem(data.number)}.xml", "application/xml", data.make)
        elif name == "documents.zip":
            return appendix.bundle(ctx, invoice_id, chosen=True)
        raise NotFound("There is no such file.")


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


def _saved_as(name: str) -> str:
    """RFC 6266; a receipt is called what somebody called it."""
    plain = re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)
    said = f'attachment; filename="{plain}"'
    return said if plain == name else f"{said}; filename*=UTF-8''{quote(name, safe='')}"


def _way_here(address: str) -> str:
    """A code that leads to this page: for a telephone."""
    found = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(found, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, dark="#000", light="#fff", omitsize=True)
    return found.getvalue().decode()


def _drawing(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - drawn by segno, of squares alone


def _picture(svg: str) -> str:
    """A picture in an address, where nothing in it can do anything."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
