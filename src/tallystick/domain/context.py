"""Who asks, in which transaction, at what time: the handful of short verbs that every other verb is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar, cast

import msgspec
import psycopg
from sqlalchemy import ColumnElement, Numeric, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm.attributes import manager_of_class

from tallystick.db.base import Row, Tenant, columns_of, table_of
from tallystick.db.session import Answer, Connection, Prepared, constraint_of, insert_of, run
from tallystick.domain.access import Actor, Permission, as_themselves
from tallystick.domain.events import Event
from tallystick.domain.versions import version_of
from tallystick.values.cards import Till
from tallystick.values.document import Renderer
from tallystick.values.duration import local_date
from tallystick.values.errors import Absent, Conflict, Forbidden, NotFound, Refusal
from tallystick.values.ids import new_id
from tallystick.values.letter import Post, Sender
from tallystick.values.webhooks import Courier

Clock = Callable[[], datetime]


class Transactions(Protocol):
    """Where transactions come from; `db.session.Database` is one."""

    def transaction(self, *, reading: bool = False, entering: bool = False) -> AbstractContextManager[Connection]:
        """`reading`: nothing is written, but for what is `entering` (`domain.entering`)."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """What the server lends to verbs that make documents, links or secrets."""

    renderer: Renderer
    key: bytes
    """The server's 32-byte key; `values.seal.derive` makes one of it for each purpose."""
    public_url: str
    """An origin; links begin with it."""
    post: Post | None = None
    """Who delivers letters; None: nobody does, and what is queued waits for a worker that has one."""
    sender: Sender | None = None
    """Through whom letters go that go through no server of the workspace's own; None: the operator has set up none."""
    till: Till | None = None
    """Who speaks to Stripe; None: its library is not installed."""
    courier: Courier | None = None
    """Who takes events to receivers."""
    live: bool = True
    """Whether this server is in production; receivers are told."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an event came about, for the audit log."""

    action: str
    """The operation, command, page or job."""
    credential: str = ""
    """The public part of the credential; never the secret."""
    address: str = ""
    agent: str = ""
    request: str = ""


CHANGED_MEANWHILE = "Somebody changed this meanwhile. Look at both versions, then save yours again to keep it."


class Identified(Protocol):
    """A row that events tell of: one of a workspace, or the workspace itself."""

    noun: ClassVar[str]
    id: Any


Kind = TypeVar("Kind", bound=Row)
Lock = Literal["share", "update"]


def utc_now() -> datetime:
    """The clock of the machine."""
    return datetime.now(UTC)


class Context:
    """One actor, one transaction, one clock.

    Rows are written when the verb says so (`add`, `change`), not when a session flushes (docs/decisions/0002).
    """

    __slots__ = ("_before", "_clock", "_now", "_origin", "_seen", "_server", "actor", "connection")

    def __init__(
        self, actor: Actor, connection: Connection, clock: Clock = utc_now, server: Server | None = None
    ) -> None:
        self.actor = actor
        self.connection = connection
        self._clock = clock
        self._server = server
        self._now: datetime | None = None
        self._origin: str | None = None
        self._before: dict[tuple[type[Row], str], dict[str, Any]] = {}
        self._seen: dict[str, str] = {}

    # --- who and when

    def require(self, permission: Permission) -> None:
        """Refuse what the actor's role may not do."""
        if not self.actor.may(permission):
            raise Forbidden(f"Your role ({self.actor.role}) may not {permission}.")

    def require_changing(self) -> None:
        """Refuse whoever only looks: at pages, as a member does."""
        if self.actor.own_role is not None:
            raise Forbidden(LOOKING)

    @property
    def now(self) -> datetime:
        """The instant of this request in UTC; the same for all that it writes."""
        if self._now is None:
            self._now = self._clock()
        return self._now

    def tick(self) -> datetime:
        """Read the clock anew: after waiting for a lock, the instant of the request may be long past."""
        self._now = self._clock()
        return self._now

    def today(self) -> date:
        """The local day of the actor."""
        return local_date(self.now, self.actor.time_zone)

    @property
    def server(self) -> Server:
        """What the server lends; a context that was made without it cannot do what needs it."""
        if self._server is None:
            raise RuntimeError("This context was made without a server.")
        return self._server

    def comes_from(self, origin: Origin) -> None:
        """Say how what follows comes about."""
        self._origin = msgspec.json.encode(origin).decode()

    def with_own_eyes(self) -> Context:
        """The context of whoever looks at pages as a member does, as who they are."""
        own = Context(as_themselves(self.actor), self.connection, lambda: self.now, self._server)
        own._origin = self._origin
        return own

    def even_closed(self) -> None:
        """Let this transaction write in a workspace that is closed, too: for closing itself, sessions and exports."""
        self.connection.later(_EVEN_CLOSED, {})

    def saw(self, identity: str, version: str) -> None:
        """Say which version of a row is going to be changed (`versions.version_of`).

        Whoever then locks it for a change is refused when it has another: somebody changed it meanwhile.
        """
        self._seen[identity] = version

    # --- reading

    def rows(self, statement: Prepared, /, **values: Any) -> list[tuple[Any, ...]]:
        """Run a compiled statement; `workspace` and `actor` are given to it."""
        return self._run(statement, values).fetchall()

    def row(self, statement: Prepared, /, **values: Any) -> tuple[Any, ...] | None:
        return self._run(statement, values).fetchone()

    def row_later(self, statement: Prepared, told: Callable[[tuple[Any, ...] | None], None], /, **values: Any) -> None:
        """`row` along with the next statement, before whose answer `told` hears it."""
        self.connection.later(statement, {**values, **self._own(statement)}, told)

    def row_at_end(self, statement: Prepared, told: Callable[[tuple[Any, ...] | None], None], /, **values: Any) -> None:
        """`row` along with the next statement or with the commit: what `told` hears decides nothing any more."""
        self.connection.later(statement, {**values, **self._own(statement)}, told, decides=False)

    def find(self, kind: type[Kind], identity: str | None, *, lock: Lock | None = None) -> Kind:
        """Load one row through the actor: what they may not see is not found.

        `lock="update"` queues behind others who change the row; `lock="share"` only keeps it from being changed.
        """
        found = self._run(_find(kind, self.actor.sees_everyone, lock), {"id": identity}).fetchone()
        if found is None:
            raise NotFound(f"No such {kind.noun}.")
        row = hydrate(kind, found)
        if lock == "update" and self._seen:
            self.require_seen(row)
        return row

    def reference(self, kind: type[Kind], identity: str | None, field: str, *, lock: Lock | None = None) -> Kind:
        """`find` for an id in a body: what is not there is a wrong value of that field."""
        try:
            return self.find(kind, identity, lock=lock)
        except NotFound:
            raise Absent(fields={field: f"no such {kind.noun}"}) from None

    def require_seen(self, row: Row) -> None:
        """Refuse to change a row, locked just now, of which another version was seen, or that it was not there yet.

        Asked once: what the verb itself changes from then on is its own.
        """
        version = self._seen.pop(row.__dict__["id"], self._seen.pop(row.__tablename__, None))
        if version is not None and version != version_of(row):
            raise Conflict(CHANGED_MEANWHILE, reason="changed_meanwhile")

    def select(self, kind: type[Kind], *where: ColumnElement[bool], **values: Any) -> list[Kind]:
        """Rows of one kind by a condition, compiled at each call: for what is not on a hot path."""
        table = table_of(kind)
        statement = select(*read_columns(kind)).where(*where)
        if issubclass(kind, Tenant):
            statement = statement.where(table.c.workspace_id == workspace())
        return [hydrate(kind, row) for row in self.rows(Prepared(statement), **values)]

    # --- writing

    def add(self, row: Kind, *, later: bool = False) -> Kind:
        """Insert a row now. Its id, workspace, times and maker are set where it has none.

        `later`: along with the next statement, or with the commit; what a constraint refuses is raised there.
        """
        self.require_changing()
        now = self.now
        given = columns_in(row)
        values: dict[str, Any] = {}
        for name, default in _inserted(type(row)):
            value = given.get(name, default)
            if value is None:
                if name == "id":
                    value = new_id()
                elif name == "workspace_id":
                    value = self.actor.workspace_id
                elif name in _TIMES:
                    value = now
                elif name == "created_by":
                    value = self.actor.maker
            elif value.__class__ is list and value is default:
                value = list(value)
            values[name] = value
            given[name] = value
        if later:
            self.connection.later(_insert(type(row)), values)
        else:
            self._write(_insert(type(row)), values)
        return row

    def change(self, row: Row, **values: Any) -> list[str]:
        """Update columns of a row now, those that differ. Answers their names; the row carries the new values."""
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not changed:
            return []
        if "updated_at" in columns_of(type(row)):
            changed["updated_at"] = self.now
        identity = row.__dict__["id"]
        self._write(_update(type(row), tuple(sorted(changed))), {**changed, "id": identity})
        held = columns_in(row)
        before = self._before.setdefault((type(row), identity), {})
        for name in changed:
            before.setdefault(name, held[name])
        held.update(changed)
        return [name for name in changed if name != "updated_at"]

    def write(self, statement: Prepared, /, **values: Any) -> int:
        """Run an INSERT, UPDATE or DELETE of many rows; answers how many."""
        return self._write(statement, values)

    def write_later(self, statement: Prepared, /, **values: Any) -> None:
        """`write` along with the next statement, or with the commit; what a constraint refuses is raised there."""
        self.require_changing()
        self.connection.later(statement, {**values, **self._own(statement)})

    def record(self, what: str, row: Row) -> None:
        """Tell that something happened to a row, in the transaction in which it happens."""
        told = cast("Identified", row)
        before = self._before.pop((type(row), told.id), None)
        self._record(what, told, snapshot(row), None if before is None else msgspec.json.encode(before).decode())

    def record_facts(self, what: str, row: Identified, **facts: Any) -> None:
        """`record` with chosen facts instead of the whole row: for rows that hold secrets."""
        self._record(what, row, msgspec.json.encode(facts).decode())

    def _record(self, what: str, row: Identified, data: str, before: str | None = None) -> None:
        self.require_changing()
        noun = type(row).noun
        event = {
            "id": new_id(),
            "workspace_id": self.actor.workspace_id,
            "type": f"{noun.replace(' ', '_')}.{what}",
            "resource": noun.replace(" ", "_"),
            "resource_id": row.id,
            "actor_id": self.actor.user_id or None,
            "before": before,
            "data": data,
            "origin": self._origin,
            "occurred_at": self.now,
        }
        self.connection.later(_insert(Event), event)

    def _run(self, statement: Prepared, values: dict[str, Any]) -> Answer:
        values |= self._own(statement)
        return run(self.connection, statement, values)

    def _own(self, statement: Prepared) -> dict[str, Any]:
        """What every statement may ask for."""
        own = {"workspace": self.actor.workspace_id, "actor": self.actor.user_id or None, "maker": self.actor.maker}
        return {**own, "today": self.today()} if statement.dated else own

    def _write(self, statement: Prepared, values: dict[str, Any]) -> int:
        self.require_changing()
        try:
            return self._run(statement, values).rowcount
        except psycopg.IntegrityError as error:
            raise refusal_of(error) from error


LOOKING: Final = "You are looking at pages as a member does: nothing is changed. Go back to your own view first."
SENTENCES: dict[str, Refusal] = {}
"""Constraint name → what to tell the user when the database refuses (STYLE: invariants live in the database)."""


def open_workspace(connection: Connection, workspace_id: str) -> None:
    """Show the rows of one workspace to this transaction, and only to it."""
    connection.later(_OPEN_WORKSPACE, {"workspace": workspace_id})


def refusal_of(error: psycopg.IntegrityError) -> Refusal | psycopg.IntegrityError:
    """The refusal that a constraint stands for; the error itself where no sentence was written."""
    refusal = SENTENCES.get(constraint_of(error) or "")
    if refusal is None:
        return error
    return type(refusal)(refusal.message, fields=dict(refusal.fields), reason=refusal.reason)


def snapshot(row: Row) -> str:
    """A row as JSON text, for its event."""
    facts = {name: row.__dict__.get(name) for name in columns_of(type(row))}
    return msgspec.json.encode({**facts, **{name: getattr(row, name) for name in row.told}}).decode()


def columns_in(row: Row) -> dict[str, Any]:
    """What a row object holds; written here, nobody is told: there is no session that would want to know."""
    return cast("dict[str, Any]", row.__dict__)


def hydrate(kind: type[Kind], values: Sequence[Any]) -> Kind:
    """A row object from its columns in order."""
    if kind not in _configured:
        Row.registry.configure()
        _configured.add(kind)
    row = manager_of_class(kind).new_instance()
    columns_in(row).update(zip(columns_of(kind), values, strict=True))
    return row


def read_columns(kind: type[Row]) -> list[ColumnElement[Any]]:
    """The columns of a row in order, as they are read."""
    shown = kind.read_as()
    return [shown[column.key] if column.key in shown else column for column in table_of(kind).columns]  # noqa: SIM401


def decimal_columns(kind: type[Row]) -> frozenset[str]:
    """The names of a row's decimal columns."""
    return frozenset(column.key for column in table_of(kind).columns if isinstance(column.type, Numeric))


def workspace() -> ColumnElement[str]:
    """The workspace of the context, as a parameter of a statement."""
    return bindparam("workspace", type_=UUID(as_uuid=False))


def maker() -> ColumnElement[str]:
    """Whose the context makes rows, as a parameter of a statement."""
    return bindparam("maker", type_=UUID(as_uuid=False))


def actor() -> ColumnElement[str]:
    """The person of the context, as a parameter of a statement."""
    return bindparam("actor", type_=UUID(as_uuid=False))


_OPEN_WORKSPACE = Prepared(text("SELECT set_config('tallystick.workspace', :workspace, true)"))
_EVEN_CLOSED = Prepared(text("SELECT set_config('tallystick.even_closed', 'on', true)"))
_TIMES = frozenset({"created_at", "updated_at", "occurred_at"})
_finds: dict[tuple[type[Row], bool, Lock | None], Prepared] = {}
_inserts: dict[type[Row], Prepared] = {}
_updates: dict[tuple[type[Row], tuple[str, ...]], Prepared] = {}
_configured: set[type[Row]] = set()
_defaults: dict[type[Row], tuple[tuple[str, Any], ...]] = {}


def _inserted(kind: type[Row]) -> tuple[tuple[str, Any], ...]:
    """Each column that an INSERT names, with its plain default."""
    known = _defaults.get(kind)
    if known is None:
        known = tuple(
            (column.key, getattr(column.default, "arg", None))
            for column in table_of(kind).columns
            if column.computed is None and column.identity is None
        )
        _defaults[kind] = known
    return known


def _insert(kind: type[Row]) -> Prepared:
    prepared = _inserts.get(kind)
    if prepared is None:
        prepared = _inserts[kind] = insert_of(kind)
    return prepared


def _update(kind: type[Row], names: tuple[str, ...]) -> Prepared:
    prepared = _updates.get((kind, names))
    if prepared is None:
        table = table_of(kind)
        statement = (
            table.update()
            .where(table.c.id == bindparam("id", type_=UUID(as_uuid=False)))
            .values({name: bindparam(name, type_=table.c[name].type) for name in names})
        )
        prepared = _updates[kind, names] = Prepared(statement)
    return prepared


def _find(kind: type[Row], everyone: bool, lock: Lock | None) -> Prepared:
    prepared = _finds.get((kind, everyone, lock))
    if prepared is None:
        table = table_of(kind)
        statement = select(*read_columns(kind)).where(table.c.id == bindparam("id", type_=UUID(as_uuid=False)))
        if issubclass(kind, Tenant):
            statement = statement.where(table.c.workspace_id == workspace())
            seen = None if everyone else kind.seen_by(actor())
            if seen is not None:
                statement = statement.where(seen)
        if "deleted_at" in table.c:
            statement = statement.where(table.c.deleted_at.is_(None))
        if lock is not None:
            statement = statement.with_for_update(read=lock == "share", key_share=lock == "update", of=table)
        prepared = _finds[kind, everyone, lock] = Prepared(statement)
    return prepared


def cast_rows(rows: list[tuple[Any, ...]], kind: type[Kind]) -> list[Kind]:
    """Row objects from rows of `select(table)`."""
    return [hydrate(kind, row) for row in rows]
