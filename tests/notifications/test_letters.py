"""What the letters say, in both languages, with nothing left open in them."""

from __future__ import annotations

import re

import pytest

from tallystick.domain.notifications import letters
from tallystick.domain.notifications.choices import KINDS, Kind
from tallystick.domain.notifications.letters import SAID, Language, letter

SUBJECT = "019a3f52-0b44-7a5e-9c37-d1e2f3a4b5c6"
WEEK = {"first_day": "2026-06-08", "last_day": "2026-06-14"}
BUDGET = {"project": "Website", "percent": 84, "level": 80}
FACTS: dict[Kind, dict[str, object]] = {
    "budget_threshold": {**BUDGET, "measure": "money", "used": "8400.00", "budget": "10000.00", "currency": "EUR"},
    "invoice_overdue": {
        "number": "R-7", "client": "Globex", "due_date": "2026-06-14", "balance": "1234.50", "currency": "EUR",
    },
    "timer_forgotten": {"project": "Website", "task": "Design", "started_at": "2026-06-15T07:00Z", "limit_minutes": 90},
    "week_not_submitted": WEEK,
    "week_returned": {**WEEK, "reason": "Friday {is} missing"},
    "webhook_failing": {"url": "https://hooks.example/in", "reason": None, "since": "2026-06-14T07:00Z"},
    "webhook_disabled": {"url": "https://hooks.example/in", "reason": "unreachable", "since": "2026-06-10T07:00Z"},
}  # fmt: skip
EXPECTED: dict[tuple[Kind, Language], tuple[str, str]] = {
    ("budget_threshold", "en"): ("84 % of the budget of Website is used", "€8,400.00 of €10,000.00"),
    ("budget_threshold", "de"): ("84 % des Budgets von Website sind verbraucht", "8.400,00 € von 10.000,00 €"),
    ("invoice_overdue", "en"): ("Invoice R-7 is overdue", "due on June 14, 2026. €1,234.50 is still open"),
    ("invoice_overdue", "de"): ("Rechnung R-7 ist überfällig", "am 14. Juni 2026 fällig. 1.234,50 € sind noch offen"),
    ("timer_forgotten", "en"): ("Did you forget your timer?", "more than 1:30 hours: Website · Design"),
    ("timer_forgotten", "de"): ("Haben Sie Ihre Stoppuhr vergessen?", "seit mehr als 1:30 Stunden: Website · Design"),
    ("week_not_submitted", "en"): ("Your week from June 8, 2026 is not submitted", "to June 14, 2026 has ended"),
    ("week_not_submitted", "de"): ("Ihre Woche ab 8. Juni 2026 ist nicht eingereicht", "bis 14. Juni 2026 ist zu Ende"),
    ("week_returned", "en"): ("Your week from June 8, 2026 was returned", "Friday {is} missing"),
    ("week_returned", "de"): ("Ihre Woche ab 8. Juni 2026 wurde zurückgegeben", "Friday {is} missing"),
    ("webhook_failing", "en"): ("A webhook of North is failing", "https://hooks.example/in was tried"),
    ("webhook_failing", "de"): ("Ein Webhook von North kommt nicht an", "an https://hooks.example/in wurde"),
    ("webhook_disabled", "en"): ("A webhook of North is disabled", "For five days nothing arrived"),
    ("webhook_disabled", "de"): ("Ein Webhook von North ist abgeschaltet", "Seit fünf Tagen ist bei"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", SAID)
def test_a_letter_says_what_happened_and_where_to_look(kind: Kind, language: Language) -> None:
    subject, words = letter(kind, SUBJECT, FACTS[kind], language, studio="North", public_url="https://t.example")
    expected, within = EXPECTED[kind, language]
    assert subject == expected
    assert within in words.text
    assert words.link == "https://t.example" + letters.path_of(kind, SUBJECT, FACTS[kind])
    assert words.link in words.text
    assert "https://t.example/account#notifications" in words.text
    assert (words.language, words.automatic) == (language, True)


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize(
    ("kind", "other", "within"),
    [
        (
            "budget_threshold",
            {"measure": "hours", "used": "8.50", "budget": "10.00", "currency": None},
            "8[.,]50 (h|Std.) ",
        ),
        ("budget_threshold", {"level": 100, "percent": 101}, "(used up its budget|Budget aufgebraucht)"),
        ("webhook_disabled", {"reason": "gone"}, "410"),
        ("timer_forgotten", {"project": None, "task": None}, ": –"),
    ],
)
def test_the_other_ways_to_say_it(kind: Kind, other: dict[str, object], within: str, language: Language) -> None:
    _, words = letter(kind, SUBJECT, {**FACTS[kind], **other}, language, studio="", public_url="https://t.example")
    assert re.search(within, words.text)


def test_both_languages_say_the_same_kinds_with_the_same_facts() -> None:
    english, german = SAID["en"].about, SAID["de"].about
    assert english.keys() == german.keys()
    for name, said in english.items():
        for mine, theirs in zip(said, german[name], strict=True):
            assert set(re.findall(r"{\w+}", mine)) == set(re.findall(r"{\w+}", theirs)), name
