"""Settings for programs, and the log of what everybody did: each journey once."""

from __future__ import annotations

import re

from tallystick.domain import oauth, task_statuses
from tests.app.conftest import Pages


def test_the_audit_log_tells_who_did_what_with_before_and_after(pages: Pages) -> None:
    owner, admin = pages["owner"], pages["admin"]
    client = pages.ids["client"]
    admin.do(f"/clients/{client}/edit", {"name": "Globex <b>", "currency": "EUR"})
    story = f"/settings/audit?thing={client}&kind=client"
    page = owner.see(story)
    first = page.partition('<li class="body stack"')[2].partition("</li>\n")[0]
    assert pages.studio.people["admin"].user_id in owner.see(story)  # in the filter of people
    assert re.search(r"<del>Globex[^<]*</del> → <ins>Globex &lt;b&gt;</ins>", first)
    assert "/clients/{id}/edit" in first
    assert "/clients/{id}/edit" not in owner.see(f"{story}&person={pages.studio.owner.user_id}")
    assert "Nothing happened here." in owner.see(f"{story}&from=2031-01-01")
    assert "Nothing happened here." in owner.see(f"{story}&to=2021-01-01")


def test_the_audit_log_calls_a_status_by_its_title_not_by_its_number(pages: Pages) -> None:
    with pages.studio.context() as ctx:
        task_statuses.create(ctx, task_statuses.TaskStatus, title="On hold", means="IN_PROGRESS")
    page = pages["owner"].see("/settings/audit?kind=task_status")
    first = page.partition('<li class="body stack"')[2].partition("</li>\n")[0]
    assert re.search(r"Status of tasks[^<]*(<[^>]*>)*[^<]*On hold", first), first


def test_the_audit_log_goes_on_page_by_page_and_as_a_table(pages: Pages) -> None:
    owner = pages["owner"]
    for number in range(55):
        owner.do("/clients/new", {"name": f"Client {number}", "currency": "EUR"})
    first = owner.see("/settings/audit?kind=client")
    assert len(re.findall(r'id="entry-\d+"', first)) == 50
    older = re.search(r'href="([^"]*before=\d+)"', first)
    assert older
    second = owner.see(older[1].replace("&amp;", "&"))
    seen = [*re.findall(r'id="entry-(\d+)"', first), *re.findall(r'id="entry-(\d+)"', second)]
    assert len(seen) == len(set(seen)) >= 55
    table = owner.get("/settings/audit/csv?kind=client")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert list(dict.fromkeys(line.split(",")[0] for line in table.text.splitlines()[1:])) == seen
    assert pages["manager"].get("/settings/audit/csv").status_code == 403


def test_an_app_is_registered_with_its_secret_shown_once_and_ended(pages: Pages) -> None:
    owner = pages["owner"]
    refused = owner.post("/settings/apps", {"name": "Ledger", "redirect_uris": "http://ledger.example/back"})
    assert (refused.status_code, "must be an https address" in refused.text) == (422, True)
    made = owner.post(
        "/settings/apps",
        {
            "name": "Ledger",
            "redirect_uris": "https://ledger.example/a\r\n\r\nhttp://127.0.0.1/b",
            "confidential": "yes",
        },
    )
    secret = re.search(r'id="fresh-secret" class="secret">(\w+)<', made.text)
    assert secret
    assert secret[1] not in owner.see("/settings/apps")
    with pages.studio.context() as ctx:
        (app,) = (one for one in oauth.apps(ctx) if one.name == "Ledger")
        assert app.redirect_uris == ["https://ledger.example/a", "http://127.0.0.1/b"]
        assert app.secret_digest is not None
    owner.do(f"/settings/apps/{app.id}/end")
    assert app.id not in owner.see("/settings/apps")


def test_what_was_granted_is_taken_back_by_whoever_granted_it(pages: Pages) -> None:
    with pages.studio.context("member") as ctx:
        with pages.studio.context() as owners:
            app = oauth.create_app(owners, name="Ledger", redirect_uris=["https://ledger.example/"])
        granted = oauth.grant(ctx, app, ["entries:read"])
    member = pages["member"]
    assert "Ledger" not in pages["owner"].see("/account")
    assert "entries:read" in member.see("/account")
    assert pages["manager"].post(f"/account/grants/{granted.id}/end").status_code == 404
    member.do(f"/account/grants/{granted.id}/end")
    assert "entries:read" not in member.see("/account")


def test_a_grow_crm_key_is_shown_once_works_and_is_revoked(pages: Pages) -> None:
    owner = pages["owner"]
    made = owner.post("/settings/api/keys", {"key_name": "Bridge"})
    key = re.search(r'id="fresh-key" class="secret">(hgk_\w+)<', made.text)
    assert key
    page = owner.see("/settings/api")
    assert key[1] not in page
    found = re.search(r"/settings/api/keys/([\w-]+)/revoke", page)
    assert found
    headers = {"Authorization": f"Bearer {key[1]}"}
    assert pages.app.simulate_get("/api/projects", headers=headers).status_code == 200
    owner.do(f"/settings/api/keys/{found[1]}/revoke")
    assert pages.app.simulate_get("/api/projects", headers=headers).status_code == 401
    assert "Grow CRM" not in pages["admin"].see("/settings/api")
