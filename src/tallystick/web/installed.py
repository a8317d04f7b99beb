"""The app as something installed: its manifest, its service worker, and the page for when the network is away."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import falcon
import msgspec

from tallystick.web.app.formats import locale_of
from tallystick.web.app.front import POLICY
from tallystick.web.app.paint import Painter
from tallystick.web.app.words import CATALOGUES, Words
from tallystick.web.assets import Assets
from tallystick.web.auth.pages import guard

SHELL: Final = ("app.css", "icons.svg", "mark.svg", "icon-180.png")
"""Files besides scripts that pages of the app show."""
OTHERS: Final = frozenset({"reference.js", "invoice.js", "worker.js"})
"""Scripts that no page of the app has."""
GROUND: Final = "#f7f6f2"


def mount_installed(app: falcon.App[falcon.Request, falcon.Response], assets: Assets, painter: Painter) -> None:
    """Add the manifest, the worker and the page. They are the same for everybody."""
    shells = {language: painter.paint_for_nobody("offline.html", Words(language)).encode() for language in CATALOGUES}
    manifests = {language: msgspec.json.encode(manifest(assets, Words(language))) for language in CATALOGUES}
    app.add_route("/offline", Fixed(shells.__getitem__, "text/html; charset=utf-8"))
    app.add_route("/manifest.webmanifest", Fixed(manifests.__getitem__, "application/manifest+json"))
    worker = service_worker(assets, shells)
    app.add_route("/service-worker.js", Fixed(lambda _: worker, "text/javascript; charset=utf-8"))


class Fixed:
    """Bytes for everybody, in the language asked for: `lang`, else what the browser prefers. Asked for each time."""

    def __init__(self, body: Callable[[str], bytes], media: str) -> None:
        self._body = body
        self._media = media

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        asked = request.get_param("lang")
        preferred = locale_of(None, request.get_header("Accept-Language") or "").language
        language = asked if asked is not None and asked in CATALOGUES else preferred
        guard(response)
        response.set_header("Content-Security-Policy", POLICY)
        response.set_header("Cache-Control", "no-cache")
        response.set_header("Vary", "Accept-Language")
        response.content_type = self._media
        response.data = self._body(language)

    on_head = on_get


def manifest(assets: Assets, words: Words) -> dict[str, Any]:
    """What a phone or a desktop needs to know to install it."""

    def icon(name: str, size: int, purpose: str = "any") -> dict[str, str]:
        return {"src": assets.url(name), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}

    def shortcut(name: str, url: str) -> dict[str, Any]:
        return {"name": words.say(name), "url": url, "icons": [icon("icon-192.png", 192)]}

    return {
        "id": "/",
        "name": "Tallystick",
        "short_name": "Tallystick",
        "description": words.say("Time tracking and invoicing"),
        "lang": words.language,
        "dir": "ltr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "categories": ["business", "productivity"],
        "icons": [
            icon("icon-192.png", 192),
            icon("icon-512.png", 512),
            icon("icon-maskable-512.png", 512, "maskable"),
            {"src": assets.url("mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        ],
        "shortcuts": [shortcut("Start timer", "/timer"), shortcut("Log time", "/time/new")],
    }


def service_worker(assets: Assets, shells: dict[str, bytes]) -> bytes:
    """The worker with what it keeps. Its version is that of all of it: another byte anywhere, another worker."""
    scripts = [url for url in assets.urls() if url.split("?")[0].endswith(".js")]
    files = [assets.url(name) for name in SHELL]
    files += [url for url in scripts if url.split("?")[0].removeprefix("/static/") not in OTHERS]
    outbox = re.sub(r"(?m)^export ", "", assets.text("outbox.js"))
    body = f"{outbox}\n{assets.text('worker.js')}"
    seen = hashlib.sha256(msgspec.json.encode([files, body, sorted(shells.items())]))
    pages = {language: f"/offline?lang={language}" for language in shells}
    facts = {"VERSION": seen.hexdigest()[:16], "FILES": files, "AWAY_PAGES": pages}
    head = "".join(f"const {name} = {msgspec.json.encode(value).decode()};\n" for name, value in facts.items())
    return (head + body).encode()
