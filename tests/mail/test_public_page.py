"""`/i/{token}`: what a stranger with the link sees, what nobody else does, and what a look leaves behind."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Generator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from falcon import testing
from markupsafe import escape

from tallystick.db.session import Connection, owner_connection
from tallystick.documents import words
from tallystick.domain import clients, expenses, payments, receipts, sending, time_entries
from tallystick.domain.context import Transactions
from tallystick.domain.credit_notes.credit import CreditLine, credit
from tallystick.domain.invoices import balance, draft, invoice, lifecycle, links
from tallystick.values.look import LANGUAGES
from tallystick.web.invoice_words import WORDS
from tests.mail.conftest import Office
from tests.mail.test_sending import drafted
from tests.studio import KEY, Api, app_client

OURS = {"Sec-Fetch-Site": "same-origin", "User-Agent": "Firefox"}


@pytest.fixture
def client(office: Office, tmp_path: Path) -> testing.TestClient:
    return app_client(office.studio.database, office.studio.clock, tmp_path)


def issued(office: Office) -> tuple[str, str]:
    """An invoice, and the path of its page."""
    invoice_id = drafted(office)
    with office.context() as ctx:
        sending.send(ctx, invoice_id)
    return invoice_id, path_of(office, invoice_id)


def path_of(office: Office, invoice_id: str) -> str:
    with office.context() as ctx:
        link = links.of_invoice(ctx, invoice_id)
        assert link is not None
        return str(links.url_of(ctx, link)).removeprefix("http://127.0.0.1:8000")


def test_whoever_has_the_link_sees_the_invoice(office: Office, client: testing.TestClient) -> None:
    _, path = issued(office)
    page = client.simulate_get(path)
    assert page.status_code == 200
    for text in ("INV-0001", "Studio North", "Globex", "Concept", "€1,234.50", "29 June 2026"):
        assert text in page.text, text
    pdf, xml = client.simulate_get(f"{path}/pdf"), client.simulate_get(f"{path}/xml")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert 'filename="INV-0001.pdf"' in pdf.headers["content-disposition"]
    assert b"INV-0001" in xml.content


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_clients_language_as_the_paper_does(
    office: Office, client: testing.TestClient, language: str
) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], language=language)
    invoice_id, path = issued(office)
    page = client.simulate_get(path).text
    paper = words.ALL[language]
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
    for text in (paper.invoice, paper.due, paper.bill_to, WORDS[language].pdf, WORDS[language].open):
        assert str(escape(text)) in page, text
    with office.context() as ctx:
        credit(ctx, invoice_id, reason="Wrong", lines=[CreditLine(invoice.lines_of(ctx, invoice_id)[0].id, Decimal(1))])
        payments.record(ctx, invoice_id, amount=Decimal("1233.50"), paid_on=office.studio.clock.now.date())
    page = client.simulate_get(path).text
    for text in (paper.paid, WORDS[language].credited, WORDS[language].settled):
        assert str(escape(text)) in page, text
    gone = client.simulate_get(f"/i/{'x' * 43}", headers={"Accept-Language": f"{language}-XX,en;q=0.5"})
    assert str(escape(WORDS[language].gone_why)) in gone.text


def test_what_is_written_off_is_owed_all_the_same(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    with office.context() as ctx:
        balance.write_off(ctx, invoice_id, reason="Insolvent")
    page = client.simulate_get(path).text
    assert 'class="state open"' in page
    assert '<p class="amount">€1,234.50</p>' in page


@pytest.mark.parametrize("below", ["", "/pdf", "/xml"])
def test_nobody_indexes_keeps_or_frames_it_and_no_address_leaks(
    office: Office, client: testing.TestClient, below: str
) -> None:
    _, path = issued(office)
    for address in (path + below, f"/i/{'x' * 43}{below}"):
        headers = client.simulate_get(address).headers
        assert "noindex" in headers["x-robots-tag"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("token", ["x" * 43, "x", "x" * 44, "..%2f..%2fetc", "%00" * 43, "ü" * 43])
def test_what_is_no_link_is_not_found(client: testing.TestClient, token: str) -> None:
    for below in ("", "/pdf", "/xml"):
        page = client.simulate_get(f"/i/{token}{below}")
        assert page.status_code == 404


def test_a_draft_has_no_page_and_a_cancelled_one_has_none_any_more(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    with office.context() as ctx:
        lifecycle.cancel(ctx, invoice_id)
    assert {client.simulate_get(path + below).status_code for below in ("", "/pdf", "/xml")} == {404}
    with office.context() as ctx:
        lifecycle.restore(ctx, invoice_id)
        assert links.of_invoice(ctx, invoice_id) is None
    assert client.simulate_get(path).status_code == 404
    with office.context() as ctx:
        lifecycle.mark_sent(ctx, invoice_id)
    assert client.simulate_get(path).status_code == 404  # it stays dead
    assert client.simulate_get(path_of(office, invoice_id)).status_code == 200


def test_another_link_ends_the_one_until_now(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    look(client, path)
    owner = Api(client, office.studio.owner.token)
    told = owner.post(f"/invoices/{invoice_id}/link/regenerate", status=200)
    assert client.simulate_get(path).status_code == 404
    assert client.simulate_get(told["url"].removeprefix("http://127.0.0.1:8000")).status_code == 200
    assert told["viewCount"] == 1
    manager = Api(client, office.studio.people["manager"].token)
    assert manager("POST", f"/invoices/{invoice_id}/link/regenerate", {}).status_code == 403


def look(client: testing.TestClient, path: str, **headers: str) -> int:
    return client.simulate_post(f"{path}/seen", headers={**OURS, **headers}).status_code


def views(office: Office, invoice_id: str) -> int:
    with office.context() as ctx:
        link = links.of_invoice(ctx, invoice_id)
        assert link is not None
        return link.view_count


def test_a_visitor_counts_once_an_hour(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    for _ in range(3):
        assert look(client, path) == 204
    assert views(office, invoice_id) == 1
    office.studio.clock.now += timedelta(minutes=59)
    look(client, path)
    assert views(office, invoice_id) == 1
    office.studio.clock.now += timedelta(minutes=1)
    look(client, path)
    look(client, path, **{"User-Agent": "Telephone"})
    assert views(office, invoice_id) == 3
    told = Api(client, office.studio.owner.token).get(f"/invoices/{invoice_id}/link")
    assert (told["viewCount"], told["lastViewedAt"]) == (3, "2026-06-15T10:30:00Z")


def test_looks_at_one_moment_are_counted_right(office: Office, client: testing.TestClient) -> None:
    import threading

    invoice_id, path = issued(office)
    together = threading.Barrier(8)

    def visit(number: int) -> None:
        together.wait()
        look(client, path, **{"User-Agent": f"Browser {number % 4}"})

    visiting = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    for one in visiting:
        one.start()
    for one in visiting:
        one.join()
    assert views(office, invoice_id) == 4


def test_no_address_of_a_visitor_is_kept(office: Office, client: testing.TestClient, database_url: str) -> None:
    _, path = issued(office)
    look(client, path)
    with owner_connection(database_url) as connection:
        rows = connection.execute(b"SELECT to_jsonb(v)::text FROM invoice_views v").fetchall()
    assert rows
    assert "127.0.0.1" not in str(rows)
    assert links.visitor_of(KEY, "1.2.3.4", "x", office.studio.clock.now) != links.visitor_of(
        KEY, "1.2.3.4", "x", office.studio.clock.now + timedelta(days=1)
    )


def test_neither_we_nor_other_sites_count(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    assert look(client, path, **{"Sec-Fetch-Site": "cross-site"}) == 204
    assert look(client, f"/i/{'x' * 43}") == 204
    assert views(office, invoice_id) == 0


class Looking:
    """Transactions that may not write."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    @contextlib.contextmanager
    def transaction(self, **how: Any) -> Generator[Connection]:
        with self._database.transaction(**how) as connection:
            connection.execute(b"SET TRANSACTION READ ONLY")
            yield connection

    def ping(self) -> bool:
        return True


def test_a_get_writes_nothing(office: Office, tmp_path: Path) -> None:
    _, path = issued(office)
    client = app_client(Looking(office.studio.database), office.studio.clock, tmp_path)  # type: ignore[arg-type]
    for below in ("", "/pdf", "/xml"):
        assert client.simulate_get(path + below).status_code == 200
        assert client.simulate_head(path + below).status_code == 200


def test_the_token_is_kept_as_a_digest_and_locked_up(office: Office, database_url: str) -> None:
    _, path = issued(office)
    token = path.removeprefix("/i/")
    assert len(token) == 43
    with owner_connection(database_url) as connection:
        for table in ("invoice_links", "mails", "events"):
            rows = connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t".encode()).fetchall()
            assert rows
            assert token not in str(rows)
            assert token.encode().hex() not in str(rows)


def test_markup_in_what_people_wrote_stays_text(office: Office, client: testing.TestClient) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], name="<script>alert(1)</script>")
    _, path = issued(office)
    page = client.simulate_get(path).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_what_was_paid_is_said(office: Office, client: testing.TestClient) -> None:
    invoice_id, path = issued(office)
    with office.context() as ctx:
        payments.record(ctx, invoice_id, amount=Decimal("234.50"), paid_on=office.studio.clock.now.date())
    assert "€1,000.00" in client.simulate_get(path).text
    with office.context() as ctx:
        payments.record(ctx, invoice_id, amount=Decimal(1000), paid_on=office.studio.clock.now.date())
    page = client.simulate_get(path).text
    assert 'class="state settled"' in page


def test_it_offers_what_goes_with_the_invoice_and_all_as_one_zip(office: Office, client: testing.TestClient) -> None:
    with office.context() as ctx:
        time_entries.log(
            ctx, project_id=office.studio.ids["project"], entry_date=date(2026, 6, 1), duration_seconds=3600
        )
        spent = expenses.record(
            ctx, client_id=office.studio.ids["client"], description="Train", amount=Decimal(20), billable=True,
            expense_date=date(2026, 6, 1),
        )  # fmt: skip
        receipts.add(ctx, spent.id, content=b"%PDF-1.4\n%%EOF\n", media="application/pdf", name="Tür.pdf")
        made = draft.draft(ctx, client_id=office.studio.ids["client"], include_expenses=True, attach_timesheet=True,
                           attach_receipts=True)  # fmt: skip
        lifecycle.mark_sent(ctx, made.invoice.id)
    path = path_of(office, made.invoice.id)
    page = client.simulate_get(path).text
    for name in ("INV-0001-timesheet.pdf", "INV-0001-timesheet.csv", "01-Tür.pdf"):
        assert name in page
    files = [client.simulate_get(f"{path}/files/{number}") for number in (1, 2, 3)]
    assert [one.headers["content-type"].partition(";")[0] for one in files] == [
        "application/pdf", "text/csv", "application/pdf",
    ]  # fmt: skip
    assert "filename*=UTF-8''01-T%C3%BCr.pdf" in files[2].headers["content-disposition"]
    assert all("sandbox" in one.headers["content-security-policy"] for one in files)
    inside = zipfile.ZipFile(io.BytesIO(client.simulate_get(f"{path}/documents.zip").content)).namelist()
    assert inside == ["INV-0001.pdf", "INV-0001-timesheet.pdf", "INV-0001-timesheet.csv", "receipts/01-Tür.pdf"]
    for below in ("files/0", "files/4", "files/x", "files/٣", "nothing", "documents.tar"):
        assert client.simulate_get(f"{path}/{below}").status_code == 404, below
