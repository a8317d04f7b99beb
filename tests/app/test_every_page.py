"""Each page of the table, as each role: there, or refused; and what every answer carries."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tallystick.domain.access import GRANTS
from tallystick.web.app.front import POLICY
from tallystick.web.app.table import PAGES
from tallystick.web.app.visit import Page
from tests.app.conftest import ROLES, Pages

SHOWN = [page for page in PAGES if page.get is not None]
POSTED = [page for page in PAGES if page.post is not None]
MONEY = re.compile(r"[€$£¥]|EUR|USD|Hourly rate|Unbilled|Not billed yet|To be paid|Budget")


def name(page: Page) -> str:
    return page.path


class Inside(HTMLParser):
    """What a page has that its policy would not allow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.wrong += [f"<{tag} {key}>" for key in given if key == "style" or key.startswith("on")]
        if tag == "style" or (tag == "script" and not (given.get("src") or "").startswith("/static/")):
            self.wrong.append(f"<{tag}>")
        for key in ("src", "href", "action", "formaction"):
            value = given.get(key) or ""
            if tag == "img" and value.startswith("data:image/png;base64,"):
                continue  # a page of a document: what a picture cannot do, and the policy allows
            if value.startswith(("http:", "https:", "//", "javascript:", "data:")) and tag != "a":
                self.wrong.append(f"<{tag} {key}={value}>")


@pytest.mark.parametrize("who", ROLES)
def test_every_page_is_there_for_who_may_and_refused_to_others(shared: Pages, who: str) -> None:
    role = shared.studio.people[who].role
    for page in SHOWN:
        may = page.permission in GRANTS[role]
        path = shared.path(page.path)
        result = shared[who].get(path)
        assert result.status_code == (200 if may else 403), (who, path, result.status_code, result.content[-500:])
        assert result.headers["Content-Security-Policy"] == POLICY, path
        assert result.headers["Cache-Control"] == "no-store", path
        assert result.headers["X-Content-Type-Options"] == "nosniff", path
        if page.file:
            continue
        assert Inside(result.text).wrong == [], path
        if role == "MEMBER":
            text = re.sub(r"<template.*?</template>|<[^>]*>", " ", result.text, flags=re.DOTALL)
            assert not MONEY.search(text), (path, MONEY.search(text))


@pytest.mark.parametrize("page", POSTED, ids=name)
def test_no_form_does_anything_for_a_role_that_may_not(shared: Pages, page: Page) -> None:
    needs = page.change or page.permission
    for who in ROLES:
        if needs in GRANTS[shared.studio.people[who].role]:
            continue
        result = shared[who].post(shared.path(page.path), {"name": "x", "status": "DONE"})
        assert result.status_code == 403, (who, page.path)


@pytest.mark.parametrize("page", POSTED, ids=name)
def test_no_form_does_anything_that_another_site_sent(shared: Pages, page: Page) -> None:
    path = shared.path(page.path)
    owner = shared["owner"]
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
        assert owner.post(path, **headers).status_code == 403
    assert owner.post(path, {"csrf_token": "0" * 64}).status_code == 403
    assert owner.post(path, {"csrf_token": ""}).status_code == 403
    assert owner.post(path, Content_Type="text/plain").status_code == 415
    assert owner.post(path, Content_Type="application/json").status_code == 415


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_strangers_are_sent_to_sign_in(shared: Pages, page: Page) -> None:
    path = shared.path(page.path)
    if page.get is not None:
        result = shared.app.simulate_get(path)
        assert result.status_code == 303
        assert result.headers["Location"].startswith("/sign-in")
    if page.post is not None:
        result = shared.app.simulate_post(
            path, headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        )
        assert (result.status_code, result.headers["Location"]) == (303, "/sign-in")


def test_no_form_gives_a_server_error(pages: Pages) -> None:
    """Odd values in every field: a form is refused or done, and says so."""
    for page in POSTED:
        path = pages.path(page.path)
        for value in ODD:
            result = pages["owner"].post(path, dict.fromkeys(FIELDS, value))
            assert result.status_code < 500, (path, value[:20], result.content[-800:])
        doubled = pages["owner"].post(path, {key: ["a", "b"] for key in FIELDS})
        assert doubled.status_code < 500, doubled.text[-800:]


def test_no_address_gives_a_server_error(shared: Pages) -> None:
    owner = shared["owner"]
    for page in SHOWN:
        path = shared.path(page.path)
        for value in ("", "%00", "9999-12-31", "%F0%9F%92%A3", "a&from=b", NOBODY):
            result = owner.get(f"{path}?{'&'.join(f'{field}={value}' for field in QUERIES)}")
            assert result.status_code < 500, (path, value, result.content[-800:])
        for broken in ("nope", NOBODY) if "{id}" in page.path else ():
            assert owner.get(re.sub(r"\{\w+\}", broken, page.path)).status_code == 404, page.path


NOBODY = "00000000-0000-0000-0000-000000000000"
ODD = ("", "\0", "x" * 900, "💣", "1e999", "9999-12-31", NOBODY)
FIELDS = (
    "amount", "paid_on", "note", "fee", "credit", "reason", "what", "to", "cc", "subject", "message", "attach",
    "test", "client_id", "from", "grouping", "projects", "which", "discount", "tax", "tax_rate", "prices",
    "issue_date", "due_date", "line_description", "line_quantity", "line_unit", "line_rate", "line_heading",
    "line_discount", "line_tax", "line_project", "preview", "method", "on", "refunded_on", "rule", "own_rule",
    "start_date", "count", "until", "mode", "month_end", "every", "month_day", "weekday", "hours", "effective_from",
    "effective_to", "apply", "re_rate", "prefix", "digits", "next", "percent", "category", "name", "brand_color",
    "invoice_layout", "locale", "invoice_footer", "smtp_host", "smtp_port", "reminder_days", "body", "iban", "bic",
    "secret_key", "fee_percent", "default_currency", "country_code", "endpoint", "einvoice_profile",
    "rounding_minutes", "default_tax_category", "language", "key", "kind", "made_at", "sent_at", "ahead", "choices",
    "timer", "expects", "started_at", "stopped_at", "duration", "place", "owner", "work", "pinned", "order", "up",
    "in_app", "by_mail", "open",
)  # fmt: skip
QUERIES = (
    "q", "from", "to", "week", "person", "client", "project", "status", "add", "client_id", "view",
    "category", "billed", "unread", "before", "place", "date", "project_id", "rows", "task", "format", "save",
)  # fmt: skip
