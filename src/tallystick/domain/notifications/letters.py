"""Notifications as letters: what is said of each kind, in the person's language, with the page it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from tallystick.domain.mails.mail import Words
from tallystick.domain.notifications.choices import Kind
from tallystick.values.wording import amount_in, day_in

Language = Literal["en", "de"]


def letter(
    kind: Kind, subject_id: str, facts: Mapping[str, Any], language: Language, *, studio: str, public_url: str
) -> tuple[str, Words]:
    """The subject of a letter, and what it says."""
    said = SAID[language]
    about = said.about[_told_as(kind, facts)]
    given = {**_in_words(facts, language), "studio": studio or "Tallystick"}
    link = public_url + path_of(kind, subject_id, facts)
    choices = f"{public_url}/account#notifications"
    text = f"{about.text.format(**given)}\n\n{link}\n\n{said.choices.format(url=choices)}"
    subject = " ".join(about.subject.format(**given).split())[:LONGEST_SUBJECT]
    return subject, Words(text=text, link=link, link_label=about.button, language=language, automatic=True)


def path_of(kind: Kind, subject_id: str, facts: Mapping[str, Any]) -> str:
    """The page that a notification is about."""
    match kind:
        case "budget_threshold":
            return f"/projects/{subject_id}"
        case "invoice_overdue":
            return f"/invoices/{subject_id}"
        case "timer_forgotten":
            return "/timer"
        case "week_not_submitted" | "week_returned":
            return f"/time/week?week={facts['first_day']}"
        case "webhook_failing" | "webhook_disabled":
            return f"/settings/webhooks/{subject_id}"


def _told_as(kind: Kind, facts: Mapping[str, Any]) -> str:
    if kind == "budget_threshold":
        return f"{kind}/{'used_up' if facts['level'] >= 100 else facts['measure']}"
    return f"{kind}/{facts['reason']}" if kind == "webhook_disabled" else kind


def _in_words(facts: Mapping[str, Any], language: Language) -> dict[str, str]:
    """Facts as a sentence has them."""
    found = {name: str(fact) for name, fact in facts.items() if fact is not None}
    for name in ("first_day", "last_day", "due_date"):
        if name in found:
            found[name] = day_in(language, date.fromisoformat(found[name]))
    if facts.get("currency"):
        for name in ("used", "budget", "balance"):
            if name in found:
                found[name] = amount_in(language, Decimal(found[name]), found["currency"])
    elif language == "de":
        found |= {name: found[name].replace(".", ",") for name in ("used", "budget") if name in found}
    if facts.get("measure") == "hours":
        unit = "Std." if language == "de" else "h"
        found |= {name: f"{found[name]} {unit}" for name in ("used", "budget")}
    if "limit_minutes" in found:
        hours, minutes = divmod(int(found["limit_minutes"]), 60)
        found["limit"] = f"{hours}:{minutes:02}"
        found["work"] = " · ".join(found[one] for one in ("project", "task") if one in found) or "–"
    return found


class _About(NamedTuple):
    subject: str
    text: str
    button: str


class _Said(NamedTuple):
    about: Mapping[str, _About]
    choices: str


LONGEST_SUBJECT: Final = 200
_BUDGET_EN: Final = _About(
    "{percent} % of the budget of {project} is used",
    "The work on {project} has used {percent} % of its budget: {used} of {budget}.",
    "Look at the project",
)
_BUDGET_DE: Final = _About(
    "{percent} % des Budgets von {project} sind verbraucht",
    "Die Arbeit an {project} hat {percent} % des Budgets verbraucht: {used} von {budget}.",
    "Das Projekt ansehen",
)
SAID: Final[Mapping[Language, _Said]] = {
    "en": _Said(
        {
            "budget_threshold/hours": _BUDGET_EN,
            "budget_threshold/money": _BUDGET_EN,
            "budget_threshold/used_up": _About(
                "The budget of {project} is used up",
                "The work on {project} has used up its budget: {used} of {budget}, {percent} %.",
                "Look at the project",
            ),
            "invoice_overdue": _About(
                "Invoice {number} is overdue",
                "Invoice {number} to {client} was due on {due_date}. {balance} is still open.",
                "Look at the invoice",
            ),
            "timer_forgotten": _About(
                "Did you forget your timer?",
                "Your timer has run for more than {limit} hours: {work}.\n\n"
                "If you are still at it, there is nothing to do. Else stop it, and choose what becomes of its time.",
                "Look at the timer",
            ),
            "week_not_submitted": _About(
                "Your week from {first_day} is not submitted",
                "The week from {first_day} to {last_day} has ended, and you have not submitted its time yet.",
                "Look at the week",
            ),
            "week_returned": _About(
                "Your week from {first_day} was returned",
                "The week from {first_day} to {last_day} was returned to you:\n\n{reason}\n\n"
                "Correct it, and submit it again.",
                "Look at the week",
            ),
            "webhook_failing": _About(
                "A webhook of {studio} is failing",
                "A delivery to {url} was tried for more than a day and given up. New events are still sent there.",
                "Look at the endpoint",
            ),
            "webhook_disabled/gone": _About(
                "A webhook of {studio} is disabled",
                "The receiver {url} answered 410 Gone: it does not want any more events, so none are sent there.\n\n"
                "If that is a mistake, enable the endpoint again and replay what it missed:",
                "Look at the endpoint",
            ),
            "webhook_disabled/unreachable": _About(
                "A webhook of {studio} is disabled",
                "For five days nothing arrived at {url}, so no more events are sent there.\n\n"
                "When the receiver works again, enable the endpoint and replay what it missed:",
                "Look at the endpoint",
            ),
        },
        "You choose what you are told of, and how: {url}",
    ),
    "de": _Said(
        {
            "budget_threshold/hours": _BUDGET_DE,
            "budget_threshold/money": _BUDGET_DE,
            "budget_threshold/used_up": _About(
                "Das Budget von {project} ist aufgebraucht",
                "Die Arbeit an {project} hat das Budget aufgebraucht: {used} von {budget}, {percent} %.",
                "Das Projekt ansehen",
            ),
            "invoice_overdue": _About(
                "Rechnung {number} ist überfällig",
                "Rechnung {number} an {client} war am {due_date} fällig. {balance} sind noch offen.",
                "Die Rechnung ansehen",
            ),
            "timer_forgotten": _About(
                "Haben Sie Ihre Stoppuhr vergessen?",
                "Ihre Stoppuhr läuft seit mehr als {limit} Stunden: {work}.\n\n"
                "Wenn Sie noch daran arbeiten, ist nichts zu tun. Sonst halten Sie sie an und wählen, was aus der Zeit "
                "wird.",
                "Die Stoppuhr ansehen",
            ),
            "week_not_submitted": _About(
                "Ihre Woche ab {first_day} ist nicht eingereicht",
                "Die Woche vom {first_day} bis {last_day} ist zu Ende, und Sie haben ihre Zeit noch nicht eingereicht.",
                "Die Woche ansehen",
            ),
            "week_returned": _About(
                "Ihre Woche ab {first_day} wurde zurückgegeben",
                "Die Woche vom {first_day} bis {last_day} wurde Ihnen zurückgegeben:\n\n{reason}\n\n"
                "Berichtigen Sie sie, und reichen Sie sie noch einmal ein.",
                "Die Woche ansehen",
            ),
            "webhook_failing": _About(
                "Ein Webhook von {studio} kommt nicht an",
                "Eine Zustellung an {url} wurde mehr als einen Tag lang versucht und aufgegeben. Neue Ereignisse "
                "werden weiter dorthin geschickt.",
                "Den Endpunkt ansehen",
            ),
            "webhook_disabled/gone": _About(
                "Ein Webhook von {studio} ist abgeschaltet",
                "Der Empfänger {url} hat mit 410 (Gone) geantwortet: Er will keine Ereignisse mehr, also werden "
                "dorthin keine mehr geschickt.\n\nWenn das ein Irrtum ist, schalten Sie den Endpunkt wieder ein und "
                "senden Sie nach, was ihm fehlt:",
                "Den Endpunkt ansehen",
            ),
            "webhook_disabled/unreachable": _About(
                "Ein Webhook von {studio} ist abgeschaltet",
                "Seit fünf Tagen ist bei {url} nichts angekommen; deshalb werden dorthin keine Ereignisse mehr "
                "geschickt.\n\nWenn der Empfänger wieder arbeitet, schalten Sie den Endpunkt ein und senden Sie nach, "
                "was ihm fehlt:",
                "Den Endpunkt ansehen",
            ),
        },
        "Was Ihnen mitgeteilt wird und wie, wählen Sie hier: {url}",
    ),
}
