"""Forms as PHP reads them, and whatever else may come as a body."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.api.fields import Malformed
from tallystick.api.growcrm.forms import DEEPEST, FORM, MOST_FIELDS, listed, parse
from tallystick.values.errors import Invalid

JSON = "application/json"
PARTS = "multipart/form-data; boundary=line"


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--line\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a=1&b=x+y", {"a": "1", "b": "x y"}),
        ("a=1&a=2", {"a": "2"}),
        ("a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}),
        ("a%5B%5D=x&a%5B%5D=y", {"a": {"0": "x", "1": "y"}}),
        ("a[3]=x&a[]=y", {"a": {"3": "x", "4": "y"}}),
        ("items[0][description]=d&items[0][qty]=2&items[1][qty]=3",
         {"items": {"0": {"description": "d", "qty": "2"}, "1": {"qty": "3"}}}),
        ("items[][qty]=2&items[][qty]=3", {"items": {"0": {"qty": "2"}, "1": {"qty": "3"}}}),
        ("a=1&a[]=2", {"a": {"0": "2"}}),
        ("a[]=2&a=1", {"a": "1"}),
        ("a[b]=1&a[b][c]=2", {"a": {"b": {"c": "2"}}}),
        ("a.b=1&c d=2&%20e=3", {"a_b": "1", "c_d": "2", "e": "3"}),
        ("a[b=1", {"a_b": "1"}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("[a]=1&=2&[]=3", {}),
        ("name=%C3%A9", {"name": "é"}),
        ("a", {"a": ""}),
        ("a=b=c&&d=", {"a": "b=c", "d": ""}),
    ],
)  # fmt: skip
def test_brackets_nest_and_later_names_win(text: str, fields: dict[str, Any]) -> None:
    assert parse(text.encode(), f"{FORM}; charset=utf-8") == fields


def test_parts_are_fields_and_files_are_left_out() -> None:
    body = part("task_id", b"43") + part("tags[]", "é".encode()) + part("tags[]", b"b")
    body += part("file", b"\xff\xfe", '; filename="a.bin"') + b"--line--\r\n"
    assert parse(body, PARTS) == {"task_id": "43", "tags": {"0": "é", "1": "b"}}
    assert parse(body.replace(b"--line", b"--a b"), 'multipart/form-data; boundary="a b"')["task_id"] == "43"


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"a=%ff", FORM),
        (b"a=\xff", FORM),
        ("a=é".encode("latin-1"), FORM),
        (b"%ff=1", FORM),
        (b"a%00=1", FORM),
        (b"a" + b"[b]" * DEEPEST + b"=1", FORM),
        (b"a" + b"[]" * 200_000 + b"=1", FORM),
        (b"&".join([b"a[]=1"] * (MOST_FIELDS + 1)), FORM),
        (b"&" * 100_000, FORM),
        (b"nothing", PARTS),
        (b"nothing", "multipart/form-data"),
        (part("a", b"1"), PARTS),
        (part("a", b"\xff") + b"--line--", PARTS),
        (part("a", b"1") * (MOST_FIELDS + 1) + b"--line--", PARTS),
        (b"[]", JSON),
        (b'"x"', JSON),
        (b"{", JSON),
        (b'{"a": "\xff"}', JSON),
        (b'{"a":' * 6 + b"1" + b"}" * 6, JSON),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON),
        (b'{"a":[' + b",".join([b"1"] * MOST_FIELDS) + b"]}", JSON),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(body: bytes, media: str) -> None:
    with pytest.raises((Malformed, Invalid)):
        parse(body, media)


def test_what_is_just_within_the_bounds_is_read() -> None:
    assert len(parse(b"&".join(b"a%d=1" % place for place in range(MOST_FIELDS)), FORM)) == MOST_FIELDS
    assert parse(b"a[b][c][d][e]=1", FORM) == {"a": {"b": {"c": {"d": {"e": "1"}}}}}
    assert parse(b'{"a":{"b":{"c":{"d":{"e":1}}}}}', JSON) == {"a": {"b": {"c": {"d": {"e": 1}}}}}


def test_lists_are_lists_however_they_came() -> None:
    assert listed(["x"]) == listed({"7": "x"}) == listed({"a": "x"}) == ["x"]
    assert listed("x") is listed(None) is None


@given(st.text(max_size=60), st.sampled_from([FORM, JSON, PARTS]))
def test_any_text_is_read_or_refused(text: str, media: str) -> None:
    with contextlib.suppress(Malformed, Invalid):
        assert isinstance(parse(text.encode(errors="surrogatepass"), media), dict)
