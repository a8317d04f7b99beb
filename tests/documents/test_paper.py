"""What is on the paper: the document's own figures, whole texts, and the structure that PDF/A-3 and PDF/UA ask for."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tallystick.documents import Attachment, Documents, paper
from tallystick.documents.figures import figures, locale_of
from tallystick.documents.press import AT_ONCE, TEMPLATES, WAITING, Press
from tallystick.values.document import Document
from tallystick.values.errors import Busy
from tallystick.values.look import LANGUAGES, LAYOUTS
from tallystick.values.money import minor_unit, round_money
from tests.documents import papers
from tests.documents.reading import plain, text_of

SAMPLES = {
    "ordinary": papers.invoice,
    "draft": papers.draft,
    "mixed rates": papers.mixed,
    "reverse charge": papers.reverse_charge,
    "gross": papers.gross,
    "credit note": papers.credit_note,
    "swiss": papers.swiss,
    "american": papers.american,
    "empty": papers.empty,
    "free": papers.free,
    "enormous": papers.enormous,
}


def looking(document: Document, **look: Any) -> Document:
    return structs.replace(document, look=structs.replace(document.look, **look))


def amounts(document: Document) -> list[Decimal]:
    """Every amount that a reader must find."""
    shown = [document.total]
    if document.prices_include_tax:
        shown += [one.gross_total for one in document.lines if one.gross_total is not None]
        shown += [one.gross_price for one in document.lines if one.gross_price is not None]
    else:
        shown += [one.total for one in document.lines] + [one.price for one in document.lines]
    if document.discount:
        shown += [document.subtotal, document.discount]
    if document.paid:
        shown += [document.paid, document.due]
    for tax in document.taxes:
        if tax.rate is not None:
            shown += [tax.basis, tax.amount]
    return shown


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_amount_of_a_document_is_on_the_paper(documents: Documents, sample: str, layout: str) -> None:
    document = looking(SAMPLES[sample](), layout=layout)
    text = text_of(documents.pdf(document))
    locale = figures(locale_of("en" if sample != "swiss" else "de", document.buyer.address.country_code))
    for amount in amounts(document):
        assert plain(locale.amount(amount, document.currency)) in text, amount


money = st.decimals(min_value=Decimal(0), max_value=Decimal("99999.9999"), places=4)


@st.composite
def any_document(draw: st.DrawFn) -> Document:
    """Lines, rates, discounts and looks as they come."""
    currency = draw(st.sampled_from(["EUR", "USD", "CHF", "JPY", "KWD", "PLN"]))
    rates = [("STANDARD", "19"), ("STANDARD", "7"), ("STANDARD", "8.625"), ("ZERO", "0"), ("REVERSE_CHARGE", "0")]
    lines = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        category, rate = draw(st.sampled_from(rates))
        percent = draw(st.none() | st.decimals(min_value=Decimal("0.5"), max_value=Decimal(90), places=1))
        lines.append(
            papers.line(
                number,
                draw(st.sampled_from(["Design", "Gestaltung", "デザイン", "تصميم"])),
                str(draw(money)),
                str(round_money(draw(money), currency) if draw(st.booleans()) else draw(money)),
                rate=rate,
                category=category,  # type: ignore[arg-type]
                currency=currency,
                heading=draw(st.none() | st.sampled_from(["One", "Two"])),
                discount_percent=percent,
            )
        )
    discount = draw(st.none() | st.decimals(min_value=Decimal("0.5"), max_value=Decimal(90), places=1))
    sums = papers.totalled(lines, currency=currency, discount_percent=discount)
    if draw(st.booleans()):
        sums["paid"] = round_money(sums["total"] / 3, currency)
        sums["due"] = sums["total"] - sums["paid"]
    layout, language = draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(LANGUAGES))
    return looking(papers.invoice(**sums), layout=layout, language=language, logo=None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=any_document())
def test_the_paper_says_exactly_the_amounts_of_any_document(documents: Documents, document: Document) -> None:
    text = text_of(documents.pdf(document))
    sheet = paper.Sheet(document)
    for amount in amounts(document):
        written = sheet.amount(amount)
        assert plain(written) in text, (amount, written)


@given(amount=st.decimals(min_value=Decimal(-(10**13)), max_value=Decimal(10**13), places=4), data=st.data())
def test_an_amount_as_written_is_the_amount(amount: Decimal, data: st.DataObject) -> None:
    locale = data.draw(st.sampled_from(["en_US", "en_IN", "de", "de_CH", "fr", "pl", "pt_BR", "ja", "ar", "es_MX"]))
    currency = data.draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    written = figures(locale).amount(amount, currency)
    decimal = figures(locale).number(Decimal("0.1"), 1)[1]
    whole, _, rest = written.replace("−", "-").rpartition(decimal) if decimal in written else (written, "", "")
    digits = re.sub(r"[^0-9-]", "", whole.replace("−", "-"))
    assert Decimal(f"{digits}.{rest or 0}") == amount
    assert len(rest) >= minor_unit(currency)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_set_without_a_missing_letter(documents: Documents, language: str) -> None:
    document = papers.in_language(language)
    data = paper.data_of(document)
    shown = repr(documents.press._legible(data))
    assert "\u25a1" not in shown
    pdf = documents.pdf(document)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert str(opened.Root.Lang).partition("-")[0] == language
    if language != "ar":  # pypdf does not read Arabic letters in their order
        said = paper.Sheet(document).words
        for word in (said.invoice, said.description, said.total, said.payment):
            assert plain(word) in text_of(pdf)


@pytest.mark.parametrize("text", papers.HOSTILE_TEXTS)
def test_what_people_write_stays_text(documents: Documents, text: str) -> None:
    for layout in LAYOUTS:
        pdf = documents.pdf(looking(papers.hostile(text), layout=layout))
        if not any("\u0590" <= one <= "\u06ff" for one in text):
            assert plain(documents.press.letters.legible(text))[:100] in text_of(pdf)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=300))
def test_any_text_can_be_printed(documents: Documents, text: str) -> None:
    documents.pdf(papers.hostile(text or "-"))


def test_letters_that_no_font_has_together_do_not_stop_a_document(documents: Documents) -> None:
    text = "\U0001f604\u0591 \U0001f175\u0e34 x\u0b3c Total"
    assert "Total" in text_of(documents.pdf(papers.invoice(notes=text)))
    assert set(documents.press.letters.plain(documents.press.letters.legible(text))) <= set("□ xTotal\u200b")


def test_ten_thousand_letters_are_printed_whole(documents: Documents) -> None:
    long = " ".join(f"word{n}" for n in range(1200))
    document = papers.invoice(notes=long, terms="x" * 10_000, footer=long)
    text = text_of(documents.pdf(document))
    assert all(text.count(f"word{n}") >= 2 for n in range(1200))
    assert text.count("x" * 5) >= 2_000 - 60


def test_templates_fetch_nothing_and_read_nothing() -> None:
    for template in TEMPLATES.glob("*.typ"):
        source = template.read_text(encoding="utf-8")
        assert "@preview" not in source
        assert not re.search(r"\b(read|eval|plugin|csv|yaml|toml|xml|cbor)\(", source)
        for imported in re.findall(r'#import "([^"]*)"', source):
            assert (TEMPLATES / imported).is_file()


# --- pages


def pages_of(pdf: bytes) -> list[str]:
    import pypdf

    return [plain(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sum_never_stands_alone_on_a_page(documents: Documents, layout: str) -> None:
    for count in range(18, 46, 3):
        document = looking(papers.of_many_lines(count), layout=layout)
        total = plain(figures("en_GB").money(document.total, "EUR"))
        last = plain(document.lines[-1].description)
        pages = pages_of(documents.pdf(document))
        with_sum = [page for page in pages if f"Total{total}" in page]
        assert len(with_sum) == 1, count
        assert last in with_sum[0], count
        for page in pages:
            if any(plain(one.description) in page for one in document.lines):
                assert "DescriptionQuantityPriceAmount" in page, count


def test_a_sum_keeps_the_end_of_a_very_long_last_line(documents: Documents) -> None:
    words = " ".join(f"w{n}" for n in range(450))
    for count in range(8, 16):
        lines = [papers.line(n, f"Line {n}", "1", "10.00") for n in range(1, count)]
        lines.append(papers.line(count, words, "1", "10.00"))
        document = papers.invoice(**papers.totalled(lines))
        page = next(page for page in pages_of(documents.pdf(document)) if "Total€" in page and "Nettotal" in page)
        assert "w449" in page


def test_pages_are_numbered_and_named(documents: Documents) -> None:
    pages = pages_of(documents.pdf(papers.of_many_lines(60)))
    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert f"Page{number}of3" in page
    assert all("Invoice2026-0042" in page for page in pages[1:])


def test_a_draft_says_that_it_is_one(documents: Documents) -> None:
    for language in ("en", "de", "fr"):
        text = text_of(documents.pdf(looking(papers.draft(), language=language)))
        said = paper.words.ALL[language]
        assert plain(said.draft) in text
        assert plain(said.draft_note) in text


def test_a_credit_note_names_its_invoice_and_asks_for_nothing(documents: Documents) -> None:
    text = text_of(documents.pdf(papers.credit_note()))
    assert "CreditnoteCN-2026-0003" in text
    assert "2026-0042of30June2026" in text
    assert "Fourhourswereontheinvoicetwice." in text
    assert "Pleasepay" not in text
    assert "IBAN" not in text


def test_many_rates_get_a_table_of_their_own(documents: Documents) -> None:
    lines = [papers.line(n, f"Goods {n}", "1", "10.00", rate=str(n)) for n in range(1, 41)]
    text = text_of(documents.pdf(papers.invoice(**papers.totalled(lines))))
    assert "Taxbyrate" in text
    assert all(f"VAT{n}%" in text for n in range(1, 41))


# --- PDF/A-3 and PDF/UA-1


@pytest.mark.parametrize("sample", ["ordinary", "draft", "credit note", "swiss"])
def test_the_file_is_archivable_and_accessible(documents: Documents, sample: str) -> None:
    with pikepdf.open(io.BytesIO(documents.pdf(SAMPLES[sample]()))) as pdf:
        root = pdf.Root
        meta = root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>3</pdfaid:part>" in meta
        assert "<pdfaid:conformance>A</pdfaid:conformance>" in meta
        assert "<pdfuaid:part>1</pdfuaid:part>" in meta
        assert bool(root.MarkInfo.Marked)
        assert str(root.ViewerPreferences.DisplayDocTitle) == "True" or bool(root.ViewerPreferences.DisplayDocTitle)
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert not pdf.is_encrypted
        assert pdf.docinfo.Title
        assert "/AA" not in root
        assert "/OpenAction" not in root
        for font in fonts_in(pdf):
            assert any(name in font for name in ("/FontFile", "/FontFile2", "/FontFile3"))
        tags = tags_in(root.StructTreeRoot)
        assert {"/Document", "/H1", "/Table", "/TR", "/TH", "/TD"} <= tags
        for figure in figures_in(root.StructTreeRoot):
            assert str(figure.Alt)


def fonts_in(pdf: pikepdf.Pdf) -> list[Any]:
    return [one for one in pdf.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"]


def elements(node: Any) -> list[Any]:
    found = []
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found += [kid, *elements(kid)]
    return found


def tags_in(tree: Any) -> set[str]:
    return {str(one.S) for one in elements(tree)}


def figures_in(tree: Any) -> list[Any]:
    return [one for one in elements(tree) if one.S == "/Figure"]


def test_the_logo_and_the_code_are_described(documents: Documents) -> None:
    with pikepdf.open(io.BytesIO(documents.pdf(papers.invoice()))) as pdf:
        said = {str(one.Alt) for one in figures_in(pdf.Root.StructTreeRoot)}
    assert said == {"Logo of Studio Nord GmbH", "Code for banking apps: €8,048.74 to Studio Nord GmbH"}


def test_a_file_can_travel_inside(documents: Documents) -> None:
    attachment = Attachment("factur-x.xml", "text/xml", "<ö/>", "Factur-X")
    data = paper.data_of(papers.invoice())
    pdf = documents.press.pdf("document.typ", data, made=papers.invoice().issue_date, attachments=[attachment])
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.attachments["factur-x.xml"].get_file().read_bytes() == "<ö/>".encode()
        assert opened.Root.AF[0].AFRelationship == "/Alternative"


def test_the_same_document_makes_the_same_bytes(documents: Documents) -> None:
    assert documents.pdf(papers.invoice()) == documents.pdf(papers.invoice()) == Documents().pdf(papers.invoice())


# --- looks


def test_every_language_that_can_be_chosen_has_its_words() -> None:
    assert tuple(paper.words.ALL) == LANGUAGES


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#ffff00", "#1f6f5c", "#808080", "#ff69b4"])
def test_any_brand_colour_leaves_the_words_legible(color: str) -> None:
    found = paper.colors(color)
    assert paper._contrast(paper._rgb(found["text"]), (255, 255, 255)) >= 4.5
    assert paper._contrast(paper._rgb(found["on"]), paper._rgb(found["fill"])) >= 3.4


def test_letter_is_letter_and_a4_is_a4(documents: Documents) -> None:
    for size, expected in (("A4", (595, 842)), ("LETTER", (612, 792))):
        with pikepdf.open(io.BytesIO(documents.pdf(looking(papers.invoice(), paper=size)))) as pdf:
            box = [round(float(one)) for one in pdf.pages[0].MediaBox]
        assert tuple(box[2:]) == expected


def test_what_a_look_does_not_know_falls_back(documents: Documents) -> None:
    odd = looking(papers.invoice(), layout="baroque", language="tlh", locale="xx_YY", logo=b"no picture")
    assert "Invoice2026-0042" in text_of(documents.pdf(odd))


def test_a_png_logo_is_drawn(documents: Documents) -> None:
    with pikepdf.open(io.BytesIO(documents.pdf(looking(papers.invoice(), logo=papers.DOT)))) as pdf:
        images = [one for one in pdf.objects if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == "/Image"]
    assert len(images) == 1


def test_a_logo_that_is_broken_within_is_left_out(documents: Documents) -> None:
    head = bytes.fromhex("ffd8ffc0001108000a000a03012200021101031101ffda000c03010002110311003f00") + bytes(8)
    assert "Invoice2026-0042" in text_of(documents.pdf(looking(papers.invoice(), logo=head + b"\xff\xd9")))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M nonsense" fill="url(#no)"/></svg>'
    assert "Invoice2026-0042" in text_of(documents.pdf(looking(papers.invoice(), logo=svg)))


def test_two_are_made_at_once_and_whoever_waits_too_long_is_told(documents: Documents) -> None:
    press = Press()
    held = [press._place() for _ in range(AT_ONCE)]
    for one in held:
        one.__enter__()
    press.patience = 0.01
    with pytest.raises(Busy, match="Try again"):
        press.pdf("document.typ", paper.data_of(papers.invoice()), made=papers.invoice().issue_date)
    for _ in range(WAITING):
        assert press._queue.acquire(blocking=False)
    with pytest.raises(Busy):
        press.pdf("document.typ", paper.data_of(papers.invoice()), made=papers.invoice().issue_date)
    for _ in range(WAITING):
        press._queue.release()
    for one in held:
        one.__exit__(None, None, None)
    assert press.pdf("document.typ", paper.data_of(papers.invoice()), made=papers.invoice().issue_date)


def test_many_threads_share_the_press(documents: Documents) -> None:
    made = papers.invoice()
    expected = documents.pdf(made)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(documents.pdf, [made] * 16)) == {expected}


def test_operators_add_letters_in_a_folder(tmp_path: Path) -> None:
    assert Documents(tmp_path).press.letters.legible("안녕") == "□□"
    (tmp_path / "broken.ttf").write_bytes(b"\x00\x01\x00\x00\x00\x09")
    assert "Invoice" in text_of(Documents(tmp_path).pdf(papers.invoice()))
