"""Secrets of every kind go through the real faces, also where that fails; afterwards they are looked for everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from dataclasses import replace as with_facts
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from falcon import testing
from psycopg import sql
from pyotp import TOTP

from tallystick.api.expensicat.wire import ExpensicatApi
from tallystick.api.growcrm.wire import GrowCrmApi
from tallystick.api.native.wire import NativeApi
from tallystick.auth import api_keys as key_texts
from tallystick.auth import oauth2, session_tokens, sessions
from tallystick.auth import tokens as token_texts
from tallystick.db.session import owner_connection
from tallystick.domain import api_keys, contacts, members
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft, lifecycle, links
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.mails.mail import Mail
from tallystick.jobs import tasks
from tallystick.jobs.webhooks import deliver_due
from tallystick.outgoing.http import HttpCourier
from tallystick.telemetry import statements
from tallystick.web.app.front import Front
from tests.mail.conftest import LOOPBACK, Office, box, office  # noqa: F401 - fixtures
from tests.oauth.conftest import App, app, keeper  # noqa: F401 - fixtures
from tests.sign_in.conftest import (  # noqa: F401 - fixtures
    PASSWORD,
    bearer,
    cheap_hashes,
    cookies_of,
    csrf_in,
    nothing_counted,
    sign_in_by_api,
    submit,
    with_password,
)
from tests.studio import KEY, Api, Studio
from tests.telemetry.conftest import TOKEN, Logging, Told, client, scrape

SMTP_PASSWORD = "c4n4ry-smtp-Kq81"
WORKSPACE_SMTP_PASSWORD = "c4n4ry-own-smtp-Zu22"
STRIPE_KEY = "sk_test_c4n4ryStripeKey91"
STRIPE_HOOK = "whsec_c4n4ryStripeHook37"
OIDC_SECRET = "c4n4ry-oidc-Rt55"
WRONG_PASSWORD = "c4n4ry wrong password Pw77"


@dataclass
class Drama:
    """What was played: the secrets, by what they are, and the bodies of answers that refused."""

    door: testing.TestClient
    told: Told
    secrets: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def is_secret(self, kind: str, text: str) -> str:
        assert len(text) >= 12
        self.secrets[kind] = text
        return text

    def hear(self, answer: testing.Result) -> testing.Result:
        if answer.status_code >= 400:
            self.refused.append(f"{dict(answer.headers)} {answer.text}")
        return answer


@pytest.fixture
def door(with_password: Studio, tmp_path: Path) -> testing.TestClient:  # noqa: F811
    """The doors of the other suites, at a server that is watched."""
    return client(
        with_password.database,
        tmp_path,
        with_password.clock,
        smtp_url=f"smtp://studio:{SMTP_PASSWORD}@127.0.0.1:9?tls=none",
        oidc_issuer="http://127.0.0.1:9/realms/none",
        oidc_client_id="tallystick",
        oidc_client_secret=OIDC_SECRET,
        stripe_api="http://127.0.0.1:9",
    )


def test_no_secret_is_told_anywhere(
    keeper: App,  # noqa: F811
    office: Office,  # noqa: F811
    logging_as: Logging,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
):
    studio, door = keeper.studio, keeper.door
    drama = Drama(door, logging_as("json", "debug"))
    statements.limit.seconds = 0.0  # every statement is told
    try:
        for act in (_people, _programs, _apps, _links, _keys):
            act(drama, studio, office, keeper)
        _everything_breaks(drama, studio, monkeypatch)
    finally:
        statements.slow_from(0)
    assert len(drama.secrets) >= 20, sorted(drama.secrets)
    metrics = scrape(door)
    text = door.simulate_get("/metrics", headers=bearer(TOKEN)).text
    assert metrics.labels("operation")
    log = drama.told.text
    assert log.count("\n") > 100
    assert '"internal error"' in log
    assert "slow statement" in log
    for kind, secret in drama.secrets.items():
        for place, said in {"the log": log, "metrics": text, "process": _processes()}.items():
            assert secret not in said, f"{kind} in {place}: {_around(said, secret)}"
        for said in drama.refused:
            assert secret not in said, f"{kind} in an answer: {_around(said, secret)}"
    assert studio.workspace_id in log  # what is looked for is found where it is
    assert _in_the_database(database_url, {"address": studio.owner.email}) != []
    assert _in_the_database(database_url, drama.secrets) == []


def _people(drama: Drama, studio: Studio, office: Office, keeper: App) -> None:  # noqa: F811
    """Passwords, sessions and second factors."""
    del office, keeper
    drama.is_secret("password", PASSWORD)
    drama.is_secret("wrong password", WRONG_PASSWORD)
    drama.is_secret("sign-in provider's secret", OIDC_SECRET)
    email = studio.owner.email
    for fields in (
        {"email": email, "password": WRONG_PASSWORD},
        {"email": "nobody@nowhere.example", "password": WRONG_PASSWORD},
        {"email": email, "password": PASSWORD},
    ):
        answer = drama.hear(submit(drama.door, "/sign-in", fields))
    cookie = drama.is_secret("session cookie", cookies_of(answer)["tallystick"])
    headers = {"Cookie": f"tallystick={cookie}"}
    assert drama.door.simulate_get("/", headers=headers).status_code == 200
    page = drama.door.simulate_get("/two-factor", headers=headers)
    secret = drama.is_secret("TOTP secret", re.findall(r'<code id="secret">(\w+)<', page.text)[0])
    sealed = re.findall(r'name="secret" value="([^"]+)"', page.text)[0]
    for code in ("000000", TOTP(secret).at(studio.clock())):
        fields = {"csrf_token": csrf_in(page), "password": PASSWORD, "do": "on", "secret": sealed, "code": code}
        shown = submit(drama.door, "/two-factor", fields, Cookie=headers["Cookie"])  # shows whose it is until it is on
    assert shown.status_code == 200
    drama.hear(drama.door.simulate_get("/sign-in/oidc"))
    drama.hear(drama.door.simulate_get("/sign-in/oidc/callback", query_string=f"code={OIDC_SECRET}&state=x"))


def _programs(drama: Drama, studio: Studio, office: Office, keeper: App) -> None:  # noqa: F811
    """Tokens of the native API, sessions of Expensicat's clients, keys of Grow CRM's."""
    del office, keeper
    token = drama.is_secret("API token", studio.owner.token)
    unknown = drama.is_secret("unknown API token", token_texts.mint("live"))
    for given in (token, unknown, f"{token}x"):
        drama.hear(drama.door.simulate_get("/api/v1/clients", headers=bearer(given)))
        drama.hear(drama.door.simulate_get("/api/v1/me", query_string=f"access_token={given}"))
        drama.door.simulate_get(f"/api/v1/{given}", headers=bearer(given))  # says that nothing is at this address
    drama.hear(sign_in_by_api(drama.door, studio, "member", password=WRONG_PASSWORD))
    answer = drama.hear(sign_in_by_api(drama.door, studio, "member"))
    assert answer.status_code == 200, answer.text
    jwt = drama.is_secret("Expensicat session token", answer.json["token"])
    for given in (jwt, f"{jwt[:-4]}AAAA"):
        drama.hear(drama.door.simulate_get("/v1/time-entries", headers=bearer(given)))
        drama.hear(drama.door.simulate_get("/v1/nothing", headers=bearer(given), query_string=f"token={given}"))
    key = drama.is_secret("Grow CRM key", key_texts.mint())
    with studio.context() as ctx:
        api_keys.issue(ctx, name="Books", prefix=str(key_texts.prefix_of(key)), digest=key_texts.digest(KEY, key))
    unknown = drama.is_secret("unknown Grow CRM key", key_texts.mint())
    for given in (key, unknown):
        drama.hear(drama.door.simulate_get("/api/tasks", headers=bearer(given)))
        drama.hear(drama.door.simulate_post("/api/tasks", headers=bearer(given), body="{", content_type="text/x"))
    guess = drama.is_secret("wrong scrape token", "c4n4ry-scrape-guess")
    drama.is_secret("scrape token", TOKEN)
    drama.hear(drama.door.simulate_get("/metrics", headers=bearer(guess)))


def _apps(drama: Drama, studio: Studio, office: Office, keeper: App) -> None:  # noqa: F811
    """OAuth: an app's secret, its codes and its tokens."""
    del office
    assert keeper.secret
    drama.is_secret("OAuth secret", keeper.secret)
    drama.is_secret("OAuth verifier", keeper.verifier)
    keeper.cookie = f"tallystick={drama.secrets['session cookie']}"
    code = drama.is_secret("OAuth code", keeper.code())
    drama.hear(keeper.exchange(code, code_verifier="v" * 50))
    code = drama.is_secret("second OAuth code", keeper.code())
    given = keeper.exchange(code)
    assert given.status_code == 200, given.text
    access = drama.is_secret("OAuth access token", given.json["access_token"])
    refresh = drama.is_secret("OAuth refresh token", given.json["refresh_token"])
    assert keeper.reaches(access)
    drama.hear(keeper.exchange(code))  # a second time
    drama.hear(keeper.refresh(refresh))
    drama.hear(keeper.refresh(drama.is_secret("unknown refresh token", oauth2.mint("refresh"))))
    drama.hear(keeper.post("/api/auth/oauth2/token", grant_type="x", code=code, client_secret=f"{keeper.secret}"))
    del studio


def _links(drama: Drama, studio: Studio, office: Office, keeper: App) -> None:  # noqa: F811
    """Addresses that are secrets: of an invoice, of the portal, for a new password."""
    del keeper
    with studio.context() as ctx:
        made = draft.draft(
            ctx,
            client_id=studio.ids["client"],
            project_ids=[],
            lines=[CustomLine("Work", Decimal(1), Decimal(100))],
        )
        invoice = lifecycle.mark_sent(ctx, made.invoice.id)
        link = drama.is_secret("invoice link", _token_of(ctx, invoice.id))
    for path in (f"/i/{link}", f"/i/{link}/pdf", f"/i/{link[:-2]}zz", f"/i/{link}/none", f"//i/{link}"):
        drama.hear(drama.door.simulate_get(path))
    drama.hear(submit(drama.door, f"/i/{link}", {"do": "x"}))
    email = f"{office.box.port}.ada@globex.example"
    with office.context() as ctx:
        contacts.create(ctx, client_id=studio.ids["client"], first_name="Ada", last_name="B", email=email)
    submit(drama.door, "/portal", {"email": email})
    tasks.send_portal_link(office.desk, email)
    with office.context() as ctx:
        (mail,) = [one for one in ctx.select(Mail, Mail.kind == "portal") if one.state == "queued"]
    assert office.send(mail) is None
    letter = str(office.box.letters[-1].get_body(("plain",)).get_content())
    found = re.search(r"(/portal/in/(hsp_[\w-]{43}))", letter)
    assert found
    drama.is_secret("portal link", found[2])
    entered = drama.hear(submit(drama.door, found[1], {}))
    drama.is_secret("portal session", next(iter(cookies_of(entered).values())))
    for _ in range(2):
        drama.hear(drama.door.simulate_get(found[1]))
        drama.hear(submit(drama.door, found[1], {}))
    with studio.context() as ctx:
        reset = drama.is_secret("reset link", sessions.offer_password_link(ctx, KEY, studio.people["member"].user_id))
    for path in (f"/reset/{reset}", f"/reset/{reset}x", f"/reset/{session_tokens.mint_link()}"):
        drama.hear(drama.door.simulate_get(path))
        drama.hear(submit(drama.door, path, {"password": "short"}))


def _keys(drama: Drama, studio: Studio, office: Office, keeper: App) -> None:  # noqa: F811
    """Secrets that are kept to be used: of mail servers, of Stripe, of receivers of webhooks."""
    del keeper
    api = Api(drama.door, studio.owner.token)
    drama.is_secret("SMTP password", SMTP_PASSWORD)
    own = drama.is_secret("a workspace's SMTP password", WORKSPACE_SMTP_PASSWORD)
    mail = {"host": "127.0.0.1", "port": 9, "tls": "none", "user": "lin", "password": own, "fromAddress": "a@b.example"}
    for body in (mail, {**mail, "tls": "starttls"}, {**mail, "port": own}, {**mail, "fromAddress": 7}):
        drama.hear(api("PUT", "/mail-settings", body))
    drama.hear(api("POST", "/mail-settings/test"))
    with office.context() as ctx:
        waiting = [one for one in ctx.select(Mail) if one.state == "queued"]
    for one in waiting:
        office.send(one)
    key = drama.is_secret("Stripe key", STRIPE_KEY)
    hook = drama.is_secret("Stripe's webhook secret", STRIPE_HOOK)
    cards = {"method": "CARD", "secretKey": key, "webhookSecret": hook}
    for body in ({**cards, "method": hook}, {**cards, "secretKey": hook}, {**cards, "feePercent": key}, cards):
        answer = drama.hear(api("PUT", "/card-settings", body))
    assert answer.status_code == 200, answer.text
    with studio.context() as ctx:
        made = draft.draft(
            ctx,
            client_id=studio.ids["client"],
            project_ids=[],
            lines=[CustomLine("Work", Decimal(1), Decimal(100))],
        )
        lifecycle.mark_sent(ctx, made.invoice.id)
    drama.hear(api("POST", f"/invoices/{made.invoice.id}/checkout", {}))
    drama.hear(
        drama.door.simulate_post(f"/stripe/{studio.workspace_id}", body="{}", headers={"Stripe-Signature": hook})
    )
    made_hook = drama.hear(api("POST", "/webhook-endpoints", {"url": "https://127.0.0.1:9/x", "events": ["*"]}))
    made_hook = drama.hear(api("POST", "/webhook-endpoints", {"url": "https://hooks.example/x", "events": ["*"]}))
    assert made_hook.status_code == 201, made_hook.text
    drama.is_secret("webhook secret", made_hook.json["data"]["secret"])
    api("POST", "/clients", {"name": "Told of", "currency": "EUR"})
    deliver_due(with_facts(office.desk, server=with_facts(office.server, courier=HttpCourier(LOOPBACK))))
    api("DELETE", f"/webhook-endpoints/{made_hook.json['data']['id']}")


def _everything_breaks(drama: Drama, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in every face while its secrets are at hand."""

    def bug(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    secrets = drama.secrets
    with monkeypatch.context() as patched:
        for face in (NativeApi, ExpensicatApi, GrowCrmApi):
            patched.setattr(face, "admit", bug)
        patched.setattr(Front, "said_cookie", property(bug))
        for path, given in (
            ("/api/v1/clients", secrets["API token"]),
            ("/v1/time-entries", secrets["Expensicat session token"]),
            ("/api/tasks", secrets["Grow CRM key"]),
        ):
            answer = drama.hear(drama.door.simulate_get(path, headers=bearer(given), query_string=f"q={given}"))
            assert answer.status_code == 500, answer.text
        headers = {"Cookie": f"tallystick={secrets['session cookie']}"}
        assert drama.hear(drama.door.simulate_get("/", headers=headers)).status_code == 500
    with monkeypatch.context() as patched:
        patched.setattr(sessions, "sign_in", bug)
        patched.setattr(sessions, "password_link", bug)
        patched.setattr(members, "by_email", bug)
        drama.hear(submit(drama.door, "/sign-in", {"email": studio.owner.email, "password": PASSWORD}))
        drama.hear(sign_in_by_api(drama.door, studio))
        drama.hear(drama.door.simulate_get(f"/reset/{secrets['reset link']}"))
    with monkeypatch.context() as patched:
        patched.setattr("tallystick.web.invoice_page.open_invoice", bug)
        drama.hear(drama.door.simulate_get(f"/i/{secrets['invoice link']}"))


def _token_of(ctx: Context, invoice_id: str) -> str:
    link = links.of_invoice(ctx, invoice_id)
    assert link is not None
    return str(links.url_of(ctx, link)).rpartition("/i/")[2]


def _around(said: str, secret: str) -> str:
    at = said.index(secret)
    return said[max(0, at - 200) : at + len(secret) + 40]


def _processes() -> str:
    lines: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


Column = tuple[str, str, str, str]


def _in_the_database(url: str, secrets: dict[str, str]) -> list[str]:
    """Which secrets stand as they are in which columns."""
    found: list[str] = []
    with owner_connection(url) as connection:
        columns: list[Column] = connection.execute(  # type: ignore[assignment]
            "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema IN ('public', 'jobs') AND table_type = 'BASE TABLE' "
            "AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')"
        ).fetchall()
        assert len(columns) > 200
        for schema, table, column, kind in columns:
            as_text = "encode({}, 'escape')" if kind == "bytea" else "{}::text"
            query = sql.SQL(
                "SELECT sought.it FROM unnest(%s::text[]) AS sought (it) "
                "WHERE EXISTS (SELECT FROM {} WHERE position(sought.it IN " + as_text + ") > 0)"
            ).format(sql.Identifier(schema, table), sql.Identifier(column))
            for (secret,) in connection.execute(query, [list(secrets.values())]).fetchall():
                kinds = [name for name, one in secrets.items() if one == secret]
                found.append(f"{', '.join(kinds)} in {table}.{column}")
    return found
