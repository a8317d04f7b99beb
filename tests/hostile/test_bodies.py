"""Bodies and requests that are wrong as a whole: what cannot be read is a 400 that names the byte, never a 500."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from typing import Any

import pytest

from tallystick.api.wire import BODY_LIMIT
from tests.hostile.corpus import NO_JSON
from tests.hostile.wsgi import Answer, Attacker, Trickle, assert_civil

BROKEN = [
    b"{", b'{"name"', b'{"name":', b'{"name":"x"', b'{"name":"x",', b'{"name":"x"}}', b'{"name":"x"} x', b"[", b'"',
    b"\x00", b"\xff", b"\xef\xbb\xbf{}", b"{\x00}", b'{"name":"\xff\xfe"}', b'{"na\xc3":"x"}', b'{"\xed\xa0\x80":1}',
    b"name=x", b"<a/>", b"{'name':'x'}", b"{name:1}", b"\x1f\x8b\x08\x00", b"{}{}", b"{\n\n,}", b"-", b"nul", b"%7B%7D",
    '{"name":"é'.encode("latin-1"), '{"name":"x"}'.encode("utf-16"), '{"name":"x"}'.encode("utf-32"),
]  # fmt: skip
NO_OBJECTS = [
    b"[]",
    b'"x"',
    b"1",
    b"null",
    b"true",
    b'[{"name":"x"}]',
    b"1E+1000000",
    b"9" * 5000,
    b"[" * 100 + b"]" * 100,
]


def malformed(answer: Answer) -> str:
    assert_civil(answer)
    assert (answer.status, answer.error["code"]) == (400, "bad_request"), f"{answer.asked} -> {answer.body!r}"
    return answer.error["message"]


@pytest.mark.parametrize("body", BROKEN)
def test_a_body_that_is_no_json_is_told_where_it_breaks(attack: Attacker, body: bytes) -> None:
    answer = attack("POST", "/clients", body)
    assert_civil(answer)
    if answer.status == 422:  # only the text of one field is broken: then it is named
        assert answer.named == {"name"}
    else:
        assert re.search(r"\(byte \d+\)|ends too early", malformed(answer)), answer.body


@pytest.mark.parametrize("value", NO_JSON)
def test_what_only_some_parsers_take_for_json_is_refused(attack: Attacker, value: str) -> None:
    answer = attack("POST", "/clients", f'{{"name":"x","defaultRate":{value}}}')
    assert_civil(answer)
    assert answer.status == 400 or answer.named == {"defaultRate"}


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_a_body_is_an_object(attack: Attacker, body: bytes) -> None:
    assert "object" in malformed(attack("POST", "/clients", body))


@pytest.mark.parametrize("depth", [200, 400, 500, 700, 900, 990, 1100, 5000, 100_000])
@pytest.mark.parametrize("name", ["name", "nonsense", "createdAt"])
def test_nesting_is_refused_at_any_depth(attack: Attacker, depth: int, name: str) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "1}")):
        body = f'{{"name":"x","{name}":{opening * depth}{closing[:-1]}{closing[-1] * depth}}}'
        answer = attack("POST", "/clients", body)
        assert_civil(answer)
        assert answer.status in ({400, 422} if name != "createdAt" else {201, 400, 422})
        unclosed = attack("POST", "/clients", f'{{"name":{opening * depth}')
        assert unclosed.status == 400


def test_a_million_digits_are_refused_by_name(attack: Attacker) -> None:
    for number in ("9" * 1_000_000, "0." + "9" * 1_000_000, "1e" + "9" * 1_000_000, "-" + "1" * 1_000_000):
        answer = attack("POST", "/clients", f'{{"name":"x","defaultRate":{number}}}')
        assert_civil(answer)
        assert (answer.status, answer.named) == (422, {"defaultRate"})
        answer = attack("POST", "/clients", f'{{"name":"x","defaultRate":"{number}"}}')
        assert_civil(answer)
        assert (answer.status, answer.named) == (422, {"defaultRate"})


def test_a_body_of_many_keys_or_one_long_key_is_refused(attack: Attacker) -> None:
    many = json.dumps({f"k{number}": 0 for number in range(60_000)})
    answer = attack("POST", "/clients", many)
    assert_civil(answer)
    assert answer.status in {400, 413, 422}
    assert len(answer.body) < 100_000, "a refusal is not an echo"
    answer = attack("POST", "/clients", json.dumps({"k" * 900_000: 0}))
    assert_civil(answer)
    assert len(answer.body) < 100_000, "a refusal is not an echo"


def test_a_key_sent_twice_is_handled(attack: Attacker) -> None:
    answer = attack("POST", "/clients", '{"name":"first","name":"second"}')
    assert_civil(answer)
    assert answer.status in {201, 400, 422}


def test_three_megabytes_are_too_large(attack: Attacker) -> None:
    body = b'{"name":"' + b"x" * 3_000_000 + b'"}'
    for environ in (
        {},
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Trickle(body, 65536)},
    ):
        answer = attack("POST", "/clients", body, environ=environ)
        assert_civil(answer)
        assert (answer.status, answer.error["code"]) == (413, "bad_request")


def test_the_limit_is_exact(attack: Attacker) -> None:
    def padded(size: int) -> bytes:
        return b'{"name":"x"' + b" " * (size - 12) + b"}"

    assert attack("POST", "/clients", padded(BODY_LIMIT)).status == 201
    assert attack("POST", "/clients", padded(BODY_LIMIT + 1)).status == 413


def test_a_declared_ten_gigabytes_are_refused_unread(attack: Attacker) -> None:
    class Untouchable(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    environ = {"CONTENT_LENGTH": str(10 * 1024**3), "wsgi.input": Untouchable()}
    answer = attack("POST", "/clients", b"", environ=environ)
    assert_civil(answer)
    assert answer.status == 413


@pytest.mark.parametrize("piece", [1, 7, 65536])
def test_a_chunked_body_is_read(attack: Attacker, piece: int) -> None:
    body = json.dumps({"name": "chunked", "notes": "é" * 300}).encode()
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Trickle(body, piece)}
    answer = attack("POST", "/clients", body, environ=environ)
    assert answer.status == 201
    assert answer.json["data"]["notes"] == "é" * 300


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "0x10", "1,1", "１", " ", "99999999999999999999999"])
def test_a_length_that_is_none_is_refused(attack: Attacker, length: str) -> None:
    raw = length.encode().decode("latin-1")
    answer = attack("POST", "/clients", b'{"name":"x"}', environ={"CONTENT_LENGTH": raw})
    assert_civil(answer)
    assert answer.status in {400, 413, 422}


def test_a_body_shorter_than_it_said_is_malformed_and_a_longer_one_is_cut(attack: Attacker) -> None:
    body = b'{"name":"short"}'
    malformed(attack("POST", "/clients", body[:-4], environ={"CONTENT_LENGTH": "16"}))
    assert attack("POST", "/clients", body + b"GET / HTTP/1.1", environ={"CONTENT_LENGTH": "16"}).status == 201


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/xml", "json", "x" * 9000],
)  # fmt: skip
def test_another_content_type_is_refused(attack: Attacker, media: str) -> None:
    for method, path in (("POST", "/clients"), ("PATCH", f"/clients/{attack.studio.ids['client']}")):
        answer = attack(method, path, b'{"name":"x"}', headers={"Content-Type": media})
        assert_civil(answer)
        assert (answer.status, answer.error["code"]) == (415, "bad_request")


@pytest.mark.parametrize(
    "media",
    [None, "", "application/json", "APPLICATION/JSON; charset=UTF-8", "application/merge-patch+json"],
)  # fmt: skip
def test_json_by_any_of_its_names_is_read(attack: Attacker, media: str | None) -> None:
    assert attack("POST", "/clients", b'{"name":"x"}', headers={"Content-Type": media}).status == 201


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-nothing"])
def test_compressed_bodies_are_not_read(attack: Attacker, coding: str) -> None:
    plain = b'{"name":"' + b"x" * 100_000 + b'"}'
    body = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}.get(coding, plain)
    answer = attack("POST", "/clients", body, headers={"Content-Encoding": coding})
    assert_civil(answer)
    assert (answer.status, answer.error["code"]) == (415, "bad_request")


def test_a_hundred_thousand_parameters_are_refused(attack: Attacker) -> None:
    for query in ("&".join(f"a{number}=1" for number in range(100_000)), "limit=1&" * 100_000, "&" * 100_000):
        answer = attack("GET", "/clients", query=query)
        assert_civil(answer)
        assert answer.status in {200, 400, 422}
        assert len(answer.body) < 100_000
    malformed(attack("GET", "/clients", query="&".join(f"a{number}=1" for number in range(100_000))))


def test_a_huge_parameter_is_refused_by_name(attack: Attacker) -> None:
    for name in ("search", "cursor", "sort", "limit", "createdAtFrom"):
        answer = attack("GET", "/clients", query=f"{name}={'9' * 1_000_000}")
        assert_civil(answer)
        assert (answer.status, answer.named) == (422, {name})
        assert len(answer.body) < 2000


@pytest.mark.parametrize("value", [0, 1.5, True, [], {}, "x", -1, None])
def test_the_traps_of_lenient_parsers_are_none_here(attack: Attacker, value: Any) -> None:
    """`entryDate: 0` was 1970-01-01 elsewhere, and `true` was one second."""
    body = {"projectId": attack.studio.ids["project"], "entryDate": value, "durationSeconds": 60}
    answer = attack("POST", "/time-entries", json.dumps(body))
    assert (answer.status, answer.named) == (422, {"entryDate"})


@pytest.mark.parametrize(
    "text", ["🕰️👩‍👩‍👧‍👦", "\u202eעברית\u202c", "a\u0301\u0323", "\ufeffBOM", "\u2028\u2029", "\x01\x1f\x7f", "𝒳" * 50]
)
def test_any_unicode_text_comes_back_as_it_was(attack: Attacker, text: str) -> None:
    for ascii_only in (True, False):
        made = attack("POST", "/clients", json.dumps({"name": text, "notes": text}, ensure_ascii=ascii_only))
        assert made.status == 201, made.body
        data = made.json["data"]
        assert (data["name"], data["notes"]) == (text, text)
        assert attack("GET", f"/clients/{data['id']}").json["data"] == data


def test_no_method_is_a_fault(attack: Attacker) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "FOO", "get", "", "G E T", "\x00", "OPTIONS", "HEAD", "PUT"):
        for path in ("/clients", f"/clients/{attack.studio.ids['client']}", "/nothing", "", "/", "//", "/clients//"):
            answer = attack(method, path, b"")
            assert answer.status < 500, answer.asked


@pytest.mark.parametrize(
    "path", ["/%00", "/%ff", "/clients/%2e%2e/%2e%2e/me", "/clients%00", "/" + "a/" * 5000, "/" + "x" * 100_000, "/%F0"]
)  # fmt: skip
def test_no_path_is_a_fault(attack: Attacker, path: str) -> None:
    answer = attack("GET", path)
    assert_civil(answer)
    assert answer.status == 404
    assert len(answer.body) < 10_000, "a refusal is not an echo"
