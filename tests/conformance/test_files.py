"""Logos and receipts come as they are, are told by their bytes, and are given back to be saved."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from typing import Any

import pytest
from falcon import testing

from tests.conformance.world import World
from tests.documents.papers import LOGO, png
from tests.documents.reading import text_of

PDF = b"%PDF-1.4\nreceipt\n%%EOF\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">{}</svg>'


def send(world: World, method: str, path: str, body: bytes, media: str, **headers: str) -> Any:
    headers = {"Content-Type": media, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return world.api()(method, path, body=body, headers=headers)


@pytest.fixture
def expense(world: World) -> str:
    made = {
        "clientId": world.studio.ids["client"],
        "description": "Train",
        "amount": "9.50",
        "expenseDate": "2026-06-12",
    }
    return str(world.api().post("/expenses", made)["id"])


def receipts(world: World, expense: str) -> str:
    return f"/expenses/{expense}/receipts"


# --- the logo


@pytest.mark.parametrize(("media", "content"), [("image/png", png(20, 10)), ("image/svg+xml", LOGO)])
def test_a_logo_is_set_read_and_deleted(fresh: World, media: str, content: bytes) -> None:
    result = send(fresh, "PUT", "/organization/logo", content, media)
    assert result.status_code == 200, result.text
    shown = result.json["data"]
    assert (shown["mediaType"], shown["size"], shown["expenseId"]) == (media, len(content), None)
    assert shown["sha256"] == hashlib.sha256(content).hexdigest()
    read = fresh.api("member")("GET", "/organization/logo")
    assert read.content == content
    assert_inert(read, media)
    send(fresh, "PUT", "/organization/logo", png(5, 5), "image/png")
    assert fresh.api()("GET", "/organization/logo").content == png(5, 5)
    assert fresh.api()("DELETE", "/organization/logo").status_code == 204
    assert fresh.api()("GET", "/organization/logo").status_code == 404
    assert fresh.api()("DELETE", "/organization/logo").status_code == 404


def assert_inert(result: testing.Result, media: str) -> None:
    assert result.headers["content-type"] == media
    assert result.headers["content-disposition"].startswith("attachment; filename=")
    assert result.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert result.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<rect onload="alert(1)"/>',
        '<a href="https://evil.example"><rect/></a>',
        '<image href="file:///etc/passwd"/>',
        '<image href="https://evil.example/x.png"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zy8+"/>',
        '<image xmlns:x="http://www.w3.org/1999/xlink" x:href="http://evil.example/x.png"/>',
        '<use href="other.svg#x"/>',
        "<style>@import url(https://evil.example)</style>",
        "<style>rect { fill: url(https://evil.example#x) }</style>",
        '<rect style="fill:url(//evil.example)"/>',
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        "<text>Hello</text>",
        '<rect filter="url(#f)"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<g id="a"><use href="#a"/></g>',
    ],
)
def test_an_svg_must_be_nothing_but_a_drawing(world: World, inside: str) -> None:
    result = send(world, "PUT", "/organization/logo", SVG.format(inside).encode(), "image/svg+xml")
    assert result.status_code == 422, result.text
    assert list(result.json["error"]["fields"]) == ["body"]


def test_an_svg_that_multiplies_itself_is_refused(world: World) -> None:
    levels = '<g id="l0"><rect width="1" height="1"/></g>' + "".join(
        f'<g id="l{n}">' + f'<use href="#l{n - 1}"/>' * 10 + "</g>" for n in range(1, 9)
    )
    assert send(world, "PUT", "/organization/logo", SVG.format(levels).encode(), "image/svg+xml").status_code == 422
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + LOGO
    assert send(world, "PUT", "/organization/logo", entities, "image/svg+xml").status_code == 422
    deep = SVG.format("<g>" * 5000 + "</g>" * 5000).encode()
    assert send(world, "PUT", "/organization/logo", deep, "image/svg+xml").status_code == 422


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with little in it."""
    small = png(1, 1)
    header = small[12:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + small[24:29]
    return small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        png(4, 4)[:-20],
        bomb(50_000, 50_000),
        bomb(3000, 3000),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xd9",
    ],
)
def test_what_is_no_whole_picture_is_refused(world: World, content: bytes) -> None:
    media = "image/jpeg" if content.startswith(b"\xff") else "image/png"
    assert send(world, "PUT", "/organization/logo", content, media).status_code in (415, 422)


def test_a_logo_says_truly_what_it_is(world: World) -> None:
    assert send(world, "PUT", "/organization/logo", png(4, 4), "image/jpeg").status_code == 422
    assert send(world, "PUT", "/organization/logo", b"GIF89a" + bytes(20), "image/gif").status_code == 415
    assert send(world, "PUT", "/organization/logo", b"{}", "application/json").status_code == 415
    assert send(world, "PUT", "/organization/logo", bytes(2 * 1024 * 1024 + 1), "image/png").status_code == 413


def test_notes_beside_a_picture_are_left_out(world: World) -> None:
    picture = png(4, 4)
    note = b"tEXtComment\0Ada's garden"
    chunk = (len(note) - 4).to_bytes(4, "big") + note + zlib.crc32(note).to_bytes(4, "big")
    send(world, "PUT", "/organization/logo", picture[:33] + chunk + picture[33:], "image/png")
    assert world.api()("GET", "/organization/logo").content == picture


# --- receipts


def test_a_receipt_is_added_listed_read_and_deleted(world: World, expense: str) -> None:
    path = receipts(world, expense)
    added = send(
        world, "POST", path, PDF, "application/pdf", Content_Disposition='attachment; filename="Fahrkarte.PDF"'
    )
    assert added.status_code == 201, added.text
    shown = added.json["data"]
    assert (shown["name"], shown["expenseId"], shown["size"]) == ("Fahrkarte.pdf", expense, len(PDF))
    assert [one["id"] for one in world.api().get(path)] == [shown["id"]]
    read = world.api()("GET", f"{path}/{shown['id']}")
    assert read.content == PDF
    assert_inert(read, "application/pdf")
    assert world.api()("DELETE", f"{path}/{shown['id']}").status_code == 204
    assert world.api()("GET", f"{path}/{shown['id']}").status_code == 404
    assert world.api().get(path) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("..\\..\\boot.ini", "boot.ini.pdf"),
        ("a%00b.pdf".replace("%00", "\u0001"), "ab.pdf"),
        ("Müllers Fahrkarte.pdf", "Müllers Fahrkarte.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"),
        ("x" * 190, "x" * 100 + ".pdf"),
        ('"><img src=x>.pdf', "img src=x.pdf"),
        ("...", "receipt.pdf"),
    ],
)
def test_a_name_is_only_a_name(world: World, expense: str, given: str, kept: str) -> None:
    api = world.api()
    added = api(
        "POST", receipts(world, expense), body=PDF, headers={"Content-Type": "application/pdf"}, params={"name": given}
    )
    assert added.status_code == 201, added.text
    assert added.json["data"]["name"] == kept
    read = api("GET", f"{receipts(world, expense)}/{added.json['data']['id']}")
    assert read.headers["content-disposition"].isascii()
    assert "\n" not in read.headers["content-disposition"]


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("image/png", b"<html><script>alert(1)</script></html>"),
        ("application/pdf", b"<html></html>"),
        ("application/pdf", PDF[:10]),
        ("image/heic", PDF),
        ("image/webp", b"RIFF\x04\0\0\0WEBP"),
        ("image/gif", b"GIF89a"),
        ("image/png", bomb(50_000, 50_000)),
    ],
)
def test_what_is_not_what_it_says_is_refused(world: World, expense: str, media: str, content: bytes) -> None:
    result = send(world, "POST", receipts(world, expense), content, media)
    assert result.status_code == 422, result.text
    assert list(result.json["error"]["fields"]) == ["body"]


@pytest.mark.parametrize("media", ["text/html", "image/svg+xml", "application/zip", "application/json", "text/plain"])
def test_other_types_are_not_taken(world: World, expense: str, media: str) -> None:
    assert send(world, "POST", receipts(world, expense), PDF, media).status_code == 415


def test_an_expense_has_ten_receipts_of_ten_mebibytes(world: World, expense: str) -> None:
    path = receipts(world, expense)
    for _ in range(10):
        assert send(world, "POST", path, PDF, "application/pdf").status_code == 201
    refused = send(world, "POST", path, PDF, "application/pdf")
    assert (refused.status_code, refused.json["error"]["reason"]) == (409, "too_many_files")
    other = world.api().post(
        "/expenses",
        {"clientId": world.studio.ids["client"], "description": "x", "amount": "1", "expenseDate": "2026-06-12"},
    )
    largest = PDF[:-6] + bytes(10 * 1024 * 1024 - len(PDF)) + PDF[-6:]
    assert send(world, "POST", receipts(world, other["id"]), largest, "application/pdf").status_code == 201
    assert send(world, "POST", receipts(world, other["id"]), largest + b"\n", "application/pdf").status_code == 413


def test_a_retry_adds_nothing_and_another_file_under_its_key_is_refused(world: World, expense: str) -> None:
    path = receipts(world, expense)
    first = send(world, "POST", path, PDF, "application/pdf", Idempotency_Key="one")
    again = send(world, "POST", path, PDF, "application/pdf", Idempotency_Key="one")
    assert again.json == first.json
    assert len(world.api().get(path)) == 1
    other = send(world, "POST", path, PDF + b"\n", "application/pdf", Idempotency_Key="one")
    assert other.json["error"]["reason"] == "idempotency_key_reused"


def test_receipts_of_billed_expenses_stay(fresh: World) -> None:
    api = fresh.api()
    spent = {"clientId": fresh.studio.ids["client"], "description": "x", "amount": "1", "expenseDate": "2026-06-12"}
    path = receipts(fresh, api.post("/expenses", spent)["id"])
    first = send(fresh, "POST", path, PDF, "application/pdf").json["data"]["id"]
    made = api.post("/invoices", {"clientId": fresh.studio.ids["client"], "includeExpenses": True})
    assert api("DELETE", f"{path}/{first}").status_code == 409
    assert send(fresh, "POST", path, PDF, "application/pdf").status_code == 201  # the draft may still be proven
    assert api("POST", f"/invoices/{made['id']}/mark-sent", {}).status_code == 200
    refused = send(fresh, "POST", path, PDF, "application/pdf")
    assert (refused.status_code, refused.json["error"]["reason"]) == (409, "invoiced")


# --- documents


def invoiced(world: World) -> Any:
    api, ids = world.api(), world.studio.ids
    spent = {"clientId": ids["client"], "description": "Train", "amount": "9.50", "expenseDate": "2026-06-12"}
    expense = api.post("/expenses", spent)["id"]
    named = {"Content-Disposition": 'inline; filename="=cmd.pdf"'}
    send(world, "POST", receipts(world, expense), PDF, "application/pdf", **named)
    for note in ('=HYPERLINK("http://evil")', 'Plain, "quoted"\nand on'):
        entry = {"projectId": ids["project"], "entryDate": "2026-06-11", "durationSeconds": 5400, "note": note}
        api.post("/time-entries", entry)
    return api.post("/invoices", {"clientId": ids["client"], "includeExpenses": True, "taxRate": "19"})


def test_an_invoice_is_read_as_pdf_in_the_look_and_language_of_its_client(fresh: World) -> None:
    api = fresh.api()
    look = {"invoiceLayout": "bold", "brandColor": "#B0413E", "iban": "de89 3704 0044 0532 0130 00",
            "bic": "cobadeffxxx",
            "invoiceFooter": "Studio North, Berlin", "invoicePaper": "LETTER"}  # fmt: skip
    changed = api("PATCH", "/organization", look)
    assert changed.status_code == 200, changed.text
    shown = changed.json["data"]
    assert (shown["iban"], shown["bic"], shown["brandColor"]) == ("DE89370400440532013000", "COBADEFFXXX", "#b0413e")
    assert api("PATCH", f"/clients/{fresh.studio.ids['client']}", {"language": "de"}).status_code == 200
    made = invoiced(fresh)
    result = api("GET", f"/invoices/{made['id']}/pdf")
    assert result.headers["content-type"] == "application/pdf"
    assert result.headers["content-disposition"] == f'inline; filename="{made["number"]}.pdf"'
    text = text_of(result.content)
    assert "Rechnung" in text
    assert "Entwurf" in text
    assert "StudioNorth,Berlin" in text
    assert "DE89370400440532013000" in text
    assert made["total"].replace(".", ",") in text
    api("POST", f"/invoices/{made['id']}/mark-sent", {})
    assert "Entwurf" not in text_of(api("GET", f"/invoices/{made['id']}/pdf").content)


def test_the_timesheet_says_hours_and_never_a_rate(fresh: World) -> None:
    made = invoiced(fresh)
    table = fresh.api()("GET", f"/invoices/{made['id']}/timesheet", params={"format": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].startswith("attachment")
    lines = table.content.decode("utf-8-sig")
    assert lines == (
        "date,project,task,note,hours\r\n"
        '2026-06-11,Website,,"\'=HYPERLINK(""http://evil"")",1.50\r\n'
        '2026-06-11,Website,,"Plain, ""quoted""\nand on",1.50\r\n'
    )
    paper = fresh.api()("GET", f"/invoices/{made['id']}/timesheet")
    text = text_of(paper.content)
    assert "Totalhours3.00" in text
    assert "90.00" not in text


def test_all_that_goes_with_an_invoice_comes_as_one_zip(fresh: World) -> None:
    made = invoiced(fresh)
    result = fresh.api()("GET", f"/invoices/{made['id']}/documents.zip")
    assert result.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        name = made["number"]
        assert archive.namelist() == [
            f"{name}.pdf", f"{name}-timesheet.pdf", f"{name}-timesheet.csv", "receipts/01-=cmd.pdf",
        ]  # fmt: skip
        assert archive.read("receipts/01-=cmd.pdf") == PDF
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("invoiceLayout", "baroque"), ("invoicePaper", "A5"), ("brandColor", "green"), ("language", "tlh"),
        ("locale", "xx-YY"), ("locale", "../../etc"), ("iban", "DE89370400440532013001"), ("iban", "hello"),
        ("bic", "X"),
    ],
)  # fmt: skip
def test_a_look_that_cannot_be_is_refused(world: World, field: str, value: str) -> None:
    result = world.api()("PATCH", "/organization", {field: value})
    assert result.status_code == 422
    assert list(result.json["error"]["fields"]) == [field]
