"""`POST /settings/export/{id}/zip`: an export for its owner, who shows again that it is them, as a stream of pieces."""

from __future__ import annotations

from collections.abc import Iterator

import falcon

from tallystick.auth import sessions
from tallystick.domain import exports
from tallystick.domain.context import Context, Origin, Server, Transactions, open_workspace
from tallystick.values.errors import Invalid, NotFound, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.pages import go, guard, show
from tallystick.web.auth.sign_in_pages import again, explained

PATH = "/settings/export/{id}/zip"


def mount_exports(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance, server: Server) -> None:
    """Add the address."""
    app.add_route(PATH, Download(entrance, server))


class Download:
    """The zip. It is fetched with a form: no link of another site, and no look into a history, fetches it."""

    def __init__(self, entrance: Entrance, server: Server) -> None:
        self._entrance = entrance
        self._server = server

    def on_post(self, request: falcon.Request, response: falcon.Response, **ids: str) -> None:
        guard(response)
        try:
            self._answer(request, response, ids["id"])
        except Unauthenticated:
            go(response, "/sign-in")
        except sessions.SignInAgain:
            go(response, again("/settings/export"))
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            status, message = explained(error, response)
            if isinstance(error, Invalid):
                message = "The password is not right. Go back and try again."
            show(response, "refusal.html", status=status, message=message)

    def _answer(self, request: falcon.Request, response: falcon.Response, identity: str) -> None:
        entrance = self._entrance
        fields = read_form(request)
        with entrance.database.transaction() as connection:
            live = entrance.visitor(connection, request)
        entrance.require_csrf(request, live, fields.get("csrf_token"))
        export_id = parse_id(identity)
        if export_id is None:
            raise NotFound
        with entrance.database.transaction() as connection:
            open_workspace(connection, live.actor.workspace_id)
            exports.read(Context(live.actor, connection, entrance.clock, self._server), export_id)
        entrance.prove(request, live, fields.get("password", ""))
        with entrance.database.transaction() as connection:
            open_workspace(connection, live.actor.workspace_id)
            ctx = Context(live.actor, connection, entrance.clock, self._server)
            ctx.comes_from(Origin(PATH, live.actor.credential, entrance.where(request)))
            export = exports.download(ctx, export_id)
        response.content_type = "application/zip"
        response.set_header(
            "Content-Disposition", f'attachment; filename="tallystick-{export.created_at:%Y-%m-%d}.zip"'
        )
        response.content_length = export.size
        response.stream = _pieces(entrance.database, self._server, live, export_id, entrance)


def _pieces(
    database: Transactions, server: Server, live: sessions.Live, export_id: str, entrance: Entrance
) -> Iterator[bytes]:
    """Piece by piece, and no connection held between two."""
    position = 0
    while True:
        with database.transaction() as connection:
            open_workspace(connection, live.actor.workspace_id)
            found = exports.piece(Context(live.actor, connection, entrance.clock, server), export_id, position)
        if found is None:
            return
        yield found
        position += 1
