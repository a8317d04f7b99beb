"""Export everything: asked for here, written by a worker, fetched in `web.exports`."""

from __future__ import annotations

from tallystick.auth import sessions
from tallystick.domain import exports
from tallystick.domain.access import Permission
from tallystick.web.app.visit import Answer, Page, Visit
from tallystick.web.auth.sign_in_pages import again

STATE_NAMES = {"queued": "Waits for its turn", "running": "Under way", "done": "Ready", "failed": "Failed"}


def page(visit: Visit) -> Answer:
    now = visit.ctx.now
    return visit.show(
        "exports.html",
        exports=[
            (one, one.state == "done" and one.expires_at is not None and one.expires_at > now)
            for one in exports.listed(visit.ctx)
        ],
        proof=sessions.proof_of(visit.ctx.connection, visit.live, now),
        sign_in_again=again("/settings/export"),
        states={state: visit.say(name) for state, name in STATE_NAMES.items()},
    )


def ask(visit: Visit) -> Answer:
    exports.ask(visit.ctx)
    return visit.go("/settings/export", "The export is on its way. This page says when it is ready.")


_EXPORT = Permission.EXPORT_EVERYTHING

PAGES = (
    Page(
        "/settings/export",
        _EXPORT,
        page,
        ask,
        label="Settings: export",
        section="settings",
        icon="download",
        closed=True,
    ),
)
