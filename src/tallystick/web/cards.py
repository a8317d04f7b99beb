"""Where Stripe tells what happened, and where people arrive after paying."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

import falcon
import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from tallystick.domain.access import Actor
from tallystick.domain.cards import checkouts
from tallystick.domain.context import Clock, Context, Server, Transactions, open_workspace
from tallystick.domain.workspaces import current
from tallystick.values.errors import NotFound, Refusal, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.web.auth.bodies import JSON, BadBody, read_body

TRIES: Final = 5
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
PATH: Final = "/stripe/webhook/{workspace}"

log = logging.getLogger("tallystick.cards")


class StripeWebhook:
    """`/stripe/webhook/{workspace}`: Stripe tells again for days what is not answered with 2xx."""

    def __init__(self, database: Transactions, clock: Clock, server: Server) -> None:
        self._database = database
        self._clock = clock
        self._server = server

    def on_post(self, request: falcon.Request, response: falcon.Response, workspace: str) -> None:
        response.set_header("Cache-Control", "no-store")
        try:
            _, body = read_body(request, (JSON,))
        except BadBody as bad:
            response.status = bad.status
            response.media = {"error": str(bad)}
            return
        signature = request.get_header("Stripe-Signature") or ""
        workspace_id = parse_id(workspace)
        try:
            outcome = self._hear(workspace_id or NOBODY, body, signature)
        except Unauthenticated:  # the same for a workspace that does not exist
            response.status = 400
            response.media = {"error": "This is not signed by Stripe for this workspace."}
        except (Refusal, psycopg.Error, PoolTimeout, TooManyRequests) as error:
            log.warning("what Stripe tells has to wait: %s", error)
            response.status = 503
            response.media = {"error": "Tell it again later."}
        else:
            response.media = {"outcome": outcome or "KNOWN"}

    def _hear(self, workspace_id: str, body: bytes, signature: str) -> str | None:
        for attempt in range(TRIES):
            try:
                return self._once(workspace_id, body, signature)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter
        raise AssertionError

    def _once(self, workspace_id: str, body: bytes, signature: str) -> str | None:
        actor = Actor(workspace_id, "", "OWNER", credential_name="stripe")
        with self._database.transaction() as connection:
            open_workspace(connection, workspace_id)
            ctx = Context(actor, connection, self._clock, self._server)
            try:
                zone = current(ctx).time_zone
            except NotFound:
                raise Unauthenticated from None
            actor = Actor(workspace_id, "", "OWNER", time_zone=zone, credential_name="stripe")
            return checkouts.hear(Context(actor, connection, self._clock, self._server), body, signature)


class Word:
    """A page that says one thing."""

    def __init__(self, title: str, text: str) -> None:
        self._html = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>'
        )

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.content_type = "text/html; charset=utf-8"
        response.set_header("Content-Security-Policy", "default-src 'none'")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.text = self._html

    on_head = on_get


def mount_cards(
    app: falcon.App[falcon.Request, falcon.Response], database: Transactions, clock: Clock, server: Server
) -> None:
    """The routes."""
    app.add_route(PATH, StripeWebhook(database, clock, server))
    app.add_route("/paid", Word("Thank you", "Your payment is on its way. You can close this page."))
    app.add_route("/not-paid", Word("Not paid", "Nothing was charged. The link that led here does so again."))
