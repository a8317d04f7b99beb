"""Puts the server together; the only module that knows every package."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Generator
from email.utils import parseaddr
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import falcon
import msgspec
import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from tallystick import __version__
from tallystick.api.addresses import address_reader
from tallystick.api.expensicat.credentials import reader
from tallystick.api.expensicat.openapi import expensicat_document
from tallystick.api.expensicat.operations import OPERATIONS as EXPENSICAT
from tallystick.api.expensicat.wire import PREFIXES, Authenticate, ExpensicatApi
from tallystick.api.growcrm.openapi import growcrm_document
from tallystick.api.growcrm.operations import OPERATIONS as GROWCRM
from tallystick.api.growcrm.wire import GrowCrmApi
from tallystick.api.native.openapi import native_document
from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import NativeApi
from tallystick.api.wire import Wire, preflight
from tallystick.auth import first_run
from tallystick.auth.rate_limits import Policy, RateLimits
from tallystick.auth.single_sign_on import SingleSignOn
from tallystick.db.local_postgres import key_file
from tallystick.db.session import Database
from tallystick.documents import Documents
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Server, utc_now
from tallystick.jobs.desk import AT_ONCE, Desk
from tallystick.jobs.lag import Queued, queued
from tallystick.outgoing.http import HttpCourier
from tallystick.outgoing.oidc import OidcProvider
from tallystick.outgoing.smtp import SmtpPost
from tallystick.outgoing.stripe_checkout import StripeTill
from tallystick.settings import Settings, roles_of
from tallystick.telemetry import logs, spans, statements
from tallystick.telemetry.numbers import Ledger
from tallystick.values.letter import Sender, Tls
from tallystick.web.app.front import Door, mount_app
from tallystick.web.app.reports import TIME_CSV
from tallystick.web.app.table import PAGES
from tallystick.web.assets import Assets, load_assets
from tallystick.web.auth.oauth import mount_oauth
from tallystick.web.auth.sign_in import mount_sign_in
from tallystick.web.cards import mount_cards
from tallystick.web.closing import mount_closing
from tallystick.web.documents import Document, Once
from tallystick.web.exports import mount_exports
from tallystick.web.health import Alive, Ready
from tallystick.web.installed import mount_installed
from tallystick.web.invoice_page import mount_invoice_pages
from tallystick.web.metrics import Metrics
from tallystick.web.portal import mount_portal
from tallystick.web.reference import EXPENSICAT as EXPENSICAT_GUIDE
from tallystick.web.reference import GROWCRM as GROWCRM_GUIDE
from tallystick.web.reference import Reference
from tallystick.web.watch import Watch, note

App = falcon.App[falcon.Request, falcon.Response]
Seen = Callable[[Actor], None]

log = logging.getLogger("tallystick.main")

CARRYING: Final = 4
"""Connections of a worker in which what became of webhooks is written down; no request to a receiver holds one."""
TOLD: Final = ("waiting", "due", "oldest_due_seconds")
"""What `/readyz` says of the queue."""
POOL_PER_PROCESS: Final = 4
"""Connections of one process: a few requests at a time run best on a core, the rest wait for their turn."""


def build(
    settings: Settings,
    database: Database,
    key: bytes,
    *,
    clock: Clock = utc_now,
    limits: RateLimits | None = None,
    seen: Seen | None = None,
    first_run: str = "",
    ledger: Ledger | None = None,
) -> App:
    """The WSGI app over an open database. `key` is the server's 32-byte key; `seen` is told who was let in.

    `first_run`: the digest of the secret that makes the first workspace. `ledger`: where this process keeps numbers.
    """
    app: App = falcon.App(middleware=[Watch(settings.slow_request_ms), FixedSuffix()])
    seen = noted(seen)
    app.req_options.strip_url_path_trailing_slash = True
    wire = Wire(
        NativeApi(key, OPERATIONS, burst=settings.rate_limit_burst, sustained=settings.rate_limit_sustained),
        database,
        limits or RateLimits(limits_file(settings.data)),
        address_policy=Policy(burst=0, burst_window=10, sustained=settings.rate_limit_address, sustained_window=60),
        address_of=address_reader(settings.trusted_proxies),
        clock=clock,
        seen=seen,
        server=lent(settings, key),
    )
    assets = load_assets()
    mount_growcrm(app, settings, wire, key, assets)  # first: what is mounted later is asked first below /api
    wire.mount(app)
    entrance = mount_sign_in(
        app,
        database,
        key,
        wire.limits,
        public_url=settings.public_url,
        address_of=wire.address_of,
        address_policy=wire.address_policy,
        clock=clock,
        seen=seen,
        mailing=settings.smtp_url is not None,
        first_run=first_run,
        asset=assets.url,
        single_sign_on=single_sign_on_of(settings),
    )
    mount_oauth(app, entrance)
    mount_cards(app, database, clock, lent(settings, key))
    if wire.server is not None:
        mount_invoice_pages(app, entrance, wire.server, assets)
        mount_portal(app, entrance, wire.server, assets)
        mount_exports(app, entrance, wire.server)
        mount_closing(app, entrance, wire.server)
    mount_expensicat(app, settings, wire, key, assets=assets)
    described = Once(lambda: native_document(OPERATIONS, version=__version__, server=settings.public_url))
    app.add_route("/api/openapi.json", openapi(described))
    front = mount_app(app, entrance, lent(settings, key), assets, PAGES, env=settings.env)
    mount_installed(app, assets, front.painter)
    app.add_route(TIME_CSV.path, ByCookieOrToken(Door(front, TIME_CSV), wire, "getTimeReportCsv"))
    app.add_route("/api-docs", Reference(described, assets))
    app.add_route("/static/{name}", assets)
    app.add_route("/healthz", Alive())
    app.add_route("/readyz", Ready(database, partial(lag_of, database), clock))
    if settings.metrics_token is not None:
        ledger = Ledger(metrics_folder(settings.data)) if ledger is None else ledger
        app.add_route("/metrics", Metrics(settings.metrics_token, ledger, partial(queue_of, database), entrance.failed))
    return app


def noted(seen: Seen | None) -> Seen:
    """Have who was let in stand in the log, and be told to `seen`."""
    if seen is None:
        return note

    def both(actor: Actor) -> None:
        note(actor)
        seen(actor)

    return both


def queue_of(database: Database) -> Queued | None:
    """What is in the queue; None where that cannot be seen now."""
    try:
        with database.as_owner() as connection:
            return queued(connection)
    except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
        log.warning("the queue cannot be seen: %s", error)
        return None


def lag_of(database: Database) -> dict[str, Any] | None:
    """How far the queue is behind, for `/readyz`."""
    found = queue_of(database)
    return None if found is None else {name: getattr(found.lag, name) for name in TOLD}


def openapi(described: Once[dict[str, Any]]) -> Document:
    """An OpenAPI document for machines."""
    return Document(lambda: msgspec.json.encode(described()), "application/json")


def lent(settings: Settings, key: bytes) -> Server:
    """What verbs may borrow of this server."""
    return Server(
        Documents(settings.data / "fonts"),
        key,
        settings.public_url,
        post=SmtpPost(settings.egress_allow),
        sender=sender_of(settings),
        till=StripeTill(settings.stripe_api) if find_spec("stripe") is not None else None,
        courier=HttpCourier(settings.egress_allow),
        live=settings.env == "live",
    )


def sender_of(settings: Settings) -> Sender | None:
    """Through whom the server's own mail goes."""
    if settings.smtp_url is None:
        return None
    url = urlsplit(settings.smtp_url)
    tls: Tls = "implicit" if url.scheme == "smtps" else "none" if "tls=none" in url.query else "starttls"
    name, address = parseaddr(settings.mail_from or "")
    return Sender(
        host=url.hostname or "",
        port=url.port or {"implicit": 465, "starttls": 587, "none": 25}[tls],
        tls=tls,
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        from_address=address,
        from_name=name or None,
    )


def single_sign_on_of(settings: Settings) -> SingleSignOn | None:
    """The sign-in provider that the operator has named."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    provider = OidcProvider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret,
        scopes=settings.oidc_scopes,
        group_claim=settings.oidc_group_claim,
    )
    return SingleSignOn(
        provider,
        settings.oidc_label,
        workspace=settings.oidc_workspace,
        roles=roles_of(settings.oidc_roles),
        strangers=settings.oidc_strangers == "join",
    )


@contextlib.contextmanager
def desk_of(settings: Settings, owner_url: str) -> Generator[Desk]:
    """What a worker of this server has at hand."""
    database = Database(owner_url, size=AT_ONCE + 1 + CARRYING)
    database.open()
    try:
        yield Desk(owner_url, database, lent(settings, key_file(settings.data)))
    finally:
        database.close()


def mount_expensicat(
    app: App,
    settings: Settings,
    native: Wire,
    key: bytes,
    authenticate: Authenticate | None = None,
    *,
    assets: Assets | None = None,
) -> None:
    """The API of Expensicat's clients, with its pages, wherever they look for it; limits are shared with ours."""
    authenticate = authenticate or reader(key, settings.public_url)
    assets = assets or load_assets()
    for prefix in PREFIXES:
        manners = ExpensicatApi(
            prefix,
            key,
            EXPENSICAT,
            authenticate,
            server=settings.public_url,
            burst=settings.rate_limit_burst,
            sustained=settings.rate_limit_sustained,
        )
        wire = Wire(
            manners,
            native.database,
            native.limits,
            address_policy=native.address_policy,
            address_of=native.address_of,
            clock=native.clock,
            seen=native.seen,
            server=native.server,
        )
        wire.mount(app)
        machine = f"{prefix}/openapi.json"
        described = Once(
            partial(expensicat_document, EXPENSICAT, version=__version__, server=settings.public_url, prefix=prefix)
        )
        app.add_route(machine, openapi(described))
        app.add_route(f"{prefix}/docs", Reference(described, assets, EXPENSICAT_GUIDE, machine))


def mount_growcrm(app: App, settings: Settings, native: Wire, key: bytes, assets: Assets) -> None:
    """The API of Grow CRM's clients, with its pages: at `/api`, for every path that nothing else has."""
    manners = GrowCrmApi(key, GROWCRM, burst=settings.rate_limit_burst, sustained=settings.rate_limit_sustained)
    wire = Wire(
        manners,
        native.database,
        native.limits,
        address_policy=native.address_policy,
        address_of=native.address_of,
        clock=native.clock,
        seen=native.seen,
        server=native.server,
    )
    wire.mount(app)
    machine = f"{manners.prefix}/growcrm/openapi.json"
    described = Once(lambda: growcrm_document(GROWCRM, version=__version__, server=settings.public_url))
    app.add_route(machine, openapi(described))
    app.add_route(f"{manners.prefix}/growcrm/docs", Reference(described, assets, GROWCRM_GUIDE, machine))


class ByCookieOrToken:
    """An address that pages and programs share: who sends a token is answered by the API, others by the page."""

    def __init__(self, page: Door, wire: Wire, operation: str) -> None:
        self._page = page
        self._wire = wire
        self._operation = next(one for one in wire.manners.operations() if one.id == operation)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        if request.get_header("Authorization") is None:
            self._page.on_get(request, response)
        else:
            self._wire.serve(request, response, self._operation, {})

    on_head = on_get

    def on_options(self, request: falcon.Request, response: falcon.Response) -> None:
        del request
        preflight(response, "GET")


class FixedSuffix:
    """Clients that append `/api/auth` to the host they were given, `…/expensicat`, sign in where everybody does."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        del resp
        if req.path.startswith("/expensicat/api/auth/"):
            req.path = req.path.removeprefix("/expensicat")


def worker_app(seen: Seen | None = None, ledger: Ledger | None = None) -> App:
    """The app of one worker process, from its environment: what the server's processes run."""
    settings = Settings.from_environment(os.environ)
    begin_telling(settings)
    if settings.database_url is None:
        raise RuntimeError("A worker is started by `tallystick serve`, which tells it the database.")
    database = Database(settings.database_url, size=POOL_PER_PROCESS)
    database.open()
    return build(
        settings,
        database,
        key_file(settings.data),
        seen=seen,
        first_run=os.environ.get(first_run.VARIABLE, ""),
        ledger=ledger,
    )


def begin_telling(settings: Settings) -> None:
    """Log, trace and watch slow statements from now on, as the settings say. Each process does it for itself."""
    logs.begin(settings.log, settings.log_level)
    statements.slow_from(settings.slow_query_ms)
    spans.begin(__version__)


def metrics_folder(data: Path) -> Path:
    """Where the processes of this machine write their numbers down for each other."""
    return data / "metrics"


def limits_file(data: Path) -> Path:
    """Where the processes of this machine count requests together."""
    return data / "rate-limits"
