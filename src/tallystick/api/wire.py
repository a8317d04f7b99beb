"""From a request to a verb and back: one request is one context is one transaction, for every API."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, quote, unquote

import falcon
import msgspec
import psycopg
from msgspec import Struct
from psycopg_pool import PoolTimeout, TooManyRequests

from tallystick.api.fields import Malformed, facts_of, parse_json
from tallystick.api.versions import Answered, etag, reader_of, single_in, tags_in, wants_nothing_back
from tallystick.auth.rate_limits import Policy, RateLimits, Verdict, headers
from tallystick.auth.remembered import Outdated
from tallystick.domain import idempotency, members
from tallystick.domain.access import ENTITLEMENTS, Actor, Permission, Plan
from tallystick.domain.context import (
    Clock,
    Connection,
    Context,
    Origin,
    Row,
    Server,
    Transactions,
    open_workspace,
    refusal_of,
    utc_now,
)
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.workspaces import Workspace
from tallystick.telemetry.work import current
from tallystick.values.errors import (
    Busy,
    Changed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooMany,
    Unauthenticated,
)
from tallystick.values.ids import new_id, parse_id

COMMON_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "*"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)
BODY_LIMIT: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0
DEADLOCK_TRIES: Final = 5
WAITING_PLACES: Final = 16
"""Requests of one process that wait for news at once; with no place free, one is answered at once."""
LOOK_SECONDS: Final = 0.2
"""How often who waits for news looks for it."""
PASSING: Final = frozenset({"idempotency_key_reused", "idempotency_in_progress", "try_again"})
"""Reasons of refusals that decide nothing: they are not kept for a retry to hear again."""

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")

log = logging.getLogger("tallystick.api")


class Nothing(Struct):
    """A body with no fields."""


@dataclass(slots=True)
class Ask:
    """A request in the domain's words: ids from the path, filters from the query, facts from the body."""

    ids: dict[str, str]
    query: dict[str, Any]
    facts: dict[str, Any]
    brought: Any = None
    """What an `Errand` brought; None: there was none yet."""

    @property
    def id(self) -> str:
        return self.ids["id"]


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is a file. It is made when the transaction is over: paper takes longer than a row."""

    name: str
    """What it is saved as."""
    media: str
    make: Callable[[], bytes]
    inline: bool = False
    """Whether a browser shows it rather than saves it."""

    def headers(self) -> dict[str, str]:
        """Of the answer."""
        how = "inline" if self.inline else "attachment"
        plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\%' else "_" for one in self.name)
        given = f'{how}; filename="{plain}"'
        if plain != self.name:
            given += f"; filename*=UTF-8''{quote(self.name, safe='')}"
        return {
            "Content-Type": self.media,
            "Content-Disposition": given,
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is a file: its bytes as they are, of one of these media types."""

    media: tuple[str, ...]
    limit: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that takes longer than a transaction should last: its data are made when that is over."""

    make: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class AtEnd:
    """An answer that tells of rows just written as they are read along with the commit: its data are made then.

    `make` asks nothing more of the database, and tells only of what its writer surely sees.
    """

    make: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Errand:
    """An answer that needs the world outside first: what was written is kept, the errand is run without a transaction,
    and the handler is asked anew with what it brought.
    """

    run: Callable[[], Any]


_UNMADE: Final = (File, Later, AtEnd, Errand, Refusal)
"""What a handler gives whose answer is not there yet when its transaction ends."""


def file_name(text: str, ending: str) -> str:
    """A name that every system can save a file as: `NL 2026/7` and `xml` make `NL-2026-7.xml`."""
    plain = _NOT_IN_NAMES.sub("-", text).strip("-.")
    return f"{plain[:100] or 'document'}.{ending}"


@dataclass(frozen=True, slots=True)
class Awaited:
    """An answer that may wait for a better one: it is asked for anew when there is news, or given as it is."""

    value: Any
    seconds: int
    news: Callable[[Context], bool]
    """Asked now and then, in a short transaction of its own: nobody holds a connection while waiting."""


Handler = Callable[[Context, Ask], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing an API can do. The table of these is the router, the OpenAPI, and the tests' matrices."""

    id: str
    """The published operationId."""
    method: str
    path: str
    handler: Handler
    summary: str
    permission: Permission
    """What the verb behind it asks for."""
    answer: Any = None
    """The type of `data`; None: 204 without a body."""
    status: int = 200
    listing: Listing | None = None
    parameters: Mapping[str, Filter] = field(default_factory=dict[str, Filter])
    body: type[Struct] | None = None
    required: tuple[str, ...] = ()
    read_only: frozenset[str] = frozenset()
    check: Callable[[dict[str, Any]], None] | None = None
    """What fields must be together, before anything is decided. Raises Invalid."""
    scope: str = ""
    """The OAuth scope that reaches it, in APIs whose credentials have such."""
    tag: str = ""
    conflicts: str = ""
    """When it answers 409; empty: never by itself."""
    absent: str = ""
    """When it answers 404 for what its body names, where its API would not say so in general."""
    whole: bool = False
    """Whether the answer is `answer` itself, with no envelope around it."""
    file: tuple[str, ...] = ()
    """The media types of an answer that is a `File`; empty: it is JSON."""
    upload: Upload | None = None
    """A body that is a file; the facts are then its `content`, its `media` and, where it came with one, its `name`."""
    many: bool = False
    """Whether `data` is a list of all there are, without paging."""
    nullable: bool = False
    """Whether `data` may be null."""
    enters: bool = False
    """Whether it reads the change feed or the audit log, which what is committed enters first."""
    kept: Callable[[Any], Any] | None = None
    """What a retry is told of an answer that shows a secret this one time."""
    message: str = ""
    """What an answer says was done, in APIs whose answers say so."""
    sorts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Sorts of a list with page numbers, by their names there, the usual one first; empty: no such list."""
    upwards: bool = False
    """Whether such a list is usually sorted in ascending order."""

    writes: bool = field(init=False)
    """Whether it may change something."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "writes", self.method not in ("GET", "HEAD"))


class Manners(Protocol):
    """How one API speaks: its credentials, its envelope, its errors."""

    name: str
    """What it is called where requests are counted."""
    prefix: str
    needs_idempotency_key: bool
    held: Mapping[str, type[Row]] | None
    """Path of a resource → the row that holds still while it is changed on condition of its version; what has no path
    here holds its workspace. None: answers say no version (ETag), and nothing is changed on condition of it.
    """

    def check_media(self, media: str) -> None:
        """Raises Unsupported for a type of body that is not read here."""
        ...

    def parse(self, body: bytes, request: falcon.Request) -> dict[str, Any]:
        """The fields of a body as they came. Raises Malformed, or Invalid with the field."""
        ...

    def facts(self, operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
        """The fields by their names in the struct, converted. Raises Invalid that names every wrong one."""
        ...

    def identity(self, text: str) -> str | None:
        """The canonical form of an id in a path; None: nothing has such an id."""
        ...

    def policy(self, actor: Actor) -> Policy: ...

    def authenticate(self, connection: Connection, request: falcon.Request, now: datetime) -> Actor: ...

    def admit(self, actor: Actor, operation: Operation | None) -> None: ...

    def query(self, operation: Operation, pairs: list[tuple[str, str]], actor: Actor) -> dict[str, Any]: ...

    def envelope(self, ctx: Context, operation: Operation, ask: Ask, value: Any) -> bytes: ...

    def error(self, refusal: Exception, request_id: str, accept: str | None) -> tuple[int, bytes, dict[str, str]]: ...

    def operations(self) -> tuple[Operation, ...]: ...


class JsonManners:
    """What APIs share whose bodies are JSON objects and whose ids are UUIDs."""

    held: Mapping[str, type[Row]] | None = None
    lenient: bool
    """Whether unknown body fields are ignored and an empty string is not null."""

    def check_media(self, media: str) -> None:
        if media != "application/json" and not media.endswith("+json"):
            raise Unsupported("The body must be JSON, with Content-Type: application/json.")

    def parse(self, body: bytes, request: falcon.Request) -> dict[str, Any]:
        del request
        return parse_json(body) if body else {}

    def facts(self, operation: Operation, given: dict[str, Any]) -> dict[str, Any]:
        assert operation.body is not None  # noqa: S101 - asked for bodies only
        return facts_of(
            operation.body, given, required=operation.required, read_only=operation.read_only, lenient=self.lenient
        )

    def identity(self, text: str) -> str | None:
        return parse_id(text)


def policies(burst: int | None = None, sustained: int | None = None) -> dict[Plan, Policy]:
    """How often the credentials of each plan may ask; given figures hold for all."""
    return {
        plan: Policy(
            burst=given.burst if burst is None else burst,
            burst_window=10,
            sustained=given.sustained if sustained is None else sustained,
            sustained_window=60,
        )
        for plan, given in ENTITLEMENTS.items()
    }


class Wire:
    """One API mounted on the app: every operation of its table takes the same way through here."""

    def __init__(
        self,
        manners: Manners,
        database: Transactions,
        limits: RateLimits,
        *,
        address_policy: Policy,
        address_of: Callable[[falcon.Request], str],
        clock: Clock = utc_now,
        seen: Callable[[Actor], None] | None = None,
        server: Server | None = None,
    ) -> None:
        """`seen` is told whom the API lets in; `server` is what verbs may borrow."""
        self.manners = manners
        self.database = database
        self.limits = limits
        self.address_policy = address_policy
        self.address_of = address_of
        self.clock = clock
        self.seen = seen
        self.server = server
        self.waiting = threading.BoundedSemaphore(WAITING_PLACES)
        self.readers = {
            one.path: one for one in manners.operations() if one.method == "GET" and one.path.endswith("{id}")
        }
        self.single, self.places = single_in(manners.operations())

    def mount(self, app: falcon.App[falcon.Request, falcon.Response]) -> None:
        """Add a route for each path of the table; what the prefix does not know is its own 404, 405 and preflight."""
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.manners.operations():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        for path, methods in by_path.items():
            app.add_route(self.manners.prefix + path, _Resource(self, methods))
        app.add_sink(self._unknown, prefix=self.manners.prefix.replace("/", r"\/") + r"(\/.*)?$")  # type: ignore[arg-type]

    def serve(
        self,
        request: falcon.Request,
        response: falcon.Response,
        operation: Operation | None,
        ids: Mapping[str, str],
        refusal: Exception | None = None,
    ) -> None:
        """Answer one request. `operation` None: the path or method is not known, and `refusal` says so."""
        work = current.get()
        if work is not None:
            work.api = self.manners.name
            work.operation = "unknown" if operation is None else operation.id
        exchange = _Exchange(self, request, operation, ids, refusal)
        status, body, extra = exchange.answer()
        response.status = status
        if request.method == "HEAD":
            response.content_type = "application/json"
            response.set_header("Content-Length", str(len(body)))
        elif status not in (204, 304):
            response.content_type = extra.pop("Content-Type", "application/json")
            response.data = body
        response.set_headers([*exchange.headers, *extra.items()])

    def _unknown(self, request: falcon.Request, response: falcon.Response, **_: str) -> None:
        if request.method == "OPTIONS":
            preflight(response)
        else:
            self.serve(request, response, None, {}, NotFound(f"There is nothing at {request.path[:200]}."))


def preflight(response: falcon.Response, methods: str = "GET, POST, PUT, PATCH, DELETE") -> None:
    """The answer to a browser's CORS question: any origin, no credentials."""
    response.status = 204
    response.set_header("Access-Control-Allow-Origin", "*")
    response.set_header("Access-Control-Allow-Methods", methods)
    response.set_header(
        "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, Prefer"
    )
    response.set_header("Access-Control-Max-Age", "86400")


class NotAllowed(Exception):  # noqa: N818 - a fact about a request
    """The path is known, the method is not."""

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This method is not allowed here. Allowed: {allowed}.")
        self.allowed = allowed


class TooLarge(Exception):  # noqa: N818 - a fact about a body
    """A body over the limit."""


class TooSlow(Exception):  # noqa: N818 - a fact about a body
    """A body that did not arrive in time."""


class Unsupported(Exception):  # noqa: N818 - a fact about a body
    """A body of a type or encoding that is not read here."""


class Unavailable(Exception):  # noqa: N818 - a fact about the server
    """The database is away or every connection is taken: worth asking again."""


class Occupied(Unavailable):
    """The server makes as many documents at once as it does: worth asking again, as the sentence says."""


class _Resource:
    """All methods of one path, for Falcon's router."""

    def __init__(self, wire: Wire, methods: dict[str, Operation]) -> None:
        allowed = ", ".join(sorted(methods))
        for method, operation in methods.items():
            setattr(self, f"on_{method.lower()}", _responder(wire, operation))
        if "GET" in methods:
            self.on_head = _responder(wire, methods["GET"])
        refuse = _refuser(wire, allowed)
        for method in falcon.COMBINED_METHODS:
            if not hasattr(self, f"on_{method.lower()}"):
                setattr(self, f"on_{method.lower()}", refuse)

        def on_options(_request: falcon.Request, response: falcon.Response, **_: str) -> None:
            preflight(response, allowed)
            response.set_header("Allow", allowed)

        self.on_options = on_options


def _responder(wire: Wire, operation: Operation) -> Callable[..., None]:
    def respond(request: falcon.Request, response: falcon.Response, **ids: str) -> None:
        wire.serve(request, response, operation, ids)

    return respond


def _refuser(wire: Wire, allowed: str) -> Callable[..., None]:
    def refuse(request: falcon.Request, response: falcon.Response, **_: str) -> None:
        wire.serve(request, response, None, {}, NotAllowed(allowed))
        response.set_header("Allow", allowed)

    return refuse


class _Exchange:
    """One request being answered."""

    def __init__(
        self,
        wire: Wire,
        request: falcon.Request,
        operation: Operation | None,
        ids: Mapping[str, str],
        refusal: Exception | None,
    ) -> None:
        self._wire = wire
        self._work = work = current.get()
        self._manners = wire.manners
        self._request = request
        self._operation = operation
        self._given_ids = ids
        self._refusal = refusal
        self._body: bytes | None = None
        self._parsed: dict[str, Any] = {}
        self._again = False
        self._counted = False
        """Whether its credential has been counted: it is once, however often a request is tried."""
        self._known = False
        """Whether its idempotency key is known, or in use."""
        self._brought: Any = None
        self.request_id = new_id() if work is None else work.request_id
        self.headers: list[tuple[str, str]] = [("X-Request-Id", self.request_id), *COMMON_HEADERS]

    def answer(self) -> tuple[int, bytes, dict[str, str]]:
        for attempt in range(DEADLOCK_TRIES):
            try:
                return self._try()
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
                if attempt == DEADLOCK_TRIES - 1:
                    return self._error(Unavailable(str(error)))
                time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter
            except Outdated:
                continue  # it is forgotten now, and looked up anew
            except psycopg.DatabaseError as error:
                if not idempotency.is_known(error):
                    return self._error(error)
                self._known = True
            except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
                return self._error(error)
        return self._error(Unavailable("The token or its key keeps changing."))

    def _try(self) -> tuple[int, bytes, dict[str, str]]:
        operation = self._operation
        if operation is not None and operation.writes and self._body is None:
            try:
                upload = operation.upload
                check = self._manners.check_media if upload is None else partial(check_upload, upload)
                self._body = read_body(self._request, check, BODY_LIMIT if upload is None else upload.limit)
            except (Malformed, TooLarge, TooSlow, Unsupported, falcon.HTTPError) as refusal:
                # Told once we know who asks: a refused body counts too, and its answer says the limits.
                operation, self._refusal = None, refusal
        decision: _Decision | None = None
        ctx: Context | None = None
        try:
            reading = operation is None or not operation.writes
            entering = operation is not None and operation.enters
            with self._wire.database.transaction(reading=reading, entering=entering) as connection:
                wire = self._wire
                ctx = Context(self._authenticated(connection), connection, wire.clock, wire.server)
                if operation is None:
                    raise self._refusal or NotFound()
                if operation.writes:
                    ctx.comes_from(self._origin(operation, ctx.actor))
                self._manners.admit(ctx.actor, operation)
                ctx.require(operation.permission)
                ask = self._ask(operation, ctx.actor)
                key = self._idempotency_key(operation)
                if key is not None:
                    decision = _Decision(ctx.actor, key, self._fingerprint())
                    if not self._known:
                        idempotency.claim_new(ctx, key)
                    elif (replay := idempotency.claim(ctx, key, decision.fingerprint)) is not None:
                        decision = None
                        self._check_still_seen(ctx, operation, ask, replay)
                        replayed = {"Idempotent-Replayed": "true", "Original-Request-Id": replay.request_id}
                        return self._said(operation, replay.status, replay.body, replayed)
                if operation.writes:
                    self._check_version(ctx, operation, ask)
                value = operation.handler(ctx, ask)
                awaited = value if isinstance(value, Awaited) else None
                told = value if awaited is None else awaited.value
                if isinstance(told, AtEnd) and key is not None:  # its answer is kept with the work
                    connection.flush()
                    told = told.make()
                unmade = told if isinstance(told, _UNMADE) else None
                body = b"" if unmade is not None else self._encode(ctx, operation, ask, told)
                if key is not None and decision is not None and unmade is None:
                    kept = body if operation.kept is None else self._encode(ctx, operation, ask, operation.kept(told))
                    idempotency.keep(
                        ctx, key, decision.fingerprint, status=operation.status, body=kept, request_id=self.request_id
                    )
            if isinstance(unmade, Refusal):  # answered and not raised: what was written before it is kept
                raise unmade
        except Forbidden as refusal:
            if ctx is not None and operation is not None and operation.writes:
                self._tell_refused(ctx.actor, operation, refusal)
            raise
        except (NotFound, Conflict, Invalid, psycopg.IntegrityError) as error:
            refusal = refusal_of(error) if isinstance(error, psycopg.IntegrityError) else error
            if decision is None or not isinstance(refusal, Refusal) or refusal.reason in PASSING:
                raise refusal from None
            status, body, extra = self._error(refusal)
            self._keep_refusal(decision, status, body)
            return status, body, extra
        if isinstance(unmade, File):
            return operation.status, unmade.make(), unmade.headers()
        if isinstance(unmade, Errand):
            self._again, self._brought = True, unmade.run()
            return self._try()
        if unmade is not None:
            body = self._encode(ctx, operation, ask, unmade.make())
        if awaited is not None and not self._again:
            self._again = True
            if self._news(ctx.actor, awaited):
                return self._try()
        return self._said(operation, operation.status, body, {})

    def _check_version(self, ctx: Context, operation: Operation, ask: Ask) -> None:
        """Refuse a change on condition of a version that is no more. Until the end nobody else makes another."""
        given, held = self._request.get_header("If-Match"), self._manners.held
        if given is None or held is None or self._again:
            return
        tags = tags_in(given, "If-Match")
        reader = reader_of(operation, self._wire.single)
        if reader is None:
            raise Invalid(fields={"If-Match": "is for changes of one resource that can be read; leave it out here"})
        ctx.require(reader.permission)
        row = held.get(reader.path.partition("{id}")[0], Workspace)
        ctx.find(row, ctx.actor.workspace_id if row is Workspace else ask.id, lock="update")
        now = reader.handler(ctx, Ask({name: ask.ids[name] for name in ask.ids if name == "id"}, {}, {}))
        if "*" not in tags and etag(self._manners.envelope(ctx, reader, ask, now)) not in tags:
            raise Changed

    def _said(
        self, operation: Operation, status: int, body: bytes, extra: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        """An answer with its version and place; without the resource where the caller has no use for it."""
        wire = self._wire
        if self._manners.held is None or status >= 300 or not body:
            return status, body, extra
        if not operation.writes:
            if wire.single.get(operation.path) is not operation:
                return status, body, extra
            tag = extra["ETag"] = etag(body)
            known = self._request.get_header("If-None-Match")
            if known is not None and not {"*", tag}.isdisjoint(tags_in(known, "If-None-Match")):
                return 304, b"", extra
            return status, body, extra
        place = wire.places.get(operation.answer)
        if place is None or operation.many:
            return status, body, extra
        extra["ETag"] = etag(body)
        if status == 201:
            made = msgspec.json.decode(body, type=Answered).data.id
            extra["Location"] = f"{self._manners.prefix}{place.removesuffix('{id}')}{made}"
        if wants_nothing_back(self._request.get_header("Prefer")):
            extra["Preference-Applied"] = "return=minimal"
            return (201 if status == 201 else 204), b"", extra
        return status, body, extra

    def _tell_refused(self, actor: Actor, operation: Operation, refusal: Forbidden) -> None:
        """The audit log hears of a change that was refused to somebody."""
        with contextlib.suppress(Refusal, psycopg.Error), self._wire.database.transaction() as connection:
            open_workspace(connection, actor.workspace_id)
            ctx = Context(actor, connection, self._wire.clock)
            ctx.comes_from(self._origin(operation, actor))
            members.tell_refused(ctx, refusal.message)

    def _origin(self, operation: Operation, actor: Actor) -> Origin:
        request = self._request
        address = self._wire.address_of(request)
        agent = (request.get_header("User-Agent") or "")[:200]
        if not agent.isprintable():
            agent = "".join(one for one in agent if one.isprintable())
        return Origin(operation.id, actor.credential, address, agent, self.request_id)

    def _news(self, actor: Actor, awaited: Awaited) -> bool:
        """Wait for news, if there is a place to."""
        wire = self._wire
        if not wire.waiting.acquire(blocking=False):
            return False
        if self._work is not None:
            self._work.idle = True
        try:
            deadline = time.monotonic() + awaited.seconds
            while (left := deadline - time.monotonic()) > 0:
                time.sleep(min(LOOK_SECONDS, left))
                with contextlib.suppress(PoolTimeout, TooManyRequests), wire.database.transaction(reading=True) as one:
                    open_workspace(one, actor.workspace_id)
                    if awaited.news(Context(actor, one, wire.clock, wire.server)):
                        return True
            return False
        finally:
            wire.waiting.release()

    def _check_still_seen(self, ctx: Context, operation: Operation, ask: Ask, replay: idempotency.Replay) -> None:
        """Whoever sees only a part of the workspace hears again only of what they see now."""
        if ctx.actor.sees_everyone or "id" not in ask.ids or not replay.body:
            return
        path = operation.path[: operation.path.index("{id}") + len("{id}")]
        reader = self._wire.readers.get(path)
        if reader is not None:
            ctx.require(reader.permission)
            reader.handler(ctx, Ask({"id": ask.id}, {}, {}))

    def _authenticated(self, connection: Connection) -> Actor:
        """Who asks, and whether they may ask again so soon. Only failed credentials count against an address."""
        wire = self._wire
        try:
            actor = self._manners.authenticate(connection, self._request, wire.clock())
        except Unauthenticated:
            policy = wire.address_policy
            verdict = wire.limits.take(f"address:{wire.address_of(self._request)}", policy)
            self._limit(verdict, policy)
            raise
        if self._counted:
            return actor
        policy = self._manners.policy(actor)
        if wire.seen is not None:
            wire.seen(actor)
        self._limit(wire.limits.take(f"token:{actor.credential}", policy), policy)
        self._counted = True
        return actor

    def _limit(self, verdict: Verdict, policy: Policy) -> None:
        self.headers += headers(verdict, policy)
        if not verdict.allowed:
            raise TooMany(retry_after=verdict.retry_after, reason=verdict.bucket)

    def _ask(self, operation: Operation, actor: Actor) -> Ask:
        ids: dict[str, str] = {}
        for name, text in self._given_ids.items():
            canonical = self._manners.identity(text)
            if canonical is None:
                raise NotFound("There is nothing with this id.")
            ids[name] = canonical
        given = self._request.query_string
        try:
            pairs = _pairs(given) if given else []
        except ValueError:
            raise Malformed("The query string is not valid UTF-8, or has more than 100 parameters.") from None
        query = self._manners.query(operation, pairs, actor)
        facts: dict[str, Any] = {}
        if operation.upload is not None:
            facts = self._file(operation.upload)
        elif operation.body is not None:
            self._parsed = self._manners.parse(self._body or b"", self._request)
            facts = self._manners.facts(operation, self._parsed)
            if operation.check is not None:
                operation.check(facts)
        return Ask(ids, query, facts, self._brought)

    def _file(self, upload: Upload) -> dict[str, Any]:
        """The file in the body. Its digest stands for it where requests are compared."""
        content = self._body or b""
        media = media_of(self._request)
        check_upload(upload, media)  # an empty body was not looked at yet
        self._parsed = {"sha256": hashlib.sha256(content).hexdigest(), "media": media}
        return {"content": content, "media": media, "name": name_in(self._request.get_header("Content-Disposition"))}

    def _idempotency_key(self, operation: Operation) -> str | None:
        if not operation.writes:
            return None
        given = self._request.get_header("Idempotency-Key")
        if given is None:
            if operation.method == "POST" and self._manners.needs_idempotency_key:
                raise Invalid(fields={"Idempotency-Key": "required"})
            return None
        key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
        if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable() and "," not in key and " " not in key):
            raise Invalid(fields={"Idempotency-Key": "must be 1 to 255 visible ASCII characters, such as a UUID"})
        return key

    def _fingerprint(self) -> bytes:
        canonical = msgspec.json.encode(self._parsed, order="deterministic")
        query = "&".join(sorted(self._request.query_string.split("&")))
        head = f"{self._request.method} {self._request.path}?{query}\n".encode()
        return hashlib.sha256(head + canonical).digest()

    def _encode(self, ctx: Context, operation: Operation, ask: Ask, value: Any) -> bytes:
        return b"" if operation.status == 204 else self._manners.envelope(ctx, operation, ask, value)

    def _keep_refusal(self, decision: _Decision, status: int, body: bytes) -> None:
        """A decision is an answer too: what was refused for its state is refused the same way on a retry."""
        with contextlib.suppress(Refusal, psycopg.Error), self._wire.database.transaction() as connection:
            open_workspace(connection, decision.actor.workspace_id)
            ctx = Context(decision.actor, connection, self._wire.clock, self._wire.server)
            idempotency.keep(
                ctx, decision.key, decision.fingerprint, status=status, body=body, request_id=self.request_id
            )

    def _error(self, error: Exception) -> tuple[int, bytes, dict[str, str]]:
        if isinstance(error, psycopg.OperationalError | PoolTimeout | TooManyRequests):
            log.warning("database unavailable: %s", error, extra={"request_id": self.request_id})
            error = Unavailable(str(error))
        elif isinstance(error, Busy):
            error = Occupied(str(error))
        elif isinstance(error, falcon.HTTPError):
            error = Malformed(error.description or error.title or "The request cannot be read.")
        elif isinstance(error, psycopg.DataError):
            log.warning("database refused a value: %s", error, extra={"request_id": self.request_id})
            error = Invalid("A value is outside of what can be stored.")
        known = (Refusal, Malformed, NotAllowed, TooLarge, TooSlow, Unsupported, Unavailable)
        if not isinstance(error, known):
            log.error("internal error", exc_info=error, extra={"request_id": self.request_id})
        return self._manners.error(error, self.request_id, self._request.get_header("Accept"))


@lru_cache(maxsize=512)  # the same few come again and again
def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=100)


@dataclass(frozen=True, slots=True)
class _Decision:
    """An idempotent request under way: whose it is, its key, and what was asked."""

    actor: Actor
    key: str
    fingerprint: bytes


def media_of(request: falcon.Request) -> str:
    """The media type of a body, without its parameters; JSON where none is said."""
    return (request.content_type or "application/json").partition(";")[0].strip().lower()


def check_upload(upload: Upload, media: str) -> None:
    """Raises Unsupported for a file of a type that is not taken here."""
    if media not in upload.media:
        raise Unsupported(f"Send the file as it is, with its Content-Type: {', '.join(upload.media)}.")


def name_in(disposition: str | None) -> str | None:
    """The file name in a Content-Disposition header (RFC 6266); None where there is none that can be read."""
    parts = [part.strip() for part in (disposition or "").split(";")]
    names = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    extended = names.get("filename*", "")
    if extended.lower().startswith("utf-8''"):
        return unquote(extended[7:], errors="replace")
    plain = names.get("filename", "").strip('"')
    return plain.encode("latin-1", "replace").decode("utf-8", "replace") or None


def read_body(request: falcon.Request, check_media: Callable[[str], None], limit: int = BODY_LIMIT) -> bytes:
    """The whole body, chunked or not, before a database connection is taken: 10 seconds at most."""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise TooLarge(f"The body may have at most {limit // 1024} KiB.")
    if request.get_header("Content-Encoding", default="identity") != "identity":
        raise Unsupported("Compressed request bodies are not read. Send the body as it is.")
    media = media_of(request)
    chunked = "chunked" in (request.get_header("Transfer-Encoding") or "").lower()
    if not chunked and not declared:
        return b""
    check_media(media)
    stream = request.env["wsgi.input"]
    deadline = time.monotonic() + BODY_SECONDS
    parts: list[bytes] = []
    size = 0
    while declared is None or size < declared:
        part = stream.read(min(65536, declared - size) if declared is not None else 65536)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge(f"The body may have at most {limit // 1024} KiB.")
        if time.monotonic() > deadline:
            raise TooSlow("The body did not arrive within 10 seconds.")
    if declared is not None and size < declared:
        raise Malformed(f"The body ended after {size} of its {declared} bytes.")
    if chunked and not size:  # the server underneath ends a body where its chunks make no sense
        raise Malformed("The body is sent in chunks, but the first of them is empty or cannot be read.")
    return b"".join(parts)
