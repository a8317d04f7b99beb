"""Mail on the wire: through whom it goes, a test, and every letter with what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails.mail import Kind, Mail, State
from tallystick.domain.mails.settings import MailSettings

Text = Annotated[str, Meta(max_length=200)]
OwnTls = Literal["implicit", "starttls"]


class MailSettingsJson(Struct, rename="camel", gc=False):
    host: str | None
    port: int | None
    tls: OwnTls | None
    user: str | None
    password_set: bool
    from_name: str | None
    from_address: str | None
    reply_to: str | None
    reminder_days: list[int]
    sends_through: Literal["workspace", "server"] | None


class MailSettingsFields(Struct, rename="camel"):
    host: Annotated[str, Meta(max_length=253)] | UnsetType | None = UNSET
    port: Annotated[int, Meta(ge=1, le=65535)] | UnsetType | None = UNSET
    tls: OwnTls | UnsetType | None = UNSET
    user: Text | UnsetType | None = UNSET
    password: Annotated[str, Meta(max_length=1000)] | UnsetType | None = UNSET
    from_name: Text | UnsetType | None = UNSET
    from_address: Text | UnsetType | None = UNSET
    reply_to: Text | UnsetType | None = UNSET
    reminder_days: Annotated[list[Annotated[int, Meta(ge=-90, le=365)]], Meta(max_length=10)] | UnsetType = UNSET


class MailJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    kind: Kind
    state: State
    to: list[str]
    cc: list[str]
    subject: str
    invoice_id: str | None
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


MAIL = View(Mail, MailJson, {"to": "recipients"})
_ROWS = {"host": "smtp_host", "port": "smtp_port", "tls": "smtp_tls", "user": "smtp_user"}


def get_settings(ctx: Context, _ask: Ask) -> Struct:
    return _settings_json(ctx, mail_settings.read(ctx))


def update_settings(ctx: Context, ask: Ask) -> Struct:
    facts = {_ROWS.get(name, name): value for name, value in ask.facts.items()}
    return _settings_json(ctx, mail_settings.change(ctx, **facts))


def send_test(ctx: Context, _ask: Ask) -> Struct:
    return MAIL.one(ctx.actor, mails.test(ctx, members.of_person(ctx, ctx.actor.user_id).email))


def get_mail(ctx: Context, ask: Ask) -> Struct:
    return MAIL.one(ctx.actor, mails.read(ctx, ask.id))


def retry_mail(ctx: Context, ask: Ask) -> Struct:
    return MAIL.one(ctx.actor, mails.retry(ctx, ask.id))


def _settings_json(ctx: Context, settings: MailSettings) -> MailSettingsJson:
    return MailSettingsJson(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,  # type: ignore[arg-type]  # the CHECK says so
        user=settings.smtp_user,
        password_set=settings.smtp_password is not None,
        from_name=settings.from_name,
        from_address=settings.from_address,
        reply_to=settings.reply_to,
        reminder_days=settings.reminder_days,
        sends_through="workspace" if settings.smtp_host else "server" if ctx.server.sender else None,
    )


_NO_MAIL = "Mail is not set up."

OPERATIONS = (
    Operation(
        "getMailSettings", "GET", "/mail-settings", get_settings, "Through whom mail goes, and when it reminds",
        Permission.CHANGE_WORKSPACE, MailSettingsJson, tag="Mail",
    ),
    Operation(
        "updateMailSettings", "PUT", "/mail-settings", update_settings,
        "Set through whom mail goes; what is left out stays", Permission.CHANGE_WORKSPACE, MailSettingsJson,
        body=MailSettingsFields, read_only=read_only(MailSettingsJson, MailSettingsFields), tag="Mail",
    ),
    Operation(
        "testMailSettings", "POST", "/mail-settings/test", send_test, "Send a test to yourself",
        Permission.CHANGE_WORKSPACE, MailJson, status=201, body=Nothing, conflicts=_NO_MAIL, tag="Mail",
    ),
    Operation(
        "listMails", "GET", "/mails", lists(mails.MAILS, MAIL), "List what was mailed",
        Permission.READ_MAILS, MailJson, listing=mails.MAILS, tag="Mail",
    ),
    Operation(
        "getMail", "GET", "/mails/{id}", get_mail, "Get a mail, and what became of it",
        Permission.READ_MAILS, MailJson, tag="Mail",
    ),
    Operation(
        "retryMail", "POST", "/mails/{id}/retry", retry_mail, "Send a mail that failed once more",
        Permission.CHANGE_INVOICES, MailJson, body=Nothing, conflicts="The mail has not failed.", tag="Mail",
    ),
)  # fmt: skip
