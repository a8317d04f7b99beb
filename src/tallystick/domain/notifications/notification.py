"""A notification as a row: written once for each person, with its facts as they were; read by them alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, NamedTuple, cast

import msgspec
from sqlalchemy import CheckConstraint, ColumnElement, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Json, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.notifications import letters
from tallystick.domain.notifications.choices import KINDS, USUAL, Choice, Kind, kinds_of, roles_told
from tallystick.values.errors import NotFound
from tallystick.values.ids import new_id

SHOWN: Final = 99
"""So many unread ones are counted; what is beyond is many."""


class Notification(Tenant):
    """That a person was told of something, or did not want to be."""

    __tablename__ = "notifications"
    noun: ClassVar[str] = "notification"

    user_id: Mapped[Id]
    kind: Mapped[str]
    subject_id: Mapped[Id]
    """The project, invoice, time entry, week or webhook endpoint; of a week that is no row yet, the person."""
    occasion: Mapped[str]
    """What tells one time from the next of the same subject: a due date, the first day of a week, a percentage."""
    facts: Mapped[Json]
    """What was so at that moment."""
    in_app: Mapped[bool] = mapped_column(default=True)
    """Whether it is shown; else its row only keeps it from being told again."""
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]
    """Since when it is not so any more: from then on it can be told anew."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            one_of("kind", KINDS),
            CheckConstraint("jsonb_typeof(facts) = 'object'", name="facts"),
            Index(
                "uq_notifications_once", "workspace_id", "user_id", "kind", "subject_id", "occasion", unique=True,
                postgresql_where="cleared_at IS NULL",
            ),
            Index("ix_notifications_created", "created_at"),
            Index("ix_notifications_mine", "workspace_id", "user_id", "id", postgresql_where="in_app"),
            Index(
                "ix_notifications_unread", "workspace_id", "user_id", "kind",
                postgresql_where="in_app AND read_at IS NULL",
            ),
            Index(
                "ix_notifications_subject", "workspace_id", "kind", "subject_id",
                postgresql_where="cleared_at IS NULL",
            ),
        )  # fmt: skip

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id


class Told(NamedTuple):
    """A notification as it is read."""

    id: str
    kind: Kind
    subject_id: str
    facts: dict[str, Any]
    """By kind; amounts are decimal texts, days and instants ISO 8601."""
    created_at: datetime
    read_at: datetime | None

    @property
    def path(self) -> str:
        """The page that it is about."""
        return letters.path_of(self.kind, self.subject_id, self.facts)


# --- telling


def tell(
    ctx: Context,
    kind: Kind,
    subject_id: str,
    occasion: str,
    facts: dict[str, Any],
    *,
    to: str | None = None,
    silently: bool = False,
) -> int:
    """Tell a person, or everybody whose role may know, once; answers how many were told at this moment.

    Others who tell the same at the same moment wait for each other at `uq_notifications_once`, and one of them does.
    `silently`: only remember it as told.
    """
    ctx.require_changing()
    wanted = [_Receiver(*row) for row in ctx.rows(_RECEIVERS, kind=kind, roles=roles_told(kind), to=to)]
    if not wanted:
        return 0
    told = {
        user_id
        for (user_id,) in ctx.rows(
            _ADD,
            ids=[new_id() for _ in wanted],
            people=[one.user_id for one in wanted],
            shown=[one.choice(kind).in_app and not silently for one in wanted],
            kind=kind,
            subject=subject_id,
            occasion=occasion,
            facts=msgspec.json.encode(facts).decode(),
            now=ctx.now,
        )
    }
    new = [one for one in wanted if one.user_id in told]
    if not silently:
        _write(ctx, kind, subject_id, facts, [one for one in new if one.choice(kind).by_mail])
    return len(new)


def clear(ctx: Context, kind: Kind, subject_id: str, occasion: str) -> None:
    """Say that something is not so any more: when it is again, it is told again."""
    ctx.write(_CLEAR, kind=kind, subject=subject_id, occasion=occasion, now=ctx.now)


def told_of(ctx: Context, kind: Kind) -> list[tuple[str, str]]:
    """Subjects and occasions of a kind that were told and not cleared."""
    return [(subject_id, occasion) for subject_id, occasion in ctx.rows(_TOLD_OF, kind=kind)]


# --- reading


def page(
    ctx: Context, *, unread: bool | None = None, before: str | None = None, limit: int = 50
) -> tuple[list[Told], bool]:
    """The actor's notifications, the newest first, those before the one of an id; and whether there are more.

    Only those that they may be told of as they are now: who lost a role does not see what it told.
    """
    ctx.require(Permission.READ_SELF)
    rows = ctx.rows(_PAGE, kinds=kinds_of(ctx.actor), unread=unread, before=before, limit=limit + 1)
    return [_told(row) for row in rows[:limit]], len(rows) > limit


def read(ctx: Context, notification_id: str) -> Told:
    """Mark one as read; once read it stays so."""
    ctx.require(Permission.READ_SELF)
    ctx.require_changing()
    found = ctx.row(_READ, id=notification_id, kinds=kinds_of(ctx.actor), now=ctx.now)
    if found is None:
        raise NotFound("No such notification.")
    return _told(found)


def read_all(ctx: Context) -> int:
    """Mark all that the actor sees as read; answers how many were not."""
    ctx.require(Permission.READ_SELF)
    return ctx.write(_READ_ALL, kinds=kinds_of(ctx.actor), now=ctx.now)


class _Receiver(NamedTuple):
    user_id: str
    email: str
    language: str | None
    in_app: bool | None
    by_mail: bool | None

    def choice(self, kind: Kind) -> Choice:
        if self.in_app is None or self.by_mail is None:
            return USUAL[kind]
        return Choice(self.in_app, self.by_mail)


def _write(ctx: Context, kind: Kind, subject_id: str, facts: dict[str, Any], to: Sequence[_Receiver]) -> None:
    """The letters, in the transaction of what they tell; none where nobody is set up to send them."""
    if not to or sender_of(ctx, own=False) is None:
        return
    for one in to:
        language: Literal["en", "de"] = "de" if one.language == "de" else "en"
        subject, words = letters.letter(
            kind, subject_id, facts, language, studio=ctx.actor.workspace_name, public_url=ctx.server.public_url
        )
        mails.enqueue(ctx, "notice", to=[one.email], subject=subject, words=words)


def _told(row: Sequence[Any]) -> Told:
    identity, kind, subject_id, facts, created_at, read_at = row
    return Told(identity, cast("Kind", kind), subject_id, msgspec.json.decode(facts), created_at, read_at)


_RECEIVERS = Prepared("""
    SELECT member.user_id, person.email, person.language, choice.in_app, choice.by_mail
    FROM members AS member
    JOIN people AS person ON person.id = member.user_id
    LEFT JOIN notification_choices AS choice
      ON choice.workspace_id = member.workspace_id AND choice.user_id = member.user_id AND choice.kind = %(kind)s::text
    WHERE member.workspace_id = %(workspace)s::uuid AND member.removed_at IS NULL
      AND member.role = ANY(%(roles)s::text[]) AND (%(to)s::uuid IS NULL OR member.user_id = %(to)s::uuid)
    ORDER BY member.user_id
""")
_ADD = Prepared("""
    INSERT INTO notifications (id, workspace_id, user_id, kind, subject_id, occasion, facts, in_app, created_at)
    SELECT one.id, %(workspace)s::uuid, one.user_id, %(kind)s::text, %(subject)s::uuid, %(occasion)s::text,
           %(facts)s::jsonb, one.shown, %(now)s::timestamptz
    FROM unnest(%(ids)s::uuid[], %(people)s::uuid[], %(shown)s::boolean[]) AS one(id, user_id, shown)
    ON CONFLICT DO NOTHING
    RETURNING user_id
""")
_CLEAR = Prepared("""
    UPDATE notifications SET cleared_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND kind = %(kind)s::text AND subject_id = %(subject)s::uuid
      AND occasion = %(occasion)s::text AND cleared_at IS NULL
""")
_TOLD_OF = Prepared("""
    SELECT DISTINCT subject_id, occasion FROM notifications
    WHERE workspace_id = %(workspace)s::uuid AND kind = %(kind)s::text AND cleared_at IS NULL
""")
_MINE: Final = """
    workspace_id = %(workspace)s::uuid AND user_id = %(actor)s::uuid AND in_app AND kind = ANY(%(kinds)s::text[])
"""
_COLUMNS: Final = "id, kind, subject_id, facts, created_at, read_at"
_PAGE = Prepared(f"""
    SELECT {_COLUMNS} FROM notifications
    WHERE {_MINE} AND (%(unread)s::boolean IS NULL OR (read_at IS NULL) = %(unread)s::boolean)
      AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s::bigint
""")
_READ = Prepared(f"""
    UPDATE notifications SET read_at = COALESCE(read_at, %(now)s::timestamptz)
    WHERE {_MINE} AND id = %(id)s::uuid
    RETURNING {_COLUMNS}
""")
_READ_ALL = Prepared(f"UPDATE notifications SET read_at = %(now)s::timestamptz WHERE {_MINE} AND read_at IS NULL")
