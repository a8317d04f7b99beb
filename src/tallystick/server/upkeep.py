"""What the server does now and then beside its requests: keeps what was used last, sweeps away what has expired."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Final, LiteralString

import psycopg

from tallystick.db.session import APPLICATION_ROLE, Connection, owner_connection, text_query
from tallystick.domain import idempotency
from tallystick.domain.access import Actor
from tallystick.domain.api_keys import KEY
from tallystick.domain.context import Clock, Context, open_workspace, utc_now
from tallystick.domain.oauth import GRANT
from tallystick.domain.sessions import SESSION

FLUSH_SECONDS: Final = 60.0
SWEEP_SECONDS: Final = 3600.0
BATCH: Final = 1000
SPARE: Final = timedelta(days=1)
"""How long a code or token stays that has expired: clocks differ."""
TOLD: Final = timedelta(days=90)
"""How long a session, a grant or a link that is over can be told of; its events stay for good."""
_SWEEP_LOCK: Final = 7_461_209_438_110_571_009
"""Any constant: of several servers on one database, one sweeps."""

log = logging.getLogger("tallystick.upkeep")


class LastUse:
    """Which tokens, keys, sessions and grants this process has seen, written down about once a minute.

    A GET never writes by itself.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._seen: dict[str, datetime] = {}

    def note(self, actor: Actor) -> None:
        """This credential was used now."""
        self._seen[actor.credential] = self._clock()

    def flush(self, owner_url: str) -> int:
        """Write down what was seen since the last time; answers how many credentials."""
        seen, self._seen = self._seen, {}
        if not seen:
            return 0
        with closing(owner_connection(owner_url)) as connection, connection:
            return sum(_write_down(connection, kind, seen) for kind in _KINDS)


def sweep_answers(owner_url: str, *, clock: Clock = utc_now, batch: int = BATCH) -> int:
    """Delete the answers to idempotency keys that have expired, workspace by workspace; answers how many.

    Nothing is done where another server is at it.
    """
    swept = 0
    with _sweeping(owner_url) as connection:
        if connection is None:
            return 0
        expired = connection.execute(_WITH_EXPIRED, [clock() - idempotency.WINDOW]).fetchall()
        for (workspace_id,) in expired:
            gone = batch
            while gone == batch:
                with connection.transaction():
                    connection.execute(text_query(f"SET LOCAL ROLE {APPLICATION_ROLE}"))
                    open_workspace(connection, workspace_id)
                    gone = idempotency.sweep(Context(Actor(workspace_id, "", "OWNER"), connection, clock), batch)
                swept += gone
    return swept


def sweep_credentials(owner_url: str, *, clock: Clock = utc_now, batch: int = BATCH) -> int:
    """Delete codes and tokens that nobody can use, and what is long over; answers how many rows.

    Long over are sessions, grants and links that ended, and actions of devices: one that old is not done unasked.

    A spent refresh token stays until it would have expired, and the code of a grant as long as the grant lives: who
    uses one again ends the grant. Nothing is done where another server is at it.
    """
    now = clock()
    values = {"spare": now - SPARE, "told": now - TOLD, "now": now, "batch": batch}
    swept = 0
    with _sweeping(owner_url) as connection:
        for table, over in _OVER.items() if connection is not None else ():
            gone = batch
            while connection is not None and gone == batch:
                gone = connection.execute(
                    text_query(
                        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {over} LIMIT %(batch)s)"
                    ),
                    values,
                ).rowcount
                swept += gone
    return swept


def sweep(owner_url: str) -> None:
    """Sweep all there is to sweep."""
    sweep_answers(owner_url)
    sweep_credentials(owner_url)


@contextmanager
def _sweeping(owner_url: str) -> Generator[Connection | None]:
    """A connection of the one who sweeps; None where another server does."""
    with closing(owner_connection(owner_url)) as connection:
        connection.autocommit = True
        mine = connection.execute("SELECT pg_try_advisory_lock(%s)", [_SWEEP_LOCK]).fetchone() == (True,)
        yield connection if mine else None


def every(seconds: float, work: Callable[[], object]) -> None:
    """Do something now and then for as long as the process lives."""
    threading.Thread(target=_repeat, args=(seconds, work), name="upkeep", daemon=True).start()


def _write_down(connection: Connection, kind: str, seen: Mapping[str, datetime]) -> int:
    found = {name: at for name, at in seen.items() if next(one for one in _KINDS if name.startswith(one)) == kind}
    names = [name.removeprefix(kind) for name in sorted(found)]
    return connection.execute(_FLUSH[kind], [names, [found[name] for name in sorted(found)]]).rowcount if found else 0


def leave_signals_to_the_main_thread() -> None:
    """What is asked of the process must not arrive in this thread: the main one would not wake to hear it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def _repeat(seconds: float, work: Callable[[], object]) -> None:
    leave_signals_to_the_main_thread()
    while not _NEVER.wait(seconds):
        try:
            work()
        except psycopg.Error as error:
            log.warning("upkeep has to wait: %s", error)
        except Exception:
            log.exception("upkeep failed")


_NEVER: Final = threading.Event()
_OVER: Final = {
    "oauth_tokens": "expires_at <= %(spare)s",
    "oauth_codes": """
        expires_at <= %(spare)s AND (used_at IS NULL OR NOT EXISTS (
            SELECT FROM oauth_grants WHERE id = grant_id AND ended_at IS NULL AND oauth_grants.expires_at > %(now)s))
    """,
    "oauth_grants": """
        LEAST(ended_at, expires_at) <= %(told)s
        AND NOT EXISTS (SELECT FROM oauth_tokens WHERE grant_id = oauth_grants.id)
        AND NOT EXISTS (SELECT FROM oauth_codes WHERE grant_id = oauth_grants.id)
    """,
    "sessions": "LEAST(ended_at, expires_at) <= %(told)s",
    "password_links": "LEAST(ended_at, expires_at) <= %(told)s",
    "device_actions": "received_at <= %(told)s",
    "notifications": "created_at <= %(told)s AND (kind <> 'budget_threshold' OR cleared_at IS NOT NULL)",
}
"""Table → which of its rows nobody needs; those first that refer to others."""
_KINDS: Final = (SESSION, GRANT, KEY, "")
"""How the names of credentials begin; a token's is its public prefix."""
_FLUSH: Final[Mapping[str, LiteralString]] = {
    SESSION: """
        UPDATE sessions SET last_seen_at = seen.at
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS seen (id, at)
        WHERE sessions.id = seen.id AND sessions.last_seen_at < seen.at
    """,
    GRANT: """
        UPDATE oauth_grants SET last_used_at = seen.at
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS seen (id, at)
        WHERE oauth_grants.id = seen.id AND (oauth_grants.last_used_at IS NULL OR oauth_grants.last_used_at < seen.at)
    """,
    KEY: """
        UPDATE api_keys SET last_used_at = seen.at
        FROM unnest(%s::text[], %s::timestamptz[]) AS seen (prefix, at)
        WHERE api_keys.prefix = seen.prefix AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < seen.at)
    """,
    "": """
        UPDATE tokens SET last_used_at = seen.at
        FROM unnest(%s::text[], %s::timestamptz[]) AS seen (prefix, at)
        WHERE tokens.prefix = seen.prefix AND (tokens.last_used_at IS NULL OR tokens.last_used_at < seen.at)
    """,
}
_WITH_EXPIRED: Final = "SELECT DISTINCT workspace_id FROM idempotency_answers WHERE completed_at <= %s"
