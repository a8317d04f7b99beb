"""Closing a workspace: nothing of it is open any more but to its owner, who may take it back within a month.

The database lets nobody else in and refuses what is written meanwhile (`db.migrations.closing`). After the month the
worker erases it for good.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text

from tallystick.db.session import Connection, Prepared
from tallystick.domain import jobs, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Words
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.workspaces import Workspace
from tallystick.values.errors import Conflict, Invalid

KEPT: Final = timedelta(days=30)
"""How long an owner can take it back."""
CLOSED: Final = "This workspace is closed: nothing in it can be changed."


def erased_at(closed_at: datetime) -> datetime:
    """When nothing of it will be left."""
    return closed_at + KEPT


def close(ctx: Context, *, name: str) -> Workspace:
    """Close the workspace from now on. `name`: as it is called, so that nobody closes another than they mean."""
    ctx.require(Permission.CLOSE_WORKSPACE)
    ctx.even_closed()
    studio = _alone(ctx)
    if studio.closed_at is not None:
        raise Conflict("This workspace is closed already.")
    if name.strip() != studio.name.strip():
        raise Invalid(fields={"name": "is not the name of this workspace"})
    ctx.change(studio, closed_at=ctx.now)
    ctx.record_facts("closed", studio, erased_at=erased_at(ctx.now))
    _tell(ctx, studio, _CLOSED, ctx.now)
    return studio


def reopen(ctx: Context) -> Workspace:
    """Take a closed workspace back, as it was; what waited in it goes on."""
    ctx.require(Permission.CLOSE_WORKSPACE)
    ctx.even_closed()
    studio = _alone(ctx)
    if studio.closed_at is None:
        raise Conflict("This workspace is not closed.")
    if erased_at(studio.closed_at) <= ctx.now:
        raise Conflict("This workspace was closed more than 30 days ago and is being erased.")
    closed_at = studio.closed_at
    ctx.change(studio, closed_at=None)
    ctx.record_facts("reopened", studio, closed_at=closed_at)
    for (mail_id,) in ctx.rows(_RESTING):
        jobs.defer(ctx, "send_mail", lock=f"mail:{mail_id}", mail_id=mail_id)
    _tell(ctx, studio, _REOPENED, closed_at)
    return studio


def rests(ctx: Context, mail_id: str) -> bool:
    """Whether a letter waits until the workspace is open again: not what is under way, nor the one that says so."""
    found = ctx.row(_RESTS, mail_id=mail_id)
    if found is None or found[0] is None:
        return False
    ctx.even_closed()
    return not found[1]


def overdue(connection: Connection, before: datetime) -> list[str]:
    """The workspaces that were closed by then. For the owner role."""
    rows = connection.execute("SELECT id FROM workspaces WHERE closed_at <= %s ORDER BY 1", [before]).fetchall()
    return [workspace_id for (workspace_id,) in rows]


def erase(connection: Connection, workspace_id: str, before: datetime) -> bool:
    """Erase all rows of a workspace that was closed by then, and the people who are in no other. For the owner role."""
    return connection.execute("SELECT erase_workspace(%s, %s)", [workspace_id, before]).fetchone() == (True,)


def _alone(ctx: Context) -> Workspace:
    """The workspace, behind everybody who writes in it at this moment: after it, they see what was decided."""
    ctx.row(_ALONE)
    return workspaces.locked(ctx)


def _tell(ctx: Context, studio: Workspace, said: dict[str, _Letter], closed_at: datetime) -> None:
    """Mail each owner, in their language; where nobody delivers mail, nobody."""
    if sender_of(ctx, own=True) is None:
        return
    for email, language, zone in ctx.rows(_OWNERS):
        lang = "de" if language == "de" else "en"
        day = erased_at(closed_at).astimezone(ZoneInfo(zone or studio.time_zone))
        url = f"{ctx.server.public_url}/settings/close"
        words = said[lang]
        facts = {"name": studio.name, "day": f"{day:%d.%m.%Y}" if lang == "de" else f"{day:%d %B %Y}", "url": url}
        mails.enqueue(
            ctx,
            "notice",
            to=[email],
            subject=words.subject.format(**facts),
            words=Words(
                text=words.text.format(**facts), link=url, link_label=words.button, language=lang, automatic=True
            ),
        )


class _Letter(NamedTuple):
    subject: str
    text: str
    button: str


_CLOSED: Final = {
    "en": _Letter(
        "{name} is closed",
        "{name} was closed in Tallystick. Nobody can use it any more, and nothing in it goes on.\n\n"
        "On {day} it is erased for good. Until then an owner can export everything and reopen it here:\n\n{url}",
        "Export or reopen",
    ),
    "de": _Letter(
        "{name} ist geschlossen",
        "{name} wurde in Tallystick geschlossen. Niemand kann ihn mehr benutzen, und nichts läuft weiter.\n\n"
        "Am {day} wird er endgültig gelöscht. Bis dahin können Sie alles exportieren und ihn wieder öffnen:\n\n{url}",
        "Exportieren oder wieder öffnen",
    ),
}
_REOPENED: Final = {
    "en": _Letter(
        "{name} is open again",
        "{name} was reopened in Tallystick: everything is as it was, and nothing is erased.\n\n{url}",
        "Open Tallystick",
    ),
    "de": _Letter(
        "{name} ist wieder offen",
        "{name} wurde in Tallystick wieder geöffnet: alles ist, wie es war, und nichts wird gelöscht.\n\n{url}",
        "Tallystick öffnen",
    ),
}
_ALONE = Prepared(text("SELECT FROM workspaces WHERE id = :workspace FOR UPDATE"))
_OWNERS = Prepared("""
    SELECT person.email, person.language, person.time_zone FROM members JOIN people AS person ON person.id = user_id
    WHERE workspace_id = %(workspace)s::uuid AND role = 'OWNER' AND removed_at IS NULL ORDER BY number
""")
_RESTING = Prepared("""
    SELECT id FROM mails
    WHERE workspace_id = %(workspace)s::uuid AND state IN ('queued', 'sending') AND kind <> 'notice' ORDER BY id
""")
_RESTS = Prepared("""
    SELECT studio.closed_at, mail.kind = 'notice' OR mail.state = 'sending' FROM workspaces AS studio
    LEFT JOIN mails AS mail ON mail.workspace_id = studio.id AND mail.id = %(mail_id)s::uuid
    WHERE studio.id = %(workspace)s::uuid
""")
SENTENCES["workspace_is_closed"] = Conflict(CLOSED, reason="workspace_closed")
