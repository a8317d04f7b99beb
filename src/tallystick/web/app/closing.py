"""Close the workspace: told here what that means, done in `web.closing`, and taken back here."""

from __future__ import annotations

from tallystick.auth import sessions
from tallystick.domain import closing, workspaces
from tallystick.domain.access import Permission
from tallystick.web.app.visit import Answer, Page, Visit
from tallystick.web.auth.sign_in_pages import again


def page(visit: Visit) -> Answer:
    studio = workspaces.current(visit.ctx)
    closed_at = studio.closed_at
    return visit.show(
        "closing.html",
        studio=studio,
        closed_at=closed_at,
        proof=sessions.proof_of(visit.ctx.connection, visit.live, visit.ctx.now),
        sign_in_again=again("/settings/close"),
        erased_at=closing.erased_at(closed_at or visit.ctx.now),
    )


def reopen(visit: Visit) -> Answer:
    closing.reopen(visit.ctx)
    return visit.go("/settings/close", "The workspace is open again, as it was.")


_CLOSE = Permission.CLOSE_WORKSPACE

PAGES = (
    Page("/settings/close", _CLOSE, page, label="Settings: close the workspace", section="settings", icon="out",
         closed=True),
    Page("/settings/reopen", _CLOSE, post=reopen, closed=True),
)  # fmt: skip
