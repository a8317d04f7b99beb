"""Who is told that an endpoint does not work, and in which words."""

from __future__ import annotations

from typing import Final

from tallystick.db.session import Prepared
from tallystick.domain.context import Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Words
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.webhooks.endpoints import WebhookEndpoint


def tell(ctx: Context, endpoint: WebhookEndpoint, became: str) -> None:
    """Mail owners and admins that an endpoint was disabled. Nothing where nobody is set up to send mail."""
    if became != "disabled" or sender_of(ctx, own=False) is None:
        return
    studio = ctx.actor.workspace_name or "Tallystick"
    link = f"{ctx.server.public_url}/settings/webhooks/{endpoint.id}"
    for email, language in ctx.rows(_WHO):
        subject, text, label = _WORDS["de" if language == "de" else "en"][endpoint.disabled_reason or "unreachable"]
        mails.enqueue(
            ctx,
            "notice",
            to=[email],
            subject=subject.format(studio=studio),
            words=Words(
                text=text.format(studio=studio, url=endpoint.url, link=link),
                link=link,
                link_label=label,
                language=language or "en",
                automatic=True,
            ),
        )


_WHO = Prepared("""
    SELECT person.email, person.language FROM members AS member
    JOIN people AS person ON person.id = member.user_id
    WHERE member.workspace_id = %(workspace)s::uuid AND member.role IN ('OWNER', 'ADMIN')
      AND member.removed_at IS NULL
    ORDER BY person.email
""")
_WORDS: Final = {
    "en": {
        "gone": (
            "A webhook of {studio} is disabled",
            (
                "The receiver {url} answered 410 Gone: it does not want any more events, so none are sent there.\n\n"
                "If that is a mistake, enable the endpoint again and replay what it missed:\n\n{link}"
            ),
            "Look at the endpoint",
        ),
        "unreachable": (
            "A webhook of {studio} is disabled",
            (
                "For five days nothing arrived at {url}, so no more events are sent there.\n\n"
                "When the receiver works again, enable the endpoint and replay what it missed:\n\n{link}"
            ),
            "Look at the endpoint",
        ),
    },
    "de": {
        "gone": (
            "Ein Webhook von {studio} ist abgeschaltet",
            (
                "Der Empfänger {url} hat mit 410 (Gone) geantwortet: Er will keine Ereignisse mehr, also werden "
                "dorthin keine mehr geschickt.\n\nWenn das ein Irrtum ist, schalten Sie den Endpunkt wieder ein und "
                "senden Sie nach, was ihm fehlt:\n\n{link}"
            ),
            "Den Endpunkt ansehen",
        ),
        "unreachable": (
            "Ein Webhook von {studio} ist abgeschaltet",
            (
                "Seit fünf Tagen ist bei {url} nichts angekommen; deshalb werden dorthin keine Ereignisse mehr "
                "geschickt.\n\nWenn der Empfänger wieder arbeitet, schalten Sie den Endpunkt ein und senden Sie nach, "
                "was ihm fehlt:\n\n{link}"
            ),
            "Den Endpunkt ansehen",
        ),
    },
}
