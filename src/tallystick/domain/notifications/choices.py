"""The kinds of notifications: what one must be allowed to, to be told, and how each person wants to hear of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tallystick.db.base import Id, Tenant, one_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import GRANTS, ROLES, Actor, Permission, Role
from tallystick.domain.context import Context
from tallystick.values.errors import Invalid
from tallystick.values.ids import new_id

Kind = Literal[
    "budget_threshold", "invoice_overdue", "timer_forgotten", "week_not_submitted", "week_returned", "webhook_failing",
    "webhook_disabled",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
NEEDS: Final[dict[Kind, Permission]] = {
    "budget_threshold": Permission.SEE_MONEY,
    "invoice_overdue": Permission.CHANGE_INVOICES,
    "timer_forgotten": Permission.TRACK_TIME,
    "week_not_submitted": Permission.TRACK_TIME,
    "week_returned": Permission.TRACK_TIME,
    "webhook_failing": Permission.CHANGE_WORKSPACE,
    "webhook_disabled": Permission.CHANGE_WORKSPACE,
}
"""Kind → what one must be allowed to, to be told of it, and to read it later."""


class Choice(NamedTuple):
    """How somebody hears of a kind."""

    in_app: bool
    by_mail: bool


USUAL: Final[dict[Kind, Choice]] = {
    "budget_threshold": Choice(in_app=True, by_mail=True),
    "invoice_overdue": Choice(in_app=True, by_mail=False),
    "timer_forgotten": Choice(in_app=True, by_mail=True),
    "week_not_submitted": Choice(in_app=True, by_mail=True),
    "week_returned": Choice(in_app=True, by_mail=True),
    "webhook_failing": Choice(in_app=True, by_mail=False),
    "webhook_disabled": Choice(in_app=True, by_mail=True),
}
"""What holds for whoever chose nothing."""


class NotificationChoice(Tenant):
    """How a person wants to hear of a kind; without a row, as is usual."""

    __tablename__ = "notification_choices"
    noun: ClassVar[str] = "notification choice"

    user_id: Mapped[Id]
    kind: Mapped[str]
    in_app: Mapped[bool]
    by_mail: Mapped[bool]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            one_of("kind", KINDS),
            UniqueConstraint("workspace_id", "user_id", "kind", name="uq_notification_choices_kind"),
        )


def kinds_of(actor: Actor) -> list[Kind]:
    """The kinds that somebody may be told of, as they are now."""
    return [kind for kind in KINDS if actor.may(NEEDS[kind])]


def roles_told(kind: Kind) -> list[Role]:
    """The roles that may be told of a kind."""
    return [role for role in ROLES if NEEDS[kind] in GRANTS[role]]


def read(ctx: Context) -> dict[Kind, Choice]:
    """How the actor hears of each kind that they may be told of, in the order of the kinds."""
    ctx.require(Permission.READ_SELF)
    chosen = {kind: Choice(in_app, by_mail) for kind, in_app, by_mail in ctx.rows(_MINE)}
    return {kind: chosen.get(kind, USUAL[kind]) for kind in kinds_of(ctx.actor)}


def choose(ctx: Context, kind: str, *, in_app: bool | None = None, by_mail: bool | None = None) -> dict[Kind, Choice]:
    """Hear of a kind in the app, by mail, both or not at all; None: as it was. Answers all choices."""
    ctx.require(Permission.READ_SELF)
    now = read(ctx)
    if kind not in now:
        raise Invalid(fields={"kind": f"one of {', '.join(now)}"})
    was = now[kind]
    values = {
        "in_app": was.in_app if in_app is None else in_app,
        "by_mail": was.by_mail if by_mail is None else by_mail,
    }
    ctx.write(_CHOOSE, **values, id=new_id(), kind=kind, now=ctx.now)
    return read(ctx)


_MINE = Prepared("""
    SELECT kind, in_app, by_mail FROM notification_choices
    WHERE workspace_id = %(workspace)s::uuid AND user_id = %(actor)s::uuid
""")
_CHOOSE = Prepared("""
    INSERT INTO notification_choices (id, workspace_id, user_id, kind, in_app, by_mail, updated_at)
    VALUES (%(id)s::uuid, %(workspace)s::uuid, %(actor)s::uuid, %(kind)s::text, %(in_app)s::boolean,
            %(by_mail)s::boolean, %(now)s::timestamptz)
    ON CONFLICT (workspace_id, user_id, kind) DO UPDATE SET
        in_app = excluded.in_app, by_mail = excluded.by_mail, updated_at = excluded.updated_at
""")
