"""Pages that need no script: rendered whole, with a policy that allows their own style and form and little else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

import falcon
from markupsafe import Markup

from tallystick.web.app.formats import locale_of
from tallystick.web.app.words import Words
from tallystick.web.templating import templates_in

FOLDER: Final = Path(__file__).parent / "templates"
_STYLE: Final = (FOLDER / "style.css").read_text()
_MARKED_STYLE: Final = Markup(_STYLE)  # noqa: S704 - our own file
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_environment: Final = templates_in(FOLDER)


ENGLISH: Final = Words("en")


class Reader:
    """Who reads the answer: as their browser says, until it is known who they are."""

    __slots__ = ("accepted", "words")

    def __init__(self, accepted: str | None) -> None:
        self.accepted = accepted
        self.words = Words(locale_of(None, accepted).language)

    def is_known(self, language: str | None) -> None:
        """They have a language of their own, or None."""
        self.words = Words(locale_of(language, self.accepted).language)


def begin_reading(request: falcon.Request, response: falcon.Response) -> None:
    """From now on `show` speaks the language that the request asks for; `request.context.reader` may learn more."""
    request.context.reader = response.context.reader = Reader(request.get_header("Accept-Language"))


def words_of(response: falcon.Response) -> Words:
    """The language of an answer."""
    reader: Reader | None = getattr(response.context, "reader", None)
    return ENGLISH if reader is None else reader.words


def policy(*form_targets: str, scripted: bool = False) -> str:
    """The Content-Security-Policy of a page; `form_targets` are origins its form may lead to besides our own."""
    targets = " ".join(("'self'", *form_targets))
    scripts = "script-src 'self'; connect-src 'self'; " if scripted else ""
    return (
        f"default-src 'none'; {scripts}style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )


def show(
    response: falcon.Response,
    template: str,
    *,
    status: int = 200,
    form_targets: tuple[str, ...] = (),
    script: str = "",
    **facts: Any,
) -> None:
    """Answer with a page. Nobody keeps it, frames it, or learns its address from a link on it.

    `script`: the address of a module of ours, for what no form can do.
    """
    words = words_of(response)
    facts |= {name: words.refusal(facts[name]) for name in ("problem", "notice", "message") if facts.get(name)}
    response.status = status
    response.content_type = "text/html; charset=utf-8"
    response.data = (
        _environment.get_template(template)
        .render(facts, style=_MARKED_STYLE, script=script, t=words.markup, n=words.count, lang=words.language)
        .encode()
    )
    response.set_header("Content-Security-Policy", policy(*form_targets, scripted=bool(script)))
    guard(response)


def go(response: falcon.Response, path: str) -> None:
    """Send the browser to a path of ours, with GET."""
    response.status = 303
    response.set_header("Location", path)
    response.set_header("Content-Security-Policy", policy())
    guard(response)


def guard(response: falcon.Response) -> None:
    """The headers of everything that has to do with signing in."""
    response.set_header("Cache-Control", "no-store")
    response.set_header("X-Content-Type-Options", "nosniff")
    response.set_header("X-Frame-Options", "DENY")
    response.set_header("Referrer-Policy", "same-origin")  # with no-referrer a form would send no Origin
    response.set_header("Cross-Origin-Opener-Policy", "same-origin")
    response.set_header("Cross-Origin-Resource-Policy", "same-origin")
