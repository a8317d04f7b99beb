"""The first workspace of a server: a secret that `serve` prints, good until there is one, and what it lets in."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from tallystick.auth.passwords import hash_password
from tallystick.auth.sessions import Identity, Place, SignedIn, check_password, let_in
from tallystick.db.session import Connection, Prepared
from tallystick.domain import members, workspaces
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, Origin, Transactions, open_workspace
from tallystick.values.errors import Conflict, Forbidden
from tallystick.values.ids import new_id
from tallystick.values.seal import derive

VARIABLE: Final = "_TALLYSTICK_FIRST_RUN"
"""Where the server's processes find the digest: no setting, `serve` draws it anew at each start."""
DONE: Final = "This server is set up already. Sign in, or ask a colleague to invite you."
WRONG: Final = "That set-up code is not valid. Each start of the server prints a new one: use the latest."

_SECRET: Final = re.compile(r"hsu_[A-Za-z0-9_-]{43}", re.ASCII)
_IS_FIRST: Final = Prepared("SELECT is_first_run(%(claiming)s::boolean)")


def mint() -> str:
    """A new secret for the set-up, of 256 random bits."""
    return f"hsu_{secrets.token_urlsafe(32)}"


def digest_of(key: bytes, secret: str) -> str:
    """All that the server's processes know of the secret."""
    return hmac.digest(derive(key, "first-run/v1"), secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def is_needed(connection: Connection, *, claiming: bool = False) -> bool:
    """Whether there is no workspace yet. Who is `claiming` waits for others who do."""
    return connection.run(_IS_FIRST, {"claiming": claiming}).fetchone() == (True,)


@dataclass(slots=True)
class FirstRun:
    """Whether the server still has to be set up, and with which secret."""

    database: Transactions
    key: bytes
    digest: str = field(default="", repr=False)
    """Empty: nobody sets this one up by page."""
    done: bool = False
    """There is a workspace; that never changes back."""

    def is_open(self) -> bool:
        """Whether there is no workspace yet; asked of the database until there is one."""
        if not self.done:
            with self.database.transaction() as connection:
                self.done = not is_needed(connection)
        return not self.done

    def require(self, secret: str) -> None:
        """Refuse whoever does not have the secret, or comes too late."""
        if not self.is_open():
            raise Conflict(DONE)
        given = digest_of(self.key, secret)
        if not self.digest or _SECRET.fullmatch(secret) is None or not hmac.compare_digest(given, self.digest):
            raise Forbidden(WRONG)

    def set_up(
        self,
        secret: str,
        *,
        workspace: str,
        currency: str,
        time_zone: str,
        name: str,
        email: str,
        password: str,
        **sign_in: Any,
    ) -> SignedIn:
        """Make the first workspace and its owner, and sign them in. Of several at one moment, one does.

        `sign_in`: as `sessions.let_in` takes it.
        """
        self.require(secret)
        address = members.checked_address(email)
        workspaces.check_currency(currency, "currency")
        workspaces.check_time_zone(time_zone)
        check_password(password, "new_password", (address, name, workspace))
        fresh = hash_password(password)
        workspace_id = new_id()
        now = sign_in["now"]
        with self.database.transaction() as connection:
            if not is_needed(connection, claiming=True):
                raise Conflict(DONE)
            open_workspace(connection, workspace_id)
            # As the operator: whoever reads what the server prints is one.
            founder = Actor(workspace_id, "", "OWNER", workspace_name=workspace, time_zone=time_zone)
            ctx = Context(founder, connection, lambda: now)
            ctx.comes_from(Origin("/setup", "", sign_in["address"], sign_in["user_agent"]))
            studio = workspaces.found(ctx, name=workspace, currency=currency, time_zone=time_zone)
            owner = members.add(ctx, email=address, name=name, role="OWNER", password_hash=fresh)
            place = Place(studio.id, studio.name, "OWNER")
            user = Identity(owner.user_id, address, name)
            signed = let_in(connection, self.key, user, place, places=(place,), how="/setup", **sign_in)
        self.done = True
        return signed
