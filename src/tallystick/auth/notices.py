"""Letters to a person about how they sign in: if it was not them, they learn of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, cast, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam

from tallystick.domain import jobs, members
from tallystick.domain.context import Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Mail, Words
from tallystick.values.browsers import browser_named

What = Literal["second_factor_on", "second_factor_off", "backup_codes_renewed", "passkey_added", "passkey_removed"]
WHATS: Final[tuple[What, ...]] = get_args(What)


def tell(ctx: Context, user_id: str, what: What, *, address: str, agent: str, name: str = "") -> None:
    """Have a worker mail a person what was changed, and from where. `name`: of the passkey."""
    jobs.defer(
        ctx,
        "tell_sign_in_changed",
        lock=f"password/{user_id}",
        user_id=user_id,
        what=what,
        changed_at=ctx.now.isoformat(),
        address=address,
        browser=browser_named(agent),
        name=name,
    )


def write(
    ctx: Context, user_id: str, what: str, *, changed_at: datetime, address: str, browser: str, name: str
) -> Mail | None:
    """The letter of `tell`, as `mail_once` sends it."""
    about = cast("What", what)
    letters = {
        language: Letter(
            said.about[about][0], said.text.replace("{sentence}", said.about[about][1]), said.button, said.unknown
        )
        for language, said in SAID.items()
    }
    return mail_once(ctx, user_id, letters, changed_at=changed_at, address=address, browser=browser, name=name)


class Letter(NamedTuple):
    """`text` has places for `email`, `when`, `where`, `url`, and for what else it tells of."""

    subject: str
    text: str
    button: str
    unknown: str


def mail_once(
    ctx: Context,
    user_id: str,
    letters: Mapping[str, Letter],
    *,
    changed_at: datetime,
    address: str,
    browser: str,
    **facts: str,
) -> Mail | None:
    """Tell a person in their language what was changed, and from where.

    None where this server sends no mail, where they have left, and where they were told.
    """
    member = members.person_of(ctx, user_id)
    if ctx.server.sender is None or member is None:
        return None
    language = "de" if member.language == "de" else "en"
    letter = letters[language]
    known = ctx.select(
        Mail, Mail.kind == "password", Mail.subject == bindparam("said"), Mail.created_at >= bindparam("since"),
        said=letter.subject, since=changed_at,
    )  # fmt: skip
    if any(member.email in one.recipients for one in known):
        return None
    zone = member.time_zone or ctx.actor.time_zone
    when = f"{changed_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
    where = ", ".join(one for one in (address, browser) if one) or letter.unknown
    url = f"{ctx.server.public_url}/forgot-password"
    return mails.enqueue(
        ctx,
        "password",
        to=[member.email],
        subject=letter.subject,
        words=Words(
            text=letter.text.format(email=member.email, when=when, where=where, url=url, **facts),
            link=url,
            link_label=letter.button,
            language=language,
            automatic=True,
        ),
    )


class _Said(NamedTuple):
    about: dict[What, tuple[str, str]]
    """Subject and first sentence."""
    text: str
    button: str
    unknown: str


SAID: Final = {
    "en": _Said(
        {
            "second_factor_on": (
                "Two-factor sign-in for Tallystick is on",
                "From now on signing in as {email} asks for a code of an authenticator app, too.",
            ),
            "second_factor_off": (
                "Two-factor sign-in for Tallystick is off",
                "From now on the password alone is enough to sign in as {email}.",
            ),
            "backup_codes_renewed": (
                "New backup codes for Tallystick",
                "New backup codes were made for {email}. Those before are worth nothing any more.",
            ),
            "passkey_added": (
                "A passkey for Tallystick was added",
                "The passkey “{name}” was added. Whoever has it signs in as {email}.",
            ),
            "passkey_removed": (
                "A passkey for Tallystick was removed",
                "The passkey “{name}” was removed. Nobody signs in as {email} with it any more.",
            ),
        },
        "{sentence}\n\nWhen: {when}\nFrom: {where}\n\nIf that was you, there is nothing to do.\n\n"
        "If it was not you, somebody else can sign in as you. Set another password at once:\n\n{url}\n\n"
        "Then look at your passkeys and where you are signed in, under Your account, and tell the owner of your "
        "workspace.",
        "It was not me: set another password",
        "unknown",
    ),
    "de": _Said(
        {
            "second_factor_on": (
                "Die Anmeldung in zwei Schritten bei Tallystick ist an",
                "Von jetzt an fragt die Anmeldung als {email} auch nach einem Code einer Authenticator-App.",
            ),
            "second_factor_off": (
                "Die Anmeldung in zwei Schritten bei Tallystick ist aus",
                "Von jetzt an genügt das Passwort, um sich als {email} anzumelden.",
            ),
            "backup_codes_renewed": (
                "Neue Ersatzcodes für Tallystick",
                "Für {email} wurden neue Ersatzcodes erzeugt. Die bisherigen gelten nicht mehr.",
            ),
            "passkey_added": (
                "Ein Passkey für Tallystick wurde hinzugefügt",
                "Der Passkey „{name}“ wurde hinzugefügt. Wer ihn hat, meldet sich als {email} an.",
            ),
            "passkey_removed": (
                "Ein Passkey für Tallystick wurde entfernt",
                "Der Passkey „{name}“ wurde entfernt. Mit ihm meldet sich niemand mehr als {email} an.",
            ),
        },
        "{sentence}\n\nWann: {when}\nVon wo: {where}\n\nWenn Sie das waren, ist nichts zu tun.\n\n"
        "Wenn Sie es nicht waren, kann sich jemand anderes als Sie anmelden. Setzen Sie sofort ein neues Passwort:"
        "\n\n{url}\n\nSehen Sie dann unter „Ihr Konto“ nach Ihren Passkeys und danach, wo Sie angemeldet sind, und "
        "sagen Sie der Inhaberin oder dem Inhaber Ihres Arbeitsbereichs Bescheid.",
        "Das war ich nicht: neues Passwort setzen",
        "unbekannt",
    ),
}
