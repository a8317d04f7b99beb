"""Through whom mail goes, in which words, when it reminds, and what became of the last letters."""

from __future__ import annotations

from typing import Any, Final

from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails import templates
from tallystick.domain.mails.mail import MAILS
from tallystick.domain.mails.templates import KINDS, LANGUAGE, Template
from tallystick.values.errors import NotFound
from tallystick.web.app.clients import LANGUAGE_NAMES
from tallystick.web.app.visit import Answer, Page, Visit

_MAIL: Final = ("id", "kind", "state", "recipients", "subject", "invoice_id", "last_error", "created_at", "attempts")
KIND_NAMES: Final = {"invoice": "Invoice", "reminder": "Reminder", "portal": "Portal link"}


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    rows = MAILS.page(ctx, _MAIL, {}, limit=30).rows
    return visit.show(
        "mail_settings.html",
        settings=mail_settings.read(ctx),
        server=ctx.server.sender is not None,
        templates=templates.every(ctx),
        kinds={value: visit.say(name) for value, name in KIND_NAMES.items()},
        languages={value: visit.say(name) for value, name in LANGUAGE_NAMES.items()},
        mails=[dict(zip(_MAIL, row, strict=True)) for row in rows],
    )


def change(visit: Visit) -> Answer:
    form = visit.form
    facts: dict[str, Any] = {
        "smtp_host": form.text("smtp_host", longest=253),
        "smtp_port": form.whole("smtp_port", least=1, most=65535),
        "smtp_tls": form.choice("smtp_tls", ("implicit", "starttls")),
        "smtp_user": form.text("smtp_user", longest=200),
        "from_name": form.text("from_name", longest=200),
        "from_address": form.text("from_address", longest=254),
        "reply_to": form.text("reply_to", longest=254),
    }
    password = form.text("password", longest=1000)
    if password is not None:
        facts["password"] = password
    form.check()
    mail_settings.change(visit.ctx, **facts)
    return visit.go("/settings/mail", "Saved.")


def change_reminders(visit: Visit) -> Answer:
    """The days, as `-3, 7, 14`."""
    parts = (visit.form.text("reminder_days", longest=200) or "").replace(";", ",").split(",")
    days: list[int] = []
    for part in parts:
        try:
            days += [int(part)] if part.strip() else []
        except ValueError:
            visit.form.wrong["reminder_days"] = "whole numbers of days with commas between, such as -3, 7, 14"
    visit.form.check()
    mail_settings.change(visit.ctx, reminder_days=days)
    return visit.go("/settings/mail", "Saved.")


def test(visit: Visit) -> Answer:
    sent = mails.test(visit.ctx, members.of_person(visit.ctx, visit.actor.user_id).email)
    return visit.go("/settings/mail", "A test is on its way to {address}.", address=sent.recipients[0])


def retry(visit: Visit) -> Answer:
    mails.retry(visit.ctx, visit.id("mail"))
    return visit.go("/settings/mail", "It is tried again.")


def words_page(visit: Visit) -> Answer:
    kind, language = _which(visit)
    found = next((one for one in templates.every(visit.ctx) if (one.kind, one.language) == (kind, language)), None)
    return visit.show(
        "mail_words.html",
        words=found or Template(kind, language, *templates.usual(kind, language), False),
        kind=visit.say(KIND_NAMES[kind]),
        places=templates.PLACES,
    )


def set_words(visit: Visit) -> Answer:
    kind, language = _which(visit)
    form = visit.form
    usual = form.has("usual")
    subject = None if usual else form.need("subject", longest=templates.LONGEST_SUBJECT)
    body = None if usual else form.text("body", longest=templates.LONGEST_BODY)
    if not usual and body is None:
        form.wrong.setdefault("body", "required")
    if usual:
        form.wrong.clear()
    form.check()
    templates.set_words(visit.ctx, kind, language, subject=subject, body=body)
    return visit.go("/settings/mail", "Saved.")


def _which(visit: Visit) -> tuple[templates.Kind, str]:
    """Kind and language in the address."""
    kind, language = visit.ids["kind"], visit.ids["language"]
    if kind not in KINDS or LANGUAGE.fullmatch(language) is None:
        raise NotFound
    return KINDS[KINDS.index(kind)], language


_CHANGE = Permission.CHANGE_WORKSPACE

PAGES = (
    Page("/settings/mail", _CHANGE, page, change, label="Settings: e-mail", section="settings", icon="gear"),
    Page("/settings/mail/reminders", _CHANGE, post=change_reminders, again=page),
    Page("/settings/mail/test", _CHANGE, post=test, again=page),
    Page("/settings/mail/{mail}/retry", _CHANGE, post=retry, again=page),
    Page("/settings/mail/words/{kind}/{language}", _CHANGE, words_page, set_words, section="settings"),
)
