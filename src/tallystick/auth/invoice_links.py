"""The token in an invoice's public address → a context that sees that invoice's workspace."""

from __future__ import annotations

from typing import Final, NamedTuple

from tallystick.db.session import Connection, Prepared
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Context, Server
from tallystick.domain.invoices.links import digest_of
from tallystick.values.errors import NotFound

_OPEN: Final = Prepared("SELECT * FROM open_by_invoice_link(%(digest)s)")


class Opened(NamedTuple):
    """An invoice that somebody looks at."""

    ctx: Context
    link_id: str
    invoice_id: str
    workspace_id: str


def open_invoice(connection: Connection, server: Server, token: str, clock: Clock) -> Opened:
    """The invoice of a link; its workspace is open for this transaction. NotFound: it has ended, or never was."""
    digest = digest_of(server.key, token)
    found = None if digest is None else connection.run(_OPEN, {"digest": digest}).fetchone()
    if found is None:
        raise NotFound("There is no invoice at this address. It may have been withdrawn, or has another address now.")
    link_id, invoice_id, workspace_id, name, time_zone, _ = found
    # Nobody's: it may read what the page shows, and is handed to no verb but those of this page.
    actor = Actor(workspace_id, "", "MANAGER", workspace_name=name, time_zone=time_zone, credential_name="invoice link")
    return Opened(Context(actor, connection, clock, server), link_id, invoice_id, workspace_id)
