"""`POST /settings/close/confirm`: closes the workspace for its owner, who shows again that it is them."""

from __future__ import annotations

import falcon

from tallystick.auth import sessions
from tallystick.domain import closing
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, Origin, Server, open_workspace
from tallystick.values.errors import Invalid, Unauthenticated
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.pages import go, guard, show
from tallystick.web.auth.sign_in_pages import again, explained

PATH = "/settings/close/confirm"


def mount_closing(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance, server: Server) -> None:
    """Add the address."""
    app.add_route(PATH, Confirm(entrance, server))


class Confirm:
    """The form of the page: no connection is held while the password is hashed."""

    def __init__(self, entrance: Entrance, server: Server) -> None:
        self._entrance = entrance
        self._server = server

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        guard(response)
        try:
            self._close(request)
            go(response, "/settings/close")
        except Unauthenticated:
            go(response, "/sign-in")
        except sessions.SignInAgain:
            go(response, again("/settings/close"))
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            status, message = explained(error, response)
            if isinstance(error, Invalid):
                what = "name of the workspace" if "name" in error.fields else "password"
                message = f"The {what} is not right. Go back and try again."
            show(response, "refusal.html", status=status, message=message)

    def _close(self, request: falcon.Request) -> None:
        entrance = self._entrance
        fields = read_form(request)
        with entrance.database.transaction() as connection:
            live = entrance.visitor(connection, request)
            entrance.require_csrf(request, live, fields.get("csrf_token"))
            Context(live.actor, connection, entrance.clock).require(Permission.CLOSE_WORKSPACE)
        entrance.prove(request, live, fields.get("password", ""))
        with entrance.database.transaction() as connection:
            open_workspace(connection, live.actor.workspace_id)
            ctx = Context(live.actor, connection, entrance.clock, self._server)
            ctx.comes_from(Origin(PATH, live.actor.credential, entrance.where(request)))
            closing.close(ctx, name=fields.get("name", ""))
