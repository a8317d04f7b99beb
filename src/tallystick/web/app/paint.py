"""Pages as HTML: the templates, and what every one of them knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from tallystick.domain.access import Permission
from tallystick.domain.versions import seen
from tallystick.web.app.visit import Page, Show, Visit
from tallystick.web.app.words import Words
from tallystick.web.assets import Assets
from tallystick.web.templating import templates_in

FOLDER: Final = Path(__file__).parent / "templates"
COLORS: Final = ("#2f7d62", "#b4552d", "#5866b5", "#a3437a", "#8a7a1f", "#27788a", "#6b6f76", "#7a4fa3")
_DOT: Final = Markup(
    '<svg class="dot" aria-hidden="true" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="{}"/></svg>'
)
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)
_LINK: Final = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]", re.ASCII)

MENU: Final = (
    ("/", "Home", "home", Permission.READ_SELF, "home"),
    ("/time", "Time", "clock", Permission.TRACK_TIME, "time"),
    ("/projects", "Projects", "folder", Permission.READ_PROJECTS, "projects"),
    ("/tasks", "Tasks", "check", Permission.READ_TASKS, "tasks"),
    ("/clients", "Clients", "users", Permission.READ_CLIENTS, "clients"),
    ("/invoices", "Invoices", "receipt", Permission.READ_INVOICES, "invoices"),
    ("/expenses", "Expenses", "wallet", Permission.READ_EXPENSES, "expenses"),
    ("/reports", "Reports", "chart", Permission.TRACK_TIME, "reports"),
    ("/settings", "Settings", "gear", Permission.READ_WORKSPACE, "settings"),
)
"""Address, name, icon, who sees it, section. What is beyond the fourth is under “More” on a phone."""


class Painter:
    """Renders pages; one for a server."""

    def __init__(self, assets: Assets, pages: Sequence[Page]) -> None:
        self._pages = pages
        self._environment = templates_in(FOLDER)
        known: dict[str, Any] = {"asset": assets.url, "icon": _icons(assets), "dot": dot, "menu": MENU}
        filters: dict[str, Any] = {"linked": linked, "initials": initials, "iso": iso, "decimal": Decimal, "seen": seen}
        self._environment.globals.update(known)
        self._environment.filters.update(filters)

    def paint(self, visit: Visit, shown: Show) -> str:
        """A page for its visitor."""
        words = visit.words
        return self._environment.get_template(shown.template).render(
            v=visit,
            t=words.markup,
            n=words.count,
            f=visit.formats,
            me=visit.shell,
            actor=visit.actor,
            today=visit.ctx.today(),
            now=visit.ctx.now,
            lang=words.language,
            permitted={needs for _, _, _, needs, _ in MENU if visit.actor.may(needs)},
            reachable=[page for page in self._pages if page.label and visit.actor.may(page.permission)],
            **shown.facts,
        )

    def paint_for_nobody(self, template: str, words: Words) -> str:
        """A page that is the same for everybody."""
        return self._environment.get_template(template).render(v=None, t=words.markup, lang=words.language)


def _icons(assets: Assets) -> Any:
    sheet = assets.url("icons.svg")
    known: dict[str, Markup] = {}

    def icon(name: str) -> Markup:
        """One of our signs; it says nothing to a screen reader, the text beside it does."""
        found = known.get(name)
        if found is None:
            found = known[name] = Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
                sheet, name
            )
        return found

    return icon


@lru_cache(maxsize=4096)
def dot(color: str | None, name: str | None = "") -> Markup:
    """The colour of a project: its own, else one that its name always has."""
    if color is None or _COLOR.fullmatch(color) is None:
        color = COLORS[sum((name or "").encode()) % len(COLORS)]
    return _DOT.format(color)


def linked(text: str | None) -> Markup:
    """Text with its web addresses as links; everything else stays text."""
    out = Markup()
    at = 0
    for found in _LINK.finditer(text or ""):
        out += escape((text or "")[at : found.start()])
        out += Markup('<a href="{0}" rel="noopener noreferrer nofollow" target="_blank">{0}</a>').format(found[0])
        at = found.end()
    return out + escape((text or "")[at:])


def initials(name: str) -> str:
    """At most two letters for a person."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper() or "?"


def iso(moment: date | datetime) -> str:
    """For `datetime` and for fields."""
    return moment.isoformat()
