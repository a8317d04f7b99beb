"""A visit to a page: who is here, what they asked for, and the ways to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from urllib.parse import urlencode

from tallystick.auth.sessions import Live
from tallystick.domain.access import Actor, Permission
from tallystick.domain.context import Context
from tallystick.domain.desk.shell import Shell
from tallystick.values.errors import NotFound, Refusal
from tallystick.values.ids import parse_id
from tallystick.values.phrase import Fact, Phrase
from tallystick.web.app.formats import Formats
from tallystick.web.app.forms import Fields, Upload
from tallystick.web.app.words import Words
from tallystick.web.auth.next_path import same_site_path

_PLAIN: Final = frozenset({"hours", "percent", "quantity"})
"""Facts that are no amounts: they need no decimals."""


@dataclass(frozen=True, slots=True)
class Show:
    """A page, by its template."""

    template: str
    facts: Mapping[str, Any]
    status: int = 200
    late: Mapping[str, Callable[[], Any]] = field(default_factory=dict[str, Callable[[], Any]])
    """Facts that take longer than a transaction should: made when it is over."""


@dataclass(frozen=True, slots=True)
class Go:
    """Elsewhere on this server, with GET; `said` is shown there once."""

    path: str
    said: str = ""
    sign_out: bool = False
    cookies: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Data:
    """JSON, for a script of a page."""

    facts: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class File:
    """A file, made when the transaction is over: paper takes longer than a row."""

    name: str
    """What it is saved as."""
    media: str
    make: Callable[[], bytes]
    inline: bool = False
    """Whether a browser shows it rather than saves it."""


Answer = Show | Go | Data | File


@dataclass(slots=True)
class Visit:
    """One request of a person who is signed in, inside its transaction."""

    page: Page
    ctx: Context
    live: Live
    shell: Shell
    csrf: str
    words: Words
    formats: Formats
    path: str
    """The path and query asked for."""
    ids: Mapping[str, str]
    query: Fields
    form: Fields
    files: Sequence[Upload] = ()
    """Files that came with the form."""
    swaps: bool = False
    """Whether a script asks, which puts the answer in the place of what is shown."""
    errors: dict[str, str] = field(default_factory=dict[str, str])
    """Field → what is wrong with it, when a form is shown again."""
    problem: str = ""
    reason: str = ""
    """The machine word of the problem, where it has one."""
    said: str = ""
    theme: str = ""
    env: Literal["live", "test"] = "live"
    look: tuple[str, str] = ("", "")
    """The cookie with which one looks at pages as a member does: its name, and its value for this session."""

    @property
    def actor(self) -> Actor:
        return self.ctx.actor

    @property
    def sees_money(self) -> bool:
        return self.ctx.actor.sees_money

    def may(self, permission: str) -> bool:
        """For a template: whether a button leads anywhere. The domain decides when it is pressed."""
        return self.ctx.actor.may(Permission[permission])

    def id(self, name: str = "id") -> str:
        """An id in the path; what is none is not found."""
        found = parse_id(self.ids[name])
        if found is None:
            raise NotFound
        return found

    def say(self, text: str, **facts: Any) -> str:
        return self.words.say(text, **facts)

    def explain(self, refusal: Refusal) -> str:
        """What the domain says, in the reader's words and with days as they write them."""
        facts = {
            name: self.formats.short_day(fact) if isinstance(fact, date) else fact
            for name, fact in refusal.facts.items()
        }
        return self.words.refusal(refusal.text, facts)

    def phrase(self, said: Phrase) -> str:
        """What the domain tells of a figure, in the reader's words and with numbers and days as they write them."""
        return self.words.refusal(said.text, {name: self._fact(name, fact) for name, fact in said.facts.items()})

    def _fact(self, name: str, fact: Fact) -> str:
        if isinstance(fact, Phrase):
            return self.phrase(fact)
        if isinstance(fact, datetime):
            return self.formats.moment(fact)
        if isinstance(fact, date):
            return self.formats.day(fact)
        if isinstance(fact, Decimal):
            return self.formats.number(fact, 4) if name in _PLAIN else self.formats.figure(fact)
        return str(fact)

    def show(self, template: str, /, **facts: Any) -> Show:
        """A page. `http`: its status, where that is not 200; `late`: facts that are made after the transaction."""
        return Show(template, facts, facts.pop("http", 200), facts.pop("late", {}))

    def go(self, path: str, said: str = "", **facts: Any) -> Go:
        """On to a path of ours. `said` is an English text; facts go where their names stand."""
        return Go(path, self.words.say(said, **facts) if said else "")

    def back(self, default: str, said: str = "", **facts: Any) -> Go:
        """To where the form was, as it says in `back`."""
        return self.go(same_site_path(self.form.kept("back") or None, default), said, **facts)

    def here(self, **changed: Any) -> str:
        """This address with some fields of its query changed; None takes one away."""
        path, _, _ = self.path.partition("?")
        kept = {name: values for name, values in self.query.given.items() if name not in changed}
        kept |= {name: [str(value)] for name, value in changed.items() if value is not None}
        query = urlencode(kept, doseq=True)
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the app: its address, who may open it, and what it does."""

    path: str
    permission: Permission
    get: Callable[[Visit], Answer] | None = None
    post: Callable[[Visit], Answer] | None = None
    label: str = ""
    """What menus and the command palette call it; only pages without ids have one."""
    section: str = ""
    """Which entry of the menu it belongs to."""
    icon: str = ""
    again: Callable[[Visit], Answer] | None = None
    """Shows the form again when `post` was refused; else `get` does, else the visitor goes back with the sentence."""
    change: Permission | None = None
    """What `post` needs, where that is more."""
    upload: int = 0
    """How many bytes of files its form may bring."""
    always: bool = False
    """Whether its form works for whoever looks at pages as a member does."""
    closed: bool = False
    """Whether it is there in a closed workspace, too."""
    file: bool = False
    """Whether `get` answers a file, not a page."""
    enters: bool = False
    """Whether it reads the audit log, which what is committed enters first."""
