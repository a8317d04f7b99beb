"""Receipts by page: put to an expense, looked at, taken away, and picked for an invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from falcon import testing

from tallystick.domain import expenses, receipts
from tallystick.domain.invoices import appendix
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import draft
from tests.app.conftest import PNG, Pages, Visitor

PDF = b"%PDF-1.4\n%%EOF\n"


def upload(visitor: Visitor, path: str, *files: tuple[str, str, bytes]) -> testing.Result:
    boundary = "x--x--x"
    parts = [('name="csrf_token"', "", visitor.signed.csrf.encode())]
    parts += [
        (f'name="receipts"; filename="{name}"', f"Content-Type: {media}\r\n", data) for name, media, data in files
    ]
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n{more}\r\n".encode() + data + b"\r\n"
        for head, more, data in parts
    )
    headers = {
        **visitor.headers, "Sec-Fetch-Site": "same-origin",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }  # fmt: skip
    return visitor.app.simulate_post(path, body=body + f"--{boundary}--\r\n".encode(), headers=headers)


def names(pages: Pages, expense_id: str) -> list[str]:
    with pages.studio.context() as ctx:
        return [one.name for one in receipts.of_expense(ctx, expense_id)]


def spent(pages: Pages, *files: str) -> str:
    with pages.studio.context() as ctx:
        made = expenses.record(
            ctx, description="Train", amount=Decimal(40), expense_date=date(2026, 6, 3),
            client_id=pages.ids["other_client"],
        )  # fmt: skip
        for name in files:
            receipts.add(ctx, made.id, content=PDF, media="application/pdf", name=name)
        return made.id


def test_several_receipts_come_at_once_and_are_shown(pages: Pages) -> None:
    expense_id = spent(pages)
    owner = pages["owner"]
    path = f"/expenses/{expense_id}/receipts"
    answer = upload(owner, path, ("ticket.png", "image/png", PNG), ("Fahrt.pdf", "application/pdf", PDF))
    assert answer.status_code == 303, answer.text
    assert names(pages, expense_id) == ["ticket.png", "Fahrt.pdf"]
    with pages.studio.context() as ctx:
        first, second = receipts.of_expense(ctx, expense_id)
    page = owner.see(f"/expenses/{expense_id}")
    assert f'<img src="{path}/{first.id}"' in page
    assert f'<img src="{path}/{second.id}"' not in page
    picture, paper = owner.get(f"{path}/{first.id}"), owner.get(f"{path}/{second.id}")
    assert (picture.content[:4], picture.headers["content-disposition"][:6]) == (b"\x89PNG", "inline")
    assert (paper.content, paper.headers["content-disposition"][:10]) == (PDF, "attachment")
    owner.do(f"{path}/{first.id}/delete")
    assert names(pages, expense_id) == ["Fahrt.pdf"]


@pytest.mark.parametrize(
    ("name", "media", "content"),
    [
        ("page.html", "text/html", b"<script>alert(1)</script>"),
        ("fake.png", "image/png", b"<script>alert(1)</script>"),
        ("cut.pdf", "application/pdf", b"%PDF-1.4"),
    ],
)
def test_what_is_no_receipt_is_refused_by_its_name_and_nothing_is_kept(
    pages: Pages, name: str, media: str, content: bytes
) -> None:
    expense_id = spent(pages)
    answer = upload(
        pages["owner"], f"/expenses/{expense_id}/receipts", ("a.png", "image/png", PNG), (name, media, content)
    )
    assert answer.status_code == 422
    assert name in answer.text
    assert names(pages, expense_id) == []


def test_a_receipt_is_no_member_s_and_of_its_own_expense_alone(pages: Pages) -> None:
    mine, other = spent(pages, "a.pdf"), spent(pages)
    with pages.studio.context() as ctx:
        receipt = receipts.of_expense(ctx, mine)[0].id
    assert pages["member"].get(f"/expenses/{mine}/receipts/{receipt}").status_code == 403
    assert pages["owner"].get(f"/expenses/{other}/receipts/{receipt}").status_code == 404
    assert pages["owner"].post(f"/expenses/{other}/receipts/{receipt}/delete").status_code == 404
    assert names(pages, mine) == ["a.pdf"]


def test_the_receipts_of_a_draft_are_picked_one_by_one_and_once_more_before_it_is_sent(pages: Pages) -> None:
    spent(pages, "a.pdf", "b.pdf", "c.pdf")
    owner = pages["owner"]
    with pages.studio.context() as ctx:
        made = draft(ctx, client_id=pages.ids["other_client"], include_expenses=True).invoice
        ids = {one.name: one.id for one in appendix.pickable_receipts(ctx, made.id)}
    page = owner.see(f"/invoices/{made.id}/edit")
    for name in ids:
        assert name in page

    def kept() -> tuple[bool, list[str]]:
        with pages.studio.context() as ctx:
            now = invoices.read(ctx, made.id)
            return now.attach_receipts, sorted(one.name for one in appendix.chosen_receipts(ctx, now))

    form = {"picks_receipts": "yes", "receipt_ids": [ids["a.pdf"], ids["c.pdf"]]}
    owner.do(f"/invoices/{made.id}/edit", form)
    assert kept() == (True, ["a.pdf", "c.pdf"])
    letter = {"to": "bo@initech.example", "subject": "Hello", "message": "There", "attach": ["pdf"]}
    owner.do(f"/invoices/{made.id}/send", {**letter, "picks_receipts": "yes", "receipt_ids": [ids["b.pdf"]]})
    assert kept() == (True, ["b.pdf"])
    with pages.studio.context() as ctx:
        (attached,) = ctx.connection.execute(
            "SELECT attachments FROM mails WHERE invoice_id = %s", [made.id]
        ).fetchall()
    assert "receipts" in str(attached)
