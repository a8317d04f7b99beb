"""The reference pages of the APIs: all of the document is there, and they need nothing but our own files."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
from falcon import testing
from jsonschema import Draft202012Validator, FormatChecker
from markupsafe import Markup

from tallystick.api.expensicat.openapi import expensicat_document
from tallystick.api.expensicat.operations import OPERATIONS as EXPENSICAT_OPERATIONS
from tallystick.api.expensicat.wire import STATUS as EXPENSICAT_STATUS
from tallystick.api.growcrm.openapi import growcrm_document
from tallystick.api.growcrm.operations import OPERATIONS as GROWCRM_OPERATIONS
from tallystick.api.native.openapi import native_document
from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import STATUS
from tallystick.api.native.words import WORDS
from tallystick.api.wire import Operation
from tallystick.db.session import Database
from tallystick.web.assets import FOLDER, Assets, load_assets
from tallystick.web.reference import (
    EXPENSICAT,
    FORM,
    GROWCRM,
    NATIVE,
    Guide,
    _json_colours,
    _prose,
    _shell_colours,
    groups_of,
    render,
)
from tallystick.web.samples import FILES
from tests.studio import Clock, app_client

DOCUMENT = native_document(OPERATIONS, version="1.2.3", server="https://time.example.com")


class Read(HTMLParser):
    """What a page is made of."""

    VOID = frozenset({"meta", "link", "img", "wbr", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= given.keys()
        if tag not in self.VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        for name in ("href", "src"):
            if name in given:
                (self.targets if str(given[name]).startswith("#") else self.addresses).append(str(given[name]))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.inside += data.strip()


class Page(NamedTuple):
    """The page of one API."""

    address: str
    machine: str
    guide: Guide
    operations: tuple[Operation, ...]
    document: dict[str, Any]
    codes: set[tuple[int, str]]

    @property
    def read(self) -> Read:
        return Read(render(self.document, load_assets().url, self.guide, self.machine))


SERVER = {"version": "1.2.3", "server": "https://time.example.com"}
PAGES = [
    Page("/api-docs", "/api/openapi.json", NATIVE, OPERATIONS, DOCUMENT, {*STATUS.values(), (500, "internal")}),
    *(
        Page(
            f"{prefix}/docs", f"{prefix}/openapi.json", EXPENSICAT, EXPENSICAT_OPERATIONS,
            expensicat_document(EXPENSICAT_OPERATIONS, prefix=prefix, **SERVER),
            {*EXPENSICAT_STATUS.values(), (500, "INTERNAL_ERROR")},
        )
        for prefix in ("/v1", "/expensicat/api/v1")
    ),
    Page(
        "/api/growcrm/docs", "/api/growcrm/openapi.json", GROWCRM, GROWCRM_OPERATIONS,
        growcrm_document(GROWCRM_OPERATIONS, **SERVER), set(),
    ),
]  # fmt: skip
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
READ = PAGES[0].read


@pytest.fixture(scope="module")
def app(database: Database, tmp_path_factory: pytest.TempPathFactory) -> testing.TestClient:
    return app_client(database, Clock(), tmp_path_factory.mktemp("reference"))


@each_page
def test_every_operation_can_be_linked_to_and_is_in_the_contents(page: Page) -> None:
    read = page.read
    for operation in page.operations:
        assert operation.id in read.ids
        assert read.targets.count(f"#{operation.id}") == 2


@each_page
def test_tags_close_and_ids_are_there_once(page: Page) -> None:
    read = page.read
    assert read.wrong == []
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))


@each_page
def test_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    assert {target[1:] for target in page.read.targets} <= set(page.read.ids)


@each_page
def test_the_page_asks_for_nothing_but_our_own_files(app: testing.TestClient, page: Page) -> None:
    addresses = set(page.read.addresses) - {"/.well-known/oauth-authorization-server"}  # a link, for people
    assert {address.partition("?")[0] for address in addresses} == {
        "/static/mark.svg",
        "/static/reference.css",
        "/static/reference.js",
        page.machine,
    }
    for address in page.read.addresses:
        assert app.simulate_get(address).status_code == 200


@each_page
def test_nothing_is_inline_so_that_the_policy_may_be_strict(app: testing.TestClient, page: Page) -> None:
    read = page.read
    assert read.inside == ""
    assert "style" not in read.tags | read.attributes
    assert not {name for name in read.attributes if name.startswith("on")}
    policy = app.simulate_get(page.address).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for file in FOLDER.iterdir():
        if file.suffix == ".png":
            continue
        assert not re.search(r"@import|url\(\s*['\"]?(?:https?:)?//|eval\(|innerHTML", file.read_text()), file.name


@each_page
def test_every_field_of_a_body_and_an_answer_is_on_the_page(page: Page) -> None:
    shown = {operation.id: operation for group in groups_of(page.document) for operation in group.operations}
    assert shown.keys() == {operation.id for operation in page.operations}
    for operation in page.operations:
        one = shown[operation.id]
        if operation.body is not None:
            assert {field.name for field in one.body} == set(operation.body.__struct_encode_fields__)
            assert set(one.ignored) == set(operation.read_only)
        if operation.answer is not None:
            answer = get_type_hints(operation.answer)["data"] if operation.whole else operation.answer
            (answer,) = get_args(answer) or (answer,)  # the figures of months are a list
            assert [field.name for field in one.fields] == list(answer.__struct_encode_fields__)


def test_nested_parts_bounds_and_choices_are_told() -> None:
    draft = next(one for group in groups_of(DOCUMENT) for one in group.operations if one.id == "createInvoice")
    by_name = {field.name: field for field in draft.body}
    assert by_name["clientId"].required
    assert [part.name for part in by_name["lines"].parts] == [
        "description", "quantity", "rate", "unit", "projectId", "heading", "discount", "taxRate", "taxCategory",
        "taxReason", "taxRateId",
    ]  # fmt: skip
    assert by_name["lines"].notes == ("≤ 500 items",)
    assert by_name["taxRate"].kind == "decimal"
    assert by_name["taxRate"].nullable
    assert by_name["taxRate"].notes == ("0 to 100", "≤ 4 decimals")
    assert "PROJECT_TASK" in by_name["grouping"].choices


def test_who_may_use_an_operation_is_told() -> None:
    payment = next(one for group in groups_of(DOCUMENT) for one in group.operations if one.id == "createInvoicePayment")
    assert payment.roles == ("Owner", "Admin")
    assert payment.scope == "write"


@each_page
def test_every_example_of_a_body_is_one_that_the_document_allows(page: Page) -> None:
    paths = page.document["paths"].values()
    said = {one["operationId"]: one for methods in paths for one in methods.values()}
    for name, body in page.guide.samples.bodies.items():
        schema = {
            **said[name]["requestBody"]["content"]["application/json"]["schema"],
            "components": page.document["components"],
        }
        Draft202012Validator(schema).validate(body)
        assert body.keys() <= schema["properties"].keys()
    bodies = {name: one["requestBody"]["content"] for name, one in said.items() if "requestBody" in one}
    files = {name for name, content in bodies.items() if not content.keys() & {"application/json", FORM}}
    assert bodies.keys() - files == page.guide.samples.bodies.keys()
    for name in files:
        media, file = FILES[name]
        assert media in bodies[name]
        curl = next(one for group in groups_of(page.document, page.guide) for one in group.operations if one.id == name)
        assert f"--data-binary @{file}" in str(curl.curl)
    for name, query in page.guide.samples.queries.items():
        known = {parameter["name"] for parameter in said[name]["parameters"]}
        assert {part.partition("=")[0] for part in query.split("&")} <= known


@each_page
def test_every_example_of_an_answer_is_of_the_shape_that_the_document_says(page: Page) -> None:
    groups = groups_of(page.document, page.guide)
    shown = {operation.id: operation for group in groups for operation in group.operations}
    for methods in page.document["paths"].values():
        for said in methods.values():
            answers = [answer for status, answer in said["responses"].items() if status < "300"]
            for content in (answer["content"] for answer in answers if "application/json" in answer.get("content", {})):
                schema = {**content["application/json"]["schema"], "components": page.document["components"]}
                example = json.loads(str(shown[said["operationId"]].example))
                assert "…" not in json.dumps(example, ensure_ascii=False)
                Draft202012Validator(schema, format_checker=FormatChecker()).validate(example)


@each_page
def test_the_codes_of_errors_are_those_of_the_api(page: Page) -> None:
    assert {(status, code) for status, codes in page.guide.codes.items() for code in codes} == page.codes


def test_what_a_document_says_cannot_become_markup() -> None:
    evil = native_document(OPERATIONS, version="<script>alert(1)</script>", server="https://x.example/<b>&")
    read = Read(render(evil, load_assets().url))
    assert read.inside == ""
    assert "b" not in read.tags - READ.tags


@pytest.mark.parametrize("colour", [_json_colours, _shell_colours, _prose])
def test_colours_and_prose_escape_what_they_do_not_know(colour: Callable[[str], Markup]) -> None:
    text = colour('<i> curl -d "a<b>": <u> "c<b>" `<s>` <b>')
    assert set(re.findall(r"<(\w+)", text)) <= {"span", "code"}
    assert re.sub(r"<[^>]+>", "", text).count("&lt;") == 6


def test_every_word_about_a_field_is_about_one_that_exists() -> None:
    found: set[str] = set()
    for name, schema in DOCUMENT["components"]["schemas"].items():
        noun = name.removesuffix("Json").removesuffix("Fields").replace("Draft", "Invoice")
        found |= {f"{noun}.{field}" for field in schema.get("properties", {})} | schema.get("properties", {}).keys()
    assert WORDS.keys() <= found


@each_page
def test_a_page_that_is_known_is_not_sent_again(app: testing.TestClient, page: Page) -> None:
    first = app.simulate_get(page.address)
    again = app.simulate_get(page.address, headers={"If-None-Match": first.headers["etag"]})
    assert first.status_code == 200
    assert (again.status_code, again.content) == (304, b"")


def test_the_packed_page_is_the_same_page(app: testing.TestClient) -> None:
    plain = app.simulate_get("/api-docs")
    packed = app.simulate_get("/api-docs", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]


def test_files_are_kept_for_a_year_under_the_address_of_their_content(app: testing.TestClient) -> None:
    address = load_assets().url("reference.css")
    assert "immutable" in app.simulate_get(address).headers["cache-control"]
    assert app.simulate_get("/static/reference.css").headers["cache-control"] == "no-cache"
    assert app.simulate_get("/static/reference.css?v=older").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["missing.css", "..%2freference.py", "%2e%2e%2fassets.py", "reference.html"])
def test_only_the_folder_s_own_files_are_served(app: testing.TestClient, name: str) -> None:
    assert app.simulate_get(f"/static/{name}").status_code == 404


def test_a_changed_file_has_another_address(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    before = Assets(tmp_path).url("a.css")
    (tmp_path / "a.css").write_text("b")
    assert Assets(tmp_path).url("a.css") != before
