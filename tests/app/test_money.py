"""Money in the app: from unbilled work to a paid invoice, a credit note, and what recurs; by forms, and in Chromium."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tallystick.domain import client_credit, files, payments, workspaces
from tallystick.domain.credit_notes.credit_note import CREDIT_NOTES
from tallystick.domain.desk import money
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.mails.mail import MAILS
from tallystick.domain.recurring import recurring
from tests.app.conftest import PNG, Pages
from tests.app.test_browser import CHROMIUM, DESK, PHONE, Watched, browser, come_in
from tests.live import live_server
from tests.studio import MAIL

in_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


def test_the_preview_is_the_paper_and_makes_nothing(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    with studio.context() as ctx:
        before = len(money.invoices(ctx))
    shown = owner.post(
        "/invoices/new",
        {"client_id": pages.ids["client"], "which": "some", "line_description": "Logo", "line_rate": "300",
         "line_quantity": "1", "line_unit": "", "line_heading": "Design", "line_discount": "10 %",
         "line_tax": "REVERSE_CHARGE", "line_project": "", "preview": "yes"},
    )  # fmt: skip
    assert shown.status_code == 200
    assert 'src="data:image/png;base64,' in shown.text
    assert "€270.00" in shown.text
    with studio.context() as ctx:
        assert len(money.invoices(ctx)) == before


def test_a_line_of_ones_own_keeps_what_it_says(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    line = {
        "line_description": "Logo", "line_quantity": "2", "line_unit": "each", "line_rate": "150",
        "line_heading": "Design", "line_discount": "10 %", "line_tax": "EXEMPT", "line_project": pages.ids["project"],
    }  # fmt: skip
    to = owner.do("/invoices/new", {"client_id": pages.ids["client"], "which": "some", "chosen": "yes", **line})
    with studio.context() as ctx:
        (kept,) = invoices.lines_of(ctx, to.rpartition("/")[2])
    assert (kept.heading, kept.discount_percent, kept.tax_category, kept.total) == ("Design", 10, "EXEMPT", 270)
    assert kept.project_id == pages.ids["project"]
    edited = owner.do(f"{to}/edit", {**line, "line_rate": "100", "prices": "net"})
    assert edited == to
    with studio.context() as ctx:
        (kept,) = invoices.lines_of(ctx, to.rpartition("/")[2])
    assert (kept.total, kept.tax_category) == (180, "EXEMPT")


def test_files_of_an_invoice_and_a_credit_note(pages: Pages) -> None:
    owner, sent, note = pages["owner"], pages.ids["sent"], pages.ids["note"]
    kinds = {
        f"/invoices/{sent}/pdf": b"%PDF", f"/invoices/{sent}/picture": b"\x89PNG", f"/invoices/{sent}/xml": b"<?xml",
        f"/invoices/{sent}/xml?format=ubl": b"<?xml", f"/invoices/{sent}/documents.zip": b"PK",
        f"/invoices/{sent}/timesheet": b"%PDF", f"/credit-notes/{note}/pdf": b"%PDF",
        f"/credit-notes/{note}/xml": b"<?xml",
    }  # fmt: skip
    for path, begin in kinds.items():
        result = owner.get(path)
        assert result.content.startswith(begin), path
        assert "filename=" in result.headers["Content-Disposition"], path
        assert pages["member"].get(path).status_code == 403, path


def test_more_than_the_balance_becomes_credit_only_on_request(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    path = f"/invoices/{pages.ids['sent']}/payments/new"
    refused = owner.post(path, {"amount": "1000", "paid_on": "2026-06-15"})
    assert refused.status_code == 422
    owner.do(path, {"amount": "1000", "paid_on": "2026-06-15", "credit": "yes"})
    with studio.context() as ctx:
        (held,) = client_credit.of_client(ctx, pages.ids["client"]).balances
        assert held.amount == Decimal(1000) - Decimal(140)  # 180, of which 40 were paid before
        assert invoices.read(ctx, pages.ids["sent"]).status == "PAID"


def test_only_those_who_may_record_money_find_the_way(pages: Pages) -> None:
    sent = f"/invoices/{pages.ids['sent']}"
    assert "Record a payment" in pages["admin"].see(sent)
    assert "Record a payment" not in pages["manager"].see(sent)
    for path in (f"{sent}/payments/new", f"{sent}/write-off", f"{sent}/payments/{pages.ids['payment']}/refund"):
        assert pages["admin"].get(path).status_code == 200
        assert pages["manager"].get(path).status_code == 403
    for path in ("/settings/mail", "/settings/payments", "/settings/look"):
        assert pages["manager"].get(path).status_code == 403
        assert path not in pages["manager"].see("/settings/invoices")


def test_amounts_beside_lines_are_credited(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    with studio.context() as ctx:
        (line,) = invoices.lines_of(ctx, pages.ids["sent"])
    path = f"/invoices/{pages.ids['sent']}/credit"
    assert owner.post(path, {"reason": "Late", "what": "lines"}).status_code == 422
    assert owner.post(path, {"reason": "Late", "what": "lines", f"amount-{line.id}": "9999"}).status_code == 422
    to = owner.do(path, {"reason": "Late", "what": "lines", f"amount-{line.id}": "30"})
    assert "Late" in owner.see(to)
    with studio.context() as ctx:
        assert invoices.read(ctx, pages.ids["sent"]).amount_credited == 30


def test_numbers_show_what_comes_next_before_they_are_changed(pages: Pages) -> None:
    owner = pages["owner"]
    facts = {"prefix": "R{{yyyy}}-", "digits": "3", "next": "40"}
    tried = owner.post("/settings/numbers/invoices", {**facts, "preview": "yes"})
    assert "R2026-040" in tried.text
    assert "R2026-040" not in owner.see("/settings/invoices")
    owner.do("/settings/numbers/invoices", facts)
    assert "R2026-040" in owner.see("/settings/invoices")


def test_a_logo_comes_as_a_file(pages: Pages) -> None:
    studio, owner = pages.studio, pages["owner"]
    with studio.context() as ctx:
        files.remove_logo(ctx)
    boundary = "x7MA4YW"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{owner.signed.csrf}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="logo"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()

    def send(content: bytes) -> Any:
        return owner.app.simulate_post(
            "/settings/logo",
            body=body + content + f"\r\n--{boundary}--\r\n".encode(),
            headers={
                **owner.headers,
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Sec-Fetch-Site": "same-origin",
            },
        )

    assert send(b"no picture").status_code == 422
    assert send(PNG).status_code == 303
    assert owner.get("/settings/logo").content.startswith(b"\x89PNG")


def test_another_rate_is_shown_before_it_is_set(pages: Pages) -> None:
    owner, where = pages["owner"], f"/rates?project={pages.ids['project']}"
    facts = {"amount": "120", "effective_from": "2026-06-01"}
    shown = owner.post(where, facts).text
    assert "€135.00" in shown
    assert "€180.00" in shown
    owner.do(where, {**facts, "apply": "yes", "re_rate": "yes"})
    assert "€180.00" in owner.see("/billing")


@in_browser
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_unbilled_work_is_billed_sent_and_paid(
    pages: Pages, database_url: str, tmp_path: Path, size: dict[str, int]
) -> None:
    studio = pages.studio
    with studio.context() as ctx:
        workspaces.change(ctx, default_tax_rate=Decimal(19))
    environment = {f"TALLYSTICK_{name.upper()}": value for name, value in MAIL.items()}
    with live_server(database_url, tmp_path / "data", **environment) as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=size, locale="en-GB"), server, studio)
        watched = Watched(page, server)
        page.goto(f"{server}/billing")
        page.get_by_role("link", name="Bill", exact=True).first.click()
        page.locator(".sheets img").first.wait_for()
        page.get_by_label("Discount", exact=True).first.fill("10 %")
        page.get_by_label("PO number").fill("PO 7")
        page.locator("[data-preview-card]", has_text="€144.59").wait_for()  # 135 less 10 %, and 19 %
        page.get_by_role("button", name="Make the draft").click()
        page.get_by_role("link", name="Send", exact=True).click()
        page.get_by_text("Before you send").wait_for()
        page.get_by_label("To", exact=True).fill("bills@globex.example")
        page.get_by_role("button", name="Issue and send").click()
        page.get_by_role("heading", name="INV-0003").wait_for()
        page.get_by_role("link", name="Record a payment").click()
        page.get_by_role("button", name="Record it").click()
        page.get_by_text("INV-0003 is paid.").wait_for()
        assert watched.wrong == []
        number = page.url.rpartition("/")[2]
    with studio.context() as ctx:
        assert invoices.read(ctx, number).status == "PAID"
        assert [one.amount for one in payments.of_invoice(ctx, number)] == [Decimal("144.59")]
        assert MAILS.page(ctx, ("kind",), {"invoice_id": number}).rows == [("invoice",)]


@in_browser
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_invoice_is_credited(pages: Pages, database_url: str, tmp_path: Path, size: dict[str, int]) -> None:
    studio = pages.studio
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=size, locale="en-GB"), server, studio)
        watched = Watched(page, server)
        page.goto(f"{server}/invoices/{pages.ids['sent']}")
        page.locator("main details[data-menu] summary").click()
        page.get_by_role("link", name="Credit note").click()
        page.get_by_label("Reason").fill("Wrong hours")
        page.get_by_role("button", name="Issue the credit note").click()
        page.get_by_role("heading", name="CN-0002").wait_for()
        page.locator(".paper-card img").first.wait_for()
        assert watched.wrong == []
    with studio.context() as ctx:
        found = CREDIT_NOTES.page(ctx, ("number", "total"), {"invoice_id": pages.ids["sent"]}).rows
        assert found == [("CN-0002", Decimal(180))]


@in_browser
def test_an_invoice_recurs_by_keyboard_alone(pages: Pages, database_url: str, tmp_path: Path) -> None:
    studio = pages.studio
    with live_server(database_url, tmp_path / "data") as server, browser() as chromium:
        page = come_in(chromium.new_context(viewport=DESK, locale="en-GB"), server, studio)
        watched = Watched(page, server)
        page.keyboard.press("Control+k")
        page.keyboard.type("New recurring")
        page.locator(".option[aria-selected=true]", has_text="New recurring invoice").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url("**/recurring/new")
        page.keyboard.type("Glo")  # the choice of a client has the focus
        page.wait_for_url("**client_id=*")
        page.get_by_label("Name", exact=True).focus()
        page.keyboard.type("Retainer")
        page.keyboard.press("Tab")
        page.keyboard.type("On the last day")
        page.locator("[data-preview-card] li").first.wait_for()
        page.get_by_label("Description").first.focus()
        for text in ("Retainer {{mm}}", "1", "month", "900"):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        page.get_by_label("Name", exact=True).focus()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Retainer").wait_for()
        page.get_by_text("On the last day of every month").wait_for()
        assert watched.wrong == []
        made = re.search(r"/recurring/([0-9a-f-]{36})", page.url)
    assert made is not None
    with studio.context() as ctx:
        one = recurring.read(ctx, made[1])
        assert (one.name, one.rule) == ("Retainer", "FREQ=MONTHLY;BYMONTHDAY=-1")
