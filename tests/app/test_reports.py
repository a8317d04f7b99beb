"""The pages of reports: what they show, what their files hold, who sees which part of it, and saved views."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from pypdf import PdfReader

from tallystick.domain import projects, time_entries, workspaces
from tallystick.domain.reports import utilisation, views
from tests.app.conftest import Pages

BOTH = "from=2026-05-01&to=2026-06-30"


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def texts_of(page: str, table: str) -> str:
    found = re.search(rf'<table data-report="{table}">(.*?)</table>', page, re.DOTALL)
    assert found, table
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[1])))


def test_the_address_holds_the_filters_and_the_file_has_what_they_show(pages: Pages) -> None:
    owner, ids = pages["owner"], pages.ids
    shown = texts_of(owner.see(f"/reports?{BOTH}&group=client"), "groups")
    assert "Globex" in shown
    assert "Initech" in shown
    one = f"{BOTH}&clientId={ids['client']}&billable=yes"
    page = owner.see(f"/reports?{one}")
    assert "Initech" not in texts_of(page, "entries")
    assert f"/reports/time/export?format=csv&amp;from=2026-05-01&amp;to=2026-06-30&amp;clientId={ids['client']}" in page
    found = rows_of(owner.get(f"/reports/time/export?format=csv&{one}"))
    assert [(row["Client"], row["Note"], row["Duration"], row["Amount"]) for row in found] == [
        ("Globex", "Sketches", "1:30:00", "135.00"),
        ("Globex", "Before", "2:00:00", "180.00"),
    ]
    assert [row["Duration (decimal)"] for row in found] == ["1.5", "2"]
    assert rows_of(owner.get(f"/reports/time/export?{one}&sort=date"))[0]["Note"] == "Before"


def test_without_days_it_is_the_last_thirty(pages: Pages) -> None:
    notes = [row["Note"] for row in rows_of(pages["owner"].get("/api/reports/time.csv"))]
    assert sorted(notes) == ["Hidden work", "Sketches"], "today is 15 June, and the entry of 4 May is older"


def test_the_csv_at_hoursmiths_address_is_for_cookies_and_tokens(pages: Pages) -> None:
    studio = pages.studio
    by_cookie = pages["owner"].get(f"/api/reports/time.csv?{BOTH}")
    assert by_cookie.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in by_cookie.headers["Content-Disposition"]
    token = {"Authorization": f"Bearer {studio.owner.token}"}
    by_token = pages.app.simulate_get("/api/reports/time.csv", query_string=BOTH, headers=token)
    assert by_token.status_code == 200
    assert by_token.content == by_cookie.content
    wrong = pages.app.simulate_get("/api/reports/time.csv", headers={"Authorization": "Bearer hsk_live_x"})
    assert (wrong.status_code, wrong.json["error"]["code"]) == (401, "unauthenticated")
    assert pages.app.simulate_get("/api/reports/time.csv").status_code == 303
    member = {"Authorization": f"Bearer {studio.people['member'].token}"}
    (row,) = rows_of(pages.app.simulate_get("/api/reports/time.csv", query_string=BOTH, headers=member))
    assert row.keys().isdisjoint({"Client", "Rate", "Amount", "Currency", "Invoice"})
    assert row["Note"] == "Sketches"


def test_members_see_no_money_and_only_themselves_in_every_report_and_file(pages: Pages) -> None:
    member, ids = pages["member"], pages.ids
    for path in ("/reports", "/reports/projects", "/reports/utilisation"):
        for group in ("none", "project", "day") if path == "/reports" else ("",):
            text = re.sub(r"<template.*?</template>", "", member.see(f"{path}?{BOTH if path == '/reports' else ''}"
                          + (f"&group={group}" if group else "")), flags=re.DOTALL)  # fmt: skip
            for secret in ("90.00", "135.00", "€", "Globex", "Hidden", "Rollout", "Owner"):
                assert secret not in text, (path, secret)
    for path in ("/reports/time/export", "/reports/projects/export", "/reports/utilisation/export"):
        for form in ("csv", "xlsx", "pdf"):
            result = member.get(f"{path}?format={form}")
            assert result.status_code == 200
            if form == "csv":
                assert "Globex" not in result.text
                assert "135.00" not in result.text
    for path in ("/reports/revenue", "/reports/uninvoiced", "/reports/revenue/export", "/reports/uninvoiced/export"):
        assert member.get(path).status_code == 403
    for query in ("group=client", "sort=amount", "sort=-client", f"clientId={ids['client']}"):
        assert "left out" in member.see(f"/reports?{query}"), query
        assert member.get(f"/reports/time/export?{query}").status_code == 422, query
    everybody = rows_of(member.get(f"/reports/time/export?{BOTH}&userId={pages.studio.owner.user_id}"))
    assert [row["Note"] for row in everybody] == ["Sketches"]


def test_a_workbook_and_a_pdf_have_the_same_sums(pages: Pages) -> None:
    owner = pages["owner"]
    book = owner.get(f"/reports/time/export?format=xlsx&{BOTH}&group=client")
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheets = [parts.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2)]
        names = parts.read("xl/workbook.xml").decode()
        words = parts.read("xl/sharedStrings.xml").decode()
    assert 'name="Summary"' in names
    assert 'name="Entries"' in names
    assert "Globex" in words
    assert all("<f>" not in sheet for sheet in sheets)
    assert re.search(r"<v>315(\.0+)?</v>", sheets[0]), "the amounts of Globex"
    paper = owner.get(f"/reports/time/export?format=pdf&{BOTH}&group=client")
    assert paper.headers["Content-Type"] == "application/pdf"
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.content)).pages)
    assert "315.00" in text
    assert "3:30" in text
    for path in ("revenue", "projects", "uninvoiced", "utilisation"):
        for form in ("csv", "xlsx", "pdf"):
            made = owner.get(f"/reports/{path}/export?format={form}")
            assert made.status_code == 200, (path, form, made.text[:200])
            assert made.content.startswith({"csv": b"\xef\xbb\xbf", "xlsx": b"PK", "pdf": b"%PDF"}[form])


@pytest.mark.parametrize("nasty", ["=1+1", "+1", "-1+2", "@SUM(1)", "\t=1", "＝1", "\n=1"])
def test_no_text_becomes_a_formula(pages: Pages, nasty: str) -> None:
    with pages.studio.context() as ctx:
        time_entries.log(
            ctx, project_id=pages.ids["project"], entry_date=date(2026, 6, 10), duration_seconds=60, note=nasty
        )
    owner = pages["owner"]
    (row,) = [row for row in rows_of(owner.get("/reports/time/export")) if row["Duration"] == "0:01:00"]
    assert row["Note"].startswith("'")
    book = owner.get("/reports/time/export?format=xlsx")
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        assert "<f>" not in "".join(
            parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets")
        )
    assert owner.get("/reports/time/export?format=pdf").status_code == 200


def test_a_view_is_saved_shared_and_deleted_by_its_owner(pages: Pages) -> None:
    owner, manager, member = pages["owner"], pages["manager"], pages["member"]
    goal = owner.do(
        "/reports/views", {"name": "By client", "report": "time", "query": "group=client&sort=date", "shared": "yes"}
    )
    assert goal == "/reports?group=client&sort=date"
    assert "By client" in manager.see("/reports")
    owner.do("/reports/views", {"name": "Mine", "report": "time", "query": "group=day"})
    assert ">Mine" not in manager.see("/reports")
    shared = re.search(r"/reports/views/([0-9a-f-]{36})/delete", owner.see("/reports"))
    assert shared
    assert manager.post(f"/reports/views/{shared[1]}/delete").status_code in {403, 404}
    owner.do(f"/reports/views/{shared[1]}/delete")
    member.do("/reports/views", {"name": "My days", "report": "time", "query": "group=day"})
    assert member.post("/reports/views", {"name": "x", "report": "revenue"}).status_code == 403
    again = owner.post("/reports/views", {"name": "Odd", "report": "time", "query": "nope=1"})
    assert again.status_code in {303, 422}
    assert "Odd" not in owner.see("/reports")


def test_wrong_filters_are_named_and_nothing_is_shown(pages: Pages) -> None:
    owner = pages["owner"]
    for query in ("from=yesterday", "clientId=nope", "group=weather", "sort=mood", "billable=perhaps",
                  "from=2010-01-01&to=2026-01-01"):  # fmt: skip
        assert owner.get(f"/reports?{query}").status_code == 422, query
    assert owner.get("/reports/time/export?format=doc").status_code == 422


def test_a_plan_without_reports_says_so(pages: Pages) -> None:
    with pages.studio.context() as ctx:
        ctx.change(workspaces.current(ctx), plan="free")
    owner = pages["owner"]
    for path in ("/reports", "/reports/revenue", "/reports/projects", "/reports/uninvoiced", "/reports/utilisation"):
        result = owner.get(path)
        assert (result.status_code, "plan does not include" in result.text) == (402, True), path
    with pages.studio.context() as ctx:
        ctx.change(workspaces.current(ctx), plan="studio")
    assert owner.get("/reports").status_code == 200
    assert owner.get("/reports/utilisation").status_code == 402


def test_home_tells_what_needs_a_look_by_role(pages: Pages) -> None:
    with pages.studio.context() as ctx:
        projects.change(ctx, pages.ids["project"], budget_hours=Decimal(4))
    assert "Near their budget" in pages["manager"].see("/")
    assert "88 %" in pages["owner"].see("/")
    for who in ("owner", "member"):
        assert "running for long" not in pages[who].see("/")
        with pages.studio.context(who) as ctx:
            time_entries.start(ctx, project_id=pages.ids["project"])
    pages.studio.clock.now += timedelta(hours=9)
    for who in ("owner", "member"):
        assert "running for long" in pages[who].see("/")
    seen = pages["member"].see("/")
    assert "Near their budget" not in seen
    assert "The team" not in seen


def test_a_project_shows_its_budget_over_time_and_how_it_pays(pages: Pages) -> None:
    with pages.studio.context() as ctx:
        projects.change(ctx, pages.ids["project"], budget_amount=Decimal(1000))
    page = pages["owner"].see(f"/projects/{pages.ids['project']}")
    assert "Worth in total: €315.00, Budget: €1,000.00" in page
    assert 'class="line limit"' in page
    assert "How it pays" in page
    seen = pages["member"].see(f"/projects/{pages.ids['project']}")
    assert "Hours in total: 1:30" in seen
    for secret in ("€", "Budget", "How it pays", "line limit"):
        assert secret not in re.sub(r"<template.*?</template>", "", seen, flags=re.DOTALL)


def test_a_shared_view_with_a_filter_that_members_may_not_use_shows_them_their_own(pages: Pages) -> None:
    client = pages.ids["client"]
    shared = {
        "time": ("/reports", f"clientId={client}&group=client&sort=-amount"),
        "projects": ("/reports/projects", f"clientId={client}"),
    }
    for report, (path, query) in shared.items():
        with pages.studio.context() as ctx:
            views.save(ctx, name="Of Globex", report=report, query=query, shared=True)
        page = pages["member"].see(f"{path}?{query}")
        assert "left out" in page
        assert f'name="query" value="clientId={client}' not in page
        assert "left out" not in pages["owner"].see(f"{path}?{query}")


def test_long_reports_show_a_hundred_at_a_time_and_sums_of_everything(pages: Pages) -> None:
    ids, owner = pages.ids, pages["owner"]
    with pages.studio.context() as ctx:
        for number in range(130):
            day = date(2026, 3, 1 + number % 30)
            time_entries.log(ctx, project_id=ids["project"], entry_date=day, duration_seconds=3600)
    span = "from=2026-03-01&to=2026-03-31"

    def rows(page: str) -> int:
        return len(re.findall(r'<tr><td class="nowrap soft">', page))

    page = owner.see(f"/reports?{span}")
    assert rows(page) == 100
    assert "130:00" in page
    more = re.search(r'href="([^"]*rows=200[^"]*)"', page)
    assert more
    assert rows(owner.see(unescape(more[1]).partition("#")[0])) == 130
    grouped = owner.see(f"/reports?{span}&group=project")
    assert rows(grouped) == 20
    alone = re.search(r'href="([^"]*)">All entries of Website', grouped)
    assert alone
    assert "130:00" in owner.see(unescape(alone[1]))
    assert owner.see(f"/reports?{span}&group=day").count('<details class="report-group"') == 24
    assert owner.get(f"/reports?{span}&rows=0").status_code == 422
    assert owner.get(f"/reports?{span}&rows=999999").status_code == 422


def test_utilisation_compares_hours_with_the_capacity_of_workspace_and_member(pages: Pages) -> None:
    owner = pages["owner"]
    member = pages.studio.people["member"]
    owner.do(f"/settings/members/{member.member_id}/capacity", {"weekly_capacity_hours": "20"})
    with pages.studio.context() as ctx:
        for day in (2, 3):
            time_entries.log(
                ctx, project_id=pages.ids["project"], entry_date=date(2026, 3, day), duration_seconds=4 * 3600,
                user_id=member.user_id,
            )  # fmt: skip
        found = utilisation.report(ctx, date_from=date(2026, 3, 2), date_to=date(2026, 3, 8))
        half = utilisation.report(ctx, date_from=date(2026, 3, 2), date_to=date(2026, 3, 3))
    people = {one.user_id: one for one in found.people}
    assert (people[member.user_id].capacity, people[member.user_id].used) == (20 * 3600, Decimal("40.0"))
    assert people[pages.studio.owner.user_id].capacity == 40 * 3600
    assert people[pages.studio.owner.user_id].used == 0
    assert found.total.capacity == (4 * 40 + 20) * 3600
    assert {one.user_id: one.capacity for one in half.people}[member.user_id] == 8 * 3600
    page = owner.see("/reports/utilisation?from=2026-03-02&to=2026-03-08")
    assert "20:00" in page
    assert (
        owner.post(f"/settings/members/{member.member_id}/capacity", {"weekly_capacity_hours": "169"}).status_code
        == 422
    )
