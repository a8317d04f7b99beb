"""Looks credentials up; one that was here before, along with the first statement of its request."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from tallystick.db.connection import Check, Connection, Prepared, Row, Values
from tallystick.values.errors import Unauthenticated

REMEMBERED_AT_MOST: Final = 10_000
_READING: Final = (
    "set_config('transaction_read_only', COALESCE(%(reading)s::text, current_setting('transaction_read_only')), true)"
)
_REOPEN: Final = Prepared(f"SELECT set_config('tallystick.workspace', %(workspace)s::text, true), {_READING}")

Right = Callable[[Row | None], bool]
"""Whether what was found, if anything, is the credential that came, and still lives."""


class Outdated(Exception):  # noqa: N818 - a fact about what we remembered
    """A credential, or whom it stands for, has changed since it was last used: ask again."""


class Lookup:
    """The look-up of one kind of credential, which opens a workspace for the transaction in the same round trip.

    `function` is SQL that calls a function of the database; the last column of its row is the workspace it opened.
    """

    def __init__(self, function: str) -> None:
        self._statement = Prepared(f"SELECT opened.*, {_READING} FROM {function} AS opened")
        self._remembered: dict[Hashable, Row] = {}
        """What each was found to be the last time. A guess that saves a round trip, and is checked on the next one."""

    def ask(self, connection: Connection, values: Values, is_right: Right) -> Row:
        """What the database says now. Raises Unauthenticated."""
        found = connection.run(self._statement, {**values, **_how(connection)}).fetchone()
        if not is_right(found) or found is None:
            raise Unauthenticated
        return self._opened(connection, found)

    def find(self, connection: Connection, name: Hashable, values: Values, is_right: Right) -> Row:
        """What is known as `name`, as it was the last time, or else as the database says. Raises Unauthenticated.

        Where it is no longer the same, the answer to the statement that went by it is never seen: `Outdated` is raised
        instead.
        """
        remembered = self._remembered.get(name)
        if remembered is not None and is_right(remembered):
            connection.later(self._statement, {**values, **_how(connection)}, self._same(remembered, name))
            return self._opened(connection, remembered)
        found = self.ask(connection, values, is_right)
        if len(self._remembered) >= REMEMBERED_AT_MOST:
            self._remembered.clear()
        self._remembered[name] = found
        return found

    def forget(self) -> None:
        """Remember nothing."""
        self._remembered.clear()

    def _opened(self, connection: Connection, found: Row) -> Row:
        connection.reopen(_REOPEN, {"workspace": found[-2], **_how(connection)})
        return found

    def _same(self, remembered: Row, name: Hashable) -> Check:
        def check(found: Row | None) -> None:
            if found is None or found[:-1] != remembered[:-1]:
                self._remembered.pop(name, None)
                raise Outdated

        return check


def _how(connection: Connection) -> Values:
    return {"reading": "on" if connection.reading and not connection.entering else None}
