"""What the matrices play on: two workspaces that nothing changes, and the app over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from falcon import testing
from psycopg.conninfo import conninfo_to_dict

from tallystick.db.session import Database
from tallystick.domain.entering import enter
from tests.documents.reading import inside
from tests.matrix.requests import Request, said
from tests.matrix.world import Rehearsal, World, contents, furnish, identities


@dataclass
class Stage:
    """`ask` sends a request as one of the people; whatever it did is rolled back, unless it is `lasting`."""

    url: str
    world: World
    other: World
    """Another workspace; whatever of it is seen in an answer is a leak."""
    client: testing.TestClient
    looking: testing.TestClient
    """The same in transactions that may not write."""
    lasting: testing.TestClient
    """The same in transactions that are committed: for requests that should change nothing."""
    unwalled: testing.TestClient
    """The same as the owner role, for whom there is no row-level security."""
    foreign: frozenset[str] = field(init=False)
    """Ids and e-mails of the other workspace."""
    rehearsal: Rehearsal = field(init=False)
    """The transactions of `client`."""

    def __post_init__(self) -> None:
        self.foreign = identities(self.url, self.other.studio.workspace_id)

    def ask(self, request: Request, who: str = "owner", *, lasting: bool = False) -> testing.Result:
        return request.send(self.lasting if lasting else self.client, self.world.studio.people[who].token)

    def ask_as(self, token: str | None, request: Request, **headers: str) -> testing.Result:
        return request.send(self.client, token, **headers)

    def told_by(self, send: Callable[[], testing.Result]) -> tuple[testing.Result, tuple[str, ...]]:
        """An answer, and the events that one entry of the audit log tells of it; none: nothing was told."""
        self.rehearsal.heard.clear()
        result = send()
        heard = self.rehearsal.heard
        assert len(heard) <= 1, heard
        return result, heard[0] if heard else ()

    def contents(self) -> dict[str, str]:
        """A digest of every table's rows of the caller's workspace; it may note that it answered or refused."""
        noted = frozenset({"idempotency_answers", "events", "audit_log", "change_heads", "change_queue"})
        return contents(self.url, self.world.studio.workspace_id, without=noted)

    def check_silence(self, result: testing.Result, sent: str = "") -> None:
        """No byte of the other workspace is in an answer, but for the id that was sent."""
        text = said(result).decode(errors="replace").lower() + inside(result.content).lower()
        assert "canary" not in text
        assert not {one for one in self.foreign if one in text} - {sent}


Played = TypeVar("Played", bound=Stage)


def set_up(
    kind: type[Played], database: Database, url: str, make: Callable[[Any, World, World], testing.TestClient]
) -> Played:
    """Two furnished workspaces, and apps over them: nothing a request does lasts longer than the request."""
    world, other = furnish(database), furnish(database, name="Canary & Co", word="Canary")
    for one in (world, other):
        with one.studio.context() as ctx:
            enter(ctx)
    owner = conninfo_to_dict(url)["user"]
    apps: dict[str, Any] = {
        "client": Rehearsal(database),
        "looking": Rehearsal(database, "SET TRANSACTION READ ONLY"),
        "lasting": database,
        "unwalled": Rehearsal(database, f"SET LOCAL ROLE {owner}"),
    }
    stage = kind(url, world, other, **{name: make(over, world, other) for name, over in apps.items()})
    stage.rehearsal = apps["client"]
    return stage


def untouched(stage: Stage) -> Iterator[None]:
    """No row of the other workspace changes while the tests of a module run: the body of a fixture."""
    before = contents(stage.url, stage.other.studio.workspace_id)
    yield
    assert contents(stage.url, stage.other.studio.workspace_id) == before
