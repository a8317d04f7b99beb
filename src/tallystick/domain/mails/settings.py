"""Through whom a workspace's mail goes, in whose name, and when it reminds of what is due."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import ARRAY, CheckConstraint, Integer, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Tenant, one_of, table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, hydrate, workspace
from tallystick.domain.workspaces import current
from tallystick.values.errors import Invalid
from tallystick.values.ids import new_id
from tallystick.values.letter import TLS, Sender, is_address
from tallystick.values.seal import lock_up, open_up

SMTP_PASSWORD: Final = "smtp-password/v1"  # noqa: S105 - the purpose of a key
PORTS: Final = {"implicit": 465, "starttls": 587}
"""The usual port of each kind of TLS."""


class MailSettings(Tenant):
    """A workspace's own SMTP server, where it has one, and its schedule of reminders."""

    __tablename__ = "mail_settings"
    noun: ClassVar[str] = "mail settings"

    smtp_host: Mapped[str | None]
    """Null: mail goes through the server's own."""
    smtp_port: Mapped[int | None]
    smtp_tls: Mapped[str | None]
    smtp_user: Mapped[str | None]
    smtp_password: Mapped[Blob | None]
    """Locked up with the server's key."""
    from_name: Mapped[str | None]
    from_address: Mapped[str | None]
    reply_to: Mapped[str | None]
    reminder_days: Mapped[list[int]] = mapped_column(ARRAY(Integer), default=[])
    """Days from the due date on which an unpaid invoice is reminded of: −3 is three days before. Empty: never."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            UniqueConstraint("workspace_id"),
            one_of("smtp_tls", ("implicit", "starttls")),
            CheckConstraint("smtp_port BETWEEN 1 AND 65535", name="smtp_port"),
            CheckConstraint(
                "smtp_host IS NULL OR num_nonnulls(smtp_port, smtp_tls, from_address) = 3", name="smtp_is_whole"
            ),
            CheckConstraint("smtp_host IS NOT NULL OR smtp_password IS NULL", name="password_of_a_host"),
            CheckConstraint("cardinality(reminder_days) <= 10", name="reminder_days"),
        )


def read(ctx: Context) -> MailSettings:
    """The settings; those that apply where nobody has set any."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return current_settings(ctx)


def change(ctx: Context, **facts: Any) -> MailSettings:
    """Change settings; what is not named stays. `password` is kept locked up and never shown; None forgets it."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    settings = current_settings(ctx, lock=True)
    _check(facts)
    was = settings.smtp_host
    secret = {"password": facts.pop("password")} if "password" in facts else {}
    if facts.get("smtp_host", was) is None:
        facts |= {"smtp_port": None, "smtp_tls": None, "smtp_user": None, "smtp_password": None}
    else:
        _complete(settings, facts)
        moved = facts.get("smtp_host", was) != was and was is not None
        if moved and "password" not in secret:
            # Otherwise whoever may change the host could have the password sent to a server of theirs.
            facts["smtp_password"] = None
        if "password" in secret:
            given: str | None = secret["password"]
            locked = None if given is None else lock_up(ctx.server.key, SMTP_PASSWORD, given.encode(), settings.id)
            facts["smtp_password"] = locked
    changed = ctx.change(settings, **facts)
    if changed:
        ctx.record_facts("updated", settings, changed=sorted(changed))
    return settings


def sender_of(ctx: Context, *, own: bool = True) -> Sender | None:
    """Through whom a letter goes: the workspace's own server where `own` and it has one, else the server's.

    One that fails does not fall back to the other: mail would leave in a name that nobody expects.
    """
    if not own:
        return ctx.server.sender
    settings = current_settings(ctx)
    server = ctx.server.sender
    if settings.smtp_host is None:
        if server is None:
            return None
        name = settings.from_name or server.from_name or current(ctx).name
        return Sender(
            host=server.host,
            port=server.port,
            tls=server.tls,
            user=server.user,
            password=server.password,
            from_address=server.from_address,
            from_name=name,
            reply_to=settings.reply_to or server.reply_to,
        )
    assert settings.smtp_port is not None  # noqa: S101 - a CHECK says so
    assert settings.from_address is not None  # noqa: S101
    password = None
    if settings.smtp_password is not None:
        opened = open_up(ctx.server.key, SMTP_PASSWORD, settings.smtp_password, settings.id)
        password = None if opened is None else opened.decode()
    return Sender(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls="implicit" if settings.smtp_tls == "implicit" else "starttls",
        user=settings.smtp_user,
        password=password,
        from_address=settings.from_address,
        from_name=settings.from_name or current(ctx).name,
        reply_to=settings.reply_to,
        guarded=True,
    )


def current_settings(ctx: Context, *, lock: bool = False) -> MailSettings:
    """The settings, for the verbs of other nouns: no permission asked. `lock` makes them where nobody has set any."""
    made = lock and ctx.write(_MAKE, id=new_id(), now=ctx.now) == 1
    found = ctx.row(_LOCKED if lock else _CURRENT)
    if found is not None:
        row = hydrate(MailSettings, found)
        if lock and not made:
            ctx.require_seen(row)
        return row
    return MailSettings(
        id="",
        workspace_id=ctx.actor.workspace_id,
        smtp_host=None,
        smtp_port=None,
        smtp_tls=None,
        smtp_user=None,
        smtp_password=None,
        from_name=None,
        from_address=None,
        reply_to=None,
        reminder_days=[],
    )


def _check(facts: dict[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for name in ("from_address", "reply_to"):
        if facts.get(name) is not None and not is_address(facts[name]):
            wrong[name] = "must be an e-mail address"
    host = facts.get("smtp_host")
    if host is not None and (not host.isascii() or not host.isprintable() or any(mark in host for mark in " /@:\\[]")):
        wrong["smtp_host"] = "must be the name of a server, such as smtp.example.com"
    for name in ("from_name", "smtp_user", "password"):
        if facts.get(name) is not None and not facts[name].isprintable():
            wrong[name] = "must not hold control characters"
    user = facts.get("smtp_user")
    if user is not None and not user.isascii():
        wrong["smtp_user"] = "must be plain ASCII"
    days = facts.get("reminder_days")
    if days is not None:
        if len(days) > 10 or len(set(days)) < len(days) or not all(-90 <= day <= 365 for day in days):
            wrong["reminder_days"] = "up to 10 different days, from -90 (before the due date) to 365 (after it)"
        else:
            facts["reminder_days"] = sorted(days)
    if facts.get("smtp_tls") is not None and facts["smtp_tls"] not in TLS[:2]:
        wrong["smtp_tls"] = "must be one of implicit, starttls"
    if wrong:
        raise Invalid(fields=wrong)


def _complete(settings: MailSettings, facts: dict[str, Any]) -> None:
    """What a host needs beside its name: TLS and a port are the usual ones unless told, the address must be."""
    if facts.get("smtp_tls", settings.smtp_tls) is None:
        facts["smtp_tls"] = "starttls"
    if facts.get("smtp_port", settings.smtp_port) is None:
        facts["smtp_port"] = PORTS[facts.get("smtp_tls", settings.smtp_tls) or "starttls"]
    if facts.get("from_address", settings.from_address) is None:
        raise Invalid(fields={"from_address": "required with a server of your own"})


_table = table_of(MailSettings)
_query = select(_table).where(_table.c.workspace_id == workspace())
_CURRENT = Prepared(_query)
_LOCKED = Prepared(_query.with_for_update())
_MAKE = Prepared("""
    INSERT INTO mail_settings (id, workspace_id, reminder_days, created_at, updated_at)
    VALUES (%(id)s::uuid, %(workspace)s::uuid, '{}', %(now)s::timestamptz, %(now)s::timestamptz)
    ON CONFLICT (workspace_id) DO NOTHING
""")
