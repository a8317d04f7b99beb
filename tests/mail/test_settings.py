"""Through whom mail goes, as an Owner or Admin sets it: kept locked up, tested, and never a fallback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.db.session import Prepared
from tallystick.domain.mails import delivery
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails.mail import Mail, Words
from tallystick.values.seal import open_up
from tests.mail.conftest import Office
from tests.mail.postbox import postbox
from tests.studio import Api, Studio, app_client

OWN = {
    "host": "smtp.studio.example",
    "fromAddress": "billing@studio.example",
    "user": "studio",
    "password": "hush hush",
}


@pytest.fixture
def api(studio: Studio, tmp_path: Path) -> Callable[[str], Api]:
    client = app_client(studio.database, studio.clock, tmp_path)
    return lambda who: Api(client, studio.people[who].token)


def put(api: Api, **body: Any) -> Any:
    answer = api("PUT", "/mail-settings", body)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def test_until_somebody_sets_a_server_mail_goes_through_the_operator_s(api: Callable[[str], Api]) -> None:
    assert api("owner").get("/mail-settings") == {
        "host": None, "port": None, "tls": None, "user": None, "passwordSet": False, "fromName": None,
        "fromAddress": None, "replyTo": None, "reminderDays": [], "sendsThrough": "server",
    }  # fmt: skip


def test_a_password_is_kept_locked_up_and_never_shown(api: Callable[[str], Api], studio: Studio) -> None:
    told = put(api("admin"), **OWN)
    assert told["passwordSet"] is True
    assert (told["port"], told["tls"], told["sendsThrough"]) == (587, "starttls", "workspace")
    assert "hush" not in str(told)
    assert api("owner").get("/mail-settings") == told
    with studio.context() as ctx:
        row = mail_settings.read(ctx)
        assert b"hush" not in (row.smtp_password or b"")
        assert open_up(ctx.server.key, mail_settings.SMTP_PASSWORD, row.smtp_password or b"", row.id) == b"hush hush"
        events = ctx.rows(_EVENTS)
    assert "hush" not in str(events)


def test_what_is_left_out_stays(api: Callable[[str], Api]) -> None:
    put(api("owner"), **OWN)
    told = put(api("owner"), fromName="Billing", reminderDays=[14, -3, 7])
    assert (told["host"], told["passwordSet"], told["fromName"]) == ("smtp.studio.example", True, "Billing")
    assert told["reminderDays"] == [-3, 7, 14]


def test_a_password_does_not_move_to_another_host(api: Callable[[str], Api]) -> None:
    """Who may change the host must not get the password sent to a server of theirs."""
    put(api("owner"), **OWN)
    told = put(api("owner"), host="smtp.elsewhere.example")
    assert told["passwordSet"] is False
    assert put(api("owner"), host=None) == {
        **told, "host": None, "port": None, "tls": None, "user": None, "sendsThrough": "server",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"host": "smtp.studio.example"}, "fromAddress"),
        ({**OWN, "host": "https://smtp.studio.example"}, "host"),
        ({**OWN, "host": "a b"}, "host"),
        ({**OWN, "host": "[::1]"}, "host"),
        ({**OWN, "port": 0}, "port"),
        ({**OWN, "port": 70000}, "port"),
        ({**OWN, "tls": "none"}, "tls"),
        ({**OWN, "fromAddress": "billing"}, "fromAddress"),
        ({**OWN, "fromAddress": "a@b\nBcc: c@d"}, "fromAddress"),
        ({**OWN, "fromName": "a\nb"}, "fromName"),
        ({**OWN, "user": "ü"}, "user"),
        ({**OWN, "password": "a\r\nb"}, "password"),
        ({"replyTo": "nobody"}, "replyTo"),
        ({"reminderDays": [1, 1]}, "reminderDays"),
        ({"reminderDays": [400]}, "reminderDays"),
        ({"reminderDays": list(range(11))}, "reminderDays"),
    ],
)
def test_what_cannot_be_names_its_field(api: Callable[[str], Api], body: dict[str, Any], field: str) -> None:
    answer = api("owner")("PUT", "/mail-settings", body)
    assert answer.status_code == 422, answer.text
    assert [name.partition("[")[0] for name in answer.json["error"]["fields"]] == [field]


@pytest.mark.parametrize("who", ["manager", "member"])
def test_only_owner_and_admin_see_and_set_it(api: Callable[[str], Api], who: str) -> None:
    assert api(who)("GET", "/mail-settings").status_code == 403
    assert api(who)("PUT", "/mail-settings", {"host": None}).status_code == 403
    assert api(who)("POST", "/mail-settings/test", {}).status_code == 403


def test_a_test_goes_to_whoever_asks(api: Callable[[str], Api], office: Office) -> None:
    told = api("admin").post("/mail-settings/test")
    assert (told["kind"], told["state"], told["to"]) == ("test", "queued", [office.studio.people["admin"].email])
    with office.context() as ctx:
        mail = mails.read(ctx, told["id"])
    assert office.send(mail) is None
    told = api("admin").get(f"/mails/{told['id']}")
    assert (told["state"], told["attempts"], told["lastError"]) == ("sent", 1, None)


def test_a_test_that_fails_says_why(api: Callable[[str], Api], office: Office) -> None:
    put(api("owner"), **{**OWN, "host": "127.0.0.1", "port": office.box.port})
    told = api("owner").post("/mail-settings/test")
    with office.context() as ctx:
        mail = mails.read(ctx, told["id"])
    assert isinstance(office.send(mail), delivery.Failed)
    told = api("owner").get(f"/mails/{told['id']}")
    assert told["state"] == "failed"
    assert told["lastError"].startswith("127.0.0.1, port") or "cannot do" in told["lastError"]


def test_where_no_mail_is_set_up_it_is_refused(office: Office) -> None:
    office.desk = replace(office.desk, server=replace(office.server, sender=None))
    with pytest.raises(Exception, match="Mail is not set up"), office.context() as ctx:
        mails.test(ctx, "ada@studio.example")


def test_a_workspace_s_server_that_fails_does_not_fall_back_to_the_operator_s(office: Office) -> None:
    with postbox() as own:
        with office.context() as ctx:
            mail_settings.change(
                ctx, smtp_host="127.0.0.1", smtp_port=own.port, smtp_tls="starttls", from_address="b@studio.example"
            )
        with office.context() as ctx:
            mail = enqueued(ctx)
        assert isinstance(office.send(mail), delivery.Failed)  # it has no STARTTLS
        assert not own.letters
        assert not office.box.letters
        assert office.again(mail).state == "failed"


def test_system_mail_goes_through_the_operator_s_server(office: Office) -> None:
    with office.context() as ctx:
        mail_settings.change(ctx, smtp_host="smtp.studio.example", from_address="b@studio.example")
        words = Words(text="Set a password: https://…")
        mail = mails.enqueue(ctx, "password", to=["ada@client.example"], subject="Password", words=words)
    assert office.send(mail) is None
    assert office.box.envelopes[0][0] == "tally@server.example"
    assert office.again(mail).content is None  # it held a secret


def test_names_are_the_workspace_s_also_through_the_operator_s_server(office: Office) -> None:
    with office.context() as ctx:
        mail_settings.change(ctx, from_name="Billing, Studio North", reply_to="billing@studio.example")
    with office.context() as ctx:
        mail = enqueued(ctx)
    assert office.send(mail) is None
    (letter,) = office.box.letters
    assert letter["From"] == '"Billing, Studio North" <tally@server.example>'
    assert letter["Reply-To"] == "billing@studio.example"


def test_recent_mails_are_listed_for_those_who_send_invoices(api: Callable[[str], Api], office: Office) -> None:
    with office.context() as ctx:
        mail = enqueued(ctx)
        mails.test(ctx, "ada@studio.example")
    found = api("manager").get("/mails?kind=invoice")
    assert [one["id"] for one in found] == [mail.id]
    assert api("member")("GET", "/mails").status_code == 403
    assert api("manager")("POST", f"/mails/{mail.id}/retry", {}).status_code == 409


def enqueued(ctx: Any) -> Mail:
    return mails.enqueue(ctx, "invoice", to=["ada@client.example"], subject="Hello", words=Words(text="Good day"))


_EVENTS = Prepared("SELECT data::text FROM events WHERE workspace_id = %(workspace)s::uuid")
