"""Sending an invoice: number, link, letter and job together, once, in the client's words."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tallystick.domain import clients, payments, reminders, sending, workspaces
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft, invoice, lifecycle, links
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails import templates
from tallystick.domain.mails.mail import MAILS, Mail, words_of
from tallystick.domain.mails.usual import USUAL
from tallystick.domain.sending import Message
from tallystick.values.errors import Conflict, Invalid, Refusal
from tallystick.values.look import LANGUAGES
from tests.mail.conftest import Office
from tests.studio import Api, app_client

LINE = CustomLine("Concept", Decimal(1), Decimal("1234.50"))


def drafted(office: Office, **facts: Any) -> str:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], email="ap@globex.example")
        made = draft.draft(ctx, client_id=office.studio.ids["client"], project_ids=[], lines=[LINE], **facts)
        return made.invoice.id


def every(ctx: Context) -> list[Mail]:
    return ctx.select(Mail)


def test_a_draft_is_issued_and_mailed_with_its_paper(office: Office) -> None:
    invoice_id = drafted(office)
    with office.context("manager") as ctx:
        sent = sending.send(ctx, invoice_id)
    assert (sent.invoice.status, sent.invoice.number) == ("SENT", "INV-0001")
    assert office.send(sent.mail) is None
    (letter,) = office.box.letters
    assert (letter["To"], letter["Subject"]) == ("ap@globex.example", "Invoice INV-0001 from Studio North")
    body = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    with office.context() as ctx:
        link = links.of_invoice(ctx, invoice_id)
        assert link is not None
        url = links.url_of(ctx, link)
    assert str(url) in body
    assert "€1,234.50" in body
    (paper,) = letter.iter_attachments()
    assert paper.get_filename() == "INV-0001.pdf"
    assert paper.get_payload(decode=True).startswith(b"%PDF")  # type: ignore[union-attr]


def test_either_all_of_it_or_nothing(office: Office) -> None:
    invoice_id = drafted(office)
    with contextlib.suppress(RuntimeError), office.context() as ctx:
        sending.send(ctx, invoice_id)
        raise RuntimeError
    with office.context() as ctx:
        assert invoice.read(ctx, invoice_id).status == "DRAFT"
        assert links.of_invoice(ctx, invoice_id) is None
        assert every(ctx) == []


@pytest.mark.parametrize("count", [2, 8])
def test_those_who_send_at_once_make_one_number_and_one_letter(office: Office, count: int) -> None:
    invoice_id = drafted(office)
    together = threading.Barrier(count)
    said: list[object] = []

    def press() -> None:
        together.wait()
        try:
            with office.context("manager") as ctx:
                said.append(sending.send(ctx, invoice_id).invoice.number)
        except Refusal as refusal:
            said.append(refusal.reason)

    pressing = [threading.Thread(target=press) for _ in range(count)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert sorted(map(str, said)) == ["INV-0001", *["mail_just_sent"] * (count - 1)]
    with office.context() as ctx:
        assert len(every(ctx)) == 1


def test_an_issued_one_is_mailed_again_under_its_number(office: Office) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        first = sending.send(ctx, invoice_id)
    with pytest.raises(Conflict) as refused, office.context() as ctx:
        sending.send(ctx, invoice_id)
    assert refused.value.reason == "mail_just_sent"
    office.send(first.mail)
    office.studio.clock.now += timedelta(minutes=2)
    with office.context() as ctx:
        again = sending.send(ctx, invoice_id, Message(to=["boss@globex.example"], cc=["ap@globex.example"]))
    assert again.invoice.number == first.invoice.number
    assert office.send(again.mail) is None
    assert [envelope[1] for envelope in office.box.envelopes] == [
        ["ap@globex.example"],
        ["boss@globex.example", "ap@globex.example"],
    ]


def test_one_that_was_marked_as_sent_has_a_link_and_is_mailed_later(office: Office) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        lifecycle.mark_sent(ctx, invoice_id)
        assert links.of_invoice(ctx, invoice_id) is not None
        assert every(ctx) == []
        assert sending.send(ctx, invoice_id).invoice.number == "INV-0001"


def test_a_test_goes_to_oneself_and_changes_nothing(office: Office) -> None:
    invoice_id = drafted(office)
    with office.context("manager") as ctx:
        sent = sending.send_test(ctx, invoice_id, Message(cc=["x@globex.example"]))
    assert sent.invoice.status == "DRAFT"
    assert office.send(sent.mail) is None
    (letter,) = office.box.letters
    assert letter["To"] == office.studio.people["manager"].email
    assert letter["Cc"] is None
    assert letter["Subject"].startswith("[Test] Invoice DRAFT-")
    with office.context() as ctx:
        assert invoice.read(ctx, invoice_id).status == "DRAFT"
        assert links.of_invoice(ctx, invoice_id) is None


def test_words_are_the_workspace_s_own_with_facts_in_their_places(office: Office) -> None:
    with office.context() as ctx:
        templates.set_words(
            ctx, "invoice", "en", subject="{{number}} / {{ client }}", body="Pay {{total}} by {{due_date}}: {{link}}"
        )
    invoice_id = drafted(office)
    with office.context() as ctx:
        sent = sending.send(ctx, invoice_id)
    office.send(sent.mail)
    (letter,) = office.box.letters
    assert letter["Subject"] == "INV-0001 / Globex"
    assert letter.get_body(("plain",)).get_content().startswith("Pay €1,234.50 by June 29, 2026: http")  # type: ignore[union-attr]


def test_what_is_filled_in_is_not_read_as_a_place(office: Office) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], name="{{link}} {{total}}")
    invoice_id = drafted(office)
    with office.context() as ctx:
        sent = sending.send(ctx, invoice_id, Message(subject="{{client}}"))
    assert sent.mail.subject == "{{link}} {{total}}"


@pytest.mark.parametrize("text", ["{{password}}", "{{ total }} {{x}}", "{{total|safe}}", "{{''.__class__}}", "{{}}"])
def test_a_place_that_nobody_fills_is_refused(office: Office, text: str) -> None:
    invoice_id = drafted(office)
    with pytest.raises(Invalid) as refused, office.context() as ctx:
        templates.set_words(ctx, "invoice", "en", subject=None, body=text)
    assert list(refused.value.fields) == ["body"]
    with pytest.raises(Invalid) as refused, office.context() as ctx:
        sending.send(ctx, invoice_id, Message(subject=text))
    assert list(refused.value.fields) == ["subject"]


@pytest.mark.parametrize("text", ["{% for x in y %}", "${total}", "<%= 1 %>", "{total}", "{{{{total}}}}"])
def test_no_other_template_language_is_read(office: Office, text: str) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        sent = sending.send(ctx, invoice_id, Message(body=text))
        words = words_of(ctx, sent.mail)
    assert words is not None
    assert words.text == text.replace("{{total}}", "€1,234.50")


def test_a_client_without_an_address_needs_one(office: Office) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], email=None)
    with pytest.raises(Invalid) as refused, office.context() as ctx:
        sending.send(ctx, invoice_id)
    assert list(refused.value.fields) == ["to"]


def test_each_language_has_words_of_ours(office: Office) -> None:
    with office.context() as ctx:
        found = {(one.kind, one.language) for one in templates.every(ctx)}
        german = templates.words_for(ctx, "invoice", "de-AT")
        japanese, other = (templates.words_for(ctx, "reminder", language) for language in ("ja", "sw"))
    assert found == {(kind, language) for kind in templates.KINDS for language in LANGUAGES}
    assert german.subject.startswith("Rechnung")
    assert (japanese.language, other.language) == ("ja", "en")
    for language, words in USUAL.items():
        for kind in templates.KINDS:
            subject, body = templates.usual(kind, language)
            templates.check(subject=subject, body=body)
            of_an_invoice = kind != "portal"
            named = {"{{studio}}"} | ({"{{number}}"} if of_an_invoice else set())
            told = {"{{studio}}", "{{link}}"} | ({"{{due_date}}"} if of_an_invoice else set())
            assert named <= set(re.findall(r"{{\w+}}", subject)), (language, kind)
            assert told <= set(re.findall(r"{{\w+}}", body)), (language, kind)
        assert words.button


def test_a_letter_goes_in_the_language_of_its_client(office: Office) -> None:
    for language, said, direction in (("fr", "Voir la facture", "ltr"), ("ar", "عرض الفاتورة", "rtl")):
        with office.context() as ctx:
            clients.change(ctx, office.studio.ids["client"], language=language)
        invoice_id = drafted(office)
        with office.context() as ctx:
            sent = sending.send(ctx, invoice_id)
        assert office.send(sent.mail) is None
        letter = office.box.letters[-1]
        html = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert said in html
        assert f'lang="{language}" dir="{direction}"' in html


# --- reminders


def overdue(office: Office, *, days: list[int], due: date = date(2026, 6, 20)) -> str:
    invoice_id = drafted(office, due_date=due)
    with office.context() as ctx:
        lifecycle.mark_sent(ctx, invoice_id)
        mail_settings.change(ctx, reminder_days=days)
    return invoice_id


def remind(office: Office) -> list[str]:
    """What the worker does each quarter of an hour; the subjects of what it wrote."""
    with office.context() as ctx:
        due = reminders.due(ctx)
    sent = []
    for invoice_id in due:
        with office.context() as ctx:
            mail = reminders.send(ctx, invoice_id)
            sent += [mail.subject] if mail else []
    return sent


def at(office: Office, day: int, hour: int = 9) -> None:
    office.studio.clock.now = office.studio.clock.now.replace(day=day, hour=hour)


def test_each_step_is_sent_once_on_its_day_in_the_morning(office: Office) -> None:
    overdue(office, days=[-3, 1, 7])
    told: list[tuple[int, int]] = []
    for day in range(15, 31):
        for hour in (3, 6, 7, 12, 20):
            at(office, day, hour)
            told += [(day, hour)] * len(remind(office))
    assert told == [(17, 7), (21, 7), (27, 7)]  # 9 o'clock in Berlin


def test_two_workers_remind_once(office: Office) -> None:
    overdue(office, days=[1])
    at(office, 21)
    together = threading.Barrier(4)
    sent: list[object] = []

    def work() -> None:
        with office.context() as ctx:
            due = reminders.due(ctx)
        together.wait()
        for invoice_id in due:
            with office.context() as ctx:
                sent.append(reminders.send(ctx, invoice_id))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len([one for one in sent if one is not None]) == 1


def test_after_days_without_a_worker_the_latest_step_is_sent_and_old_ones_are_not(office: Office) -> None:
    overdue(office, days=[1, 2, 7])
    at(office, 23)
    assert len(remind(office)) == 1
    assert remind(office) == []
    at(office, 30)
    assert remind(office) == []  # step 7 was three days ago


def test_a_step_that_had_passed_before_it_was_sent_is_left_out(office: Office) -> None:
    """Whoever got the invoice this morning needs no reminder at noon that it is due soon."""
    assert office.studio.clock().day == 15
    overdue(office, days=[-6, -5, -4, 0])  # due on the 20th
    told: list[int] = []
    for day in range(15, 22):
        at(office, day, 12)
        told += [day] * len(remind(office))
    assert told == [16, 20]


def test_who_is_left_alone_a_moment_before_is_left_alone(office: Office) -> None:
    invoice_id = overdue(office, days=[1])
    at(office, 21)
    with office.context() as ctx:
        assert reminders.due(ctx) == [invoice_id]
    with office.context() as ctx:
        reminders.switch(ctx, "client", office.studio.ids["client"], on=False)
    with office.context() as ctx:
        assert reminders.send(ctx, invoice_id) is None


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        (("Pacific/Auckland", "America/Los_Angeles"), 1),  # the day comes a second time
        (("America/Los_Angeles", "Pacific/Auckland"), 1),
    ],
)
def test_a_workspace_that_moves_around_the_earth_reminds_once(office: Office, zones: Any, told: int) -> None:
    overdue(office, days=[1])
    sent = 0
    for day in range(19, 25):
        for hour in range(0, 24, 3):
            at(office, day, hour)
            with office.context() as ctx:
                workspaces.change(ctx, time_zone=zones[0] if (day, hour) <= (21, 0) else zones[1])
            sent += len(remind(office))
    assert sent == told


def test_what_is_paid_or_cancelled_is_not_reminded_of(office: Office) -> None:
    first, second = overdue(office, days=[1]), overdue(office, days=[1])
    with office.context() as ctx:
        payments.record(ctx, first, amount=Decimal("1234.50"), paid_on=date(2026, 6, 15))
        lifecycle.cancel(ctx, second)
    at(office, 21)
    assert remind(office) == []


@pytest.mark.parametrize("whom", ["client", "invoice"])
def test_a_client_or_an_invoice_is_left_alone_when_somebody_says_so(office: Office, whom: Any) -> None:
    invoice_id = overdue(office, days=[1])
    thing = office.studio.ids["client"] if whom == "client" else invoice_id
    with office.context("manager") as ctx:
        assert reminders.are_on(ctx, whom, thing)
        reminders.switch(ctx, whom, thing, on=False)
        reminders.switch(ctx, whom, thing, on=False)
    at(office, 21)
    assert remind(office) == []
    with office.context("manager") as ctx:
        reminders.switch(ctx, whom, thing, on=True)
    assert remind(office) == ["Reminder: invoice INV-0001 from Studio North"]


def test_without_a_schedule_nobody_is_reminded(office: Office) -> None:
    overdue(office, days=[])
    at(office, 21)
    assert remind(office) == []


def test_an_overdue_invoice_is_reminded_of_by_hand(office: Office) -> None:
    invoice_id = overdue(office, days=[])
    with pytest.raises(Conflict), office.context() as ctx:
        sending.remind(ctx, invoice_id)  # not yet
    at(office, 24)
    with office.context("manager") as ctx:
        sent = sending.remind(ctx, invoice_id, Message(body="{{days_overdue}} days: {{balance}}", files=("pdf",)))
    assert office.send(sent.mail) is None
    (letter,) = office.box.letters
    assert letter.get_body(("plain",)).get_content().strip() == "4 days: €1,234.50"  # type: ignore[union-attr]
    with pytest.raises(Conflict), office.context() as ctx:
        sending.remind(ctx, invoice_id)


def test_the_worker_goes_on_where_one_invoice_cannot_be_reminded_of(office: Office) -> None:
    from tallystick.jobs import tasks

    overdue(office, days=[1])
    with office.context() as ctx:
        other = clients.create(ctx, name="Nobody", currency="EUR")
        made = draft.draft(ctx, client_id=other.id, project_ids=[], lines=[LINE], due_date=date(2026, 6, 20))
        lifecycle.mark_sent(ctx, made.invoice.id)
    at(office, 21)
    tasks.remind(office.desk)
    tasks.remind(office.desk)
    with office.context() as ctx:
        rows = MAILS.page(ctx, ("kind", "recipients"), {}).rows
    assert rows == [("reminder", ["ap@globex.example"])]


# --- over the API


@pytest.fixture
def api(office: Office, tmp_path: Path) -> Callable[[str], Api]:
    client = app_client(office.studio.database, office.studio.clock, tmp_path)
    return lambda who: Api(client, office.studio.people[who].token)


def test_it_is_sent_over_the_api(api: Callable[[str], Api], office: Office) -> None:
    invoice_id = drafted(office)
    told = api("manager").post(
        f"/invoices/{invoice_id}/send", {"to": ["ada@globex.example"], "attach": ["pdf", "xml"]}, status=200
    )
    assert (told["invoice"]["status"], told["mail"]["to"]) == ("SENT", ["ada@globex.example"])
    assert told["link"].startswith("http://127.0.0.1:8000/i/")
    link = api("manager").get(f"/invoices/{invoice_id}/link")
    assert (link["url"], link["viewCount"], link["lastViewedAt"]) == (told["link"], 0, None)
    assert [one["id"] for one in api("manager").get(f"/mails?invoiceId={invoice_id}")] == [told["mail"]["id"]]


def test_a_retry_with_the_same_key_sends_nothing_more(api: Callable[[str], Api], office: Office) -> None:
    invoice_id = drafted(office)
    key = {"headers": {"Idempotency-Key": "once"}}
    first = api("owner")("POST", f"/invoices/{invoice_id}/send", {}, **key)
    again = api("owner")("POST", f"/invoices/{invoice_id}/send", {}, **key)
    assert (again.status_code, again.content) == (200, first.content)
    with office.context() as ctx:
        assert len(every(ctx)) == 1


def test_templates_over_the_api(api: Callable[[str], Api]) -> None:
    words = {"kind": "reminder", "language": "fr", "subject": "Rappel {{number}}", "body": "{{link}}"}
    assert api("admin")("PUT", "/mail-templates", words).json["data"] == {**words, "own": True}
    assert words["subject"] in [one["subject"] for one in api("manager").get("/mail-templates")]
    assert api("manager")("PUT", "/mail-templates", words).status_code == 403
    usual = api("admin")("PUT", "/mail-templates", {"kind": "reminder", "language": "fr"}).json["data"]
    assert (usual["own"], usual["subject"]) == (False, "Rappel : facture {{number}} de {{studio}}")
    wrong = api("admin")("PUT", "/mail-templates", {**words, "language": "klingon"})
    assert wrong.status_code == 422
