"""Values that have broken programs before, as they stand in a body and in a query."""

from __future__ import annotations

NOBODY = "01890000-0000-7000-8000-000000000000"

NUMBERS = (
    "0", "-0", "-1", "1.5", "0.00001", "1e2", "1E+1000000", "1E-1000000", "-1e400", "2147483648",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 40,
)  # fmt: skip
OTHERS = (
    "null", "true", "false", "[]", "[null]", "[[]]", '["x"]', "[1]", "{}", '{"a":1}', '{"$ne":null}', '{"":""}',
    "[" + ",".join(["1"] * 1000) + "]", "[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200,
    "[" * 600 + "]" * 600, '{"a":' * 600 + "1" + "}" * 600,
)  # fmt: skip
TEXTS = (
    "", " ", "a", "x" * 201, "x" * 10_001, "é" * 5_000, "0", "-1", "1e5", "NaN", "Infinity", "٣", "0000-00-00",
    "0000-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "1970-01-01", "2026-06-11T00:00:00Z", "24:00", "1:30",
    "99999999h", "not-a-uuid", NOBODY, "{" + NOBODY + "}", NOBODY.replace("-", ""), "'; DROP TABLE clients; --",
    "%s%n%x", "{{7*7}}", "${jndi:ldap://x}", "../../etc/passwd", "<script>alert(1)</script>", "\ufeff", "\u202e\u2066",
    "🕰️👩‍👩‍👧‍👦", "עברית العربية", "\x7f", "\r\nSet-Cookie: a=b", "=1+1", "\\", '"', "EUR", "eur", "ACTIVE", "ITEMIZED",
)  # fmt: skip
ESCAPED = (
    r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udc00\ud800"', r'"\ud83d"', r'"\uffff"', r'"\u001f"',
)  # fmt: skip
"""JSON strings by their escapes: NUL, halves of surrogate pairs, noncharacters, controls."""

NO_JSON = (
    "NaN", "Infinity", "-Infinity", "undefined", "'x'", "01", "1.", ".5", "+1", "0x10", "tru", '"open', r'"\x41"',
    r'"\u12"', "[1,]", '{"a":}', "{,}", "1 2", "/* c */ 1", '"tab\tinside"',
)  # fmt: skip
"""What some parsers take for a value and JSON does not."""


def in_bodies() -> tuple[str, ...]:
    quoted = tuple('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in TEXTS if _plain(text))
    return (*NUMBERS, *OTHERS, *ESCAPED, *quoted)


def _plain(text: str) -> bool:
    return all(letter >= " " for letter in text)


IN_QUERIES = (*TEXTS, *NUMBERS, "\x00", "a\x00b", "-", "--createdAt", "-createdAt,id", "createdAt;drop", "null", "on")
"""As text, before it is percent-encoded."""

RAW_QUERIES = ("%", "%zz", "%ff", "%ed%a0%80", "%c0%80", "%00", "+", "&&&", "=", "%26=%3d", "a=%", "[]=1", "a[]=1")
"""Percent-encoded by somebody who cannot."""

PATH_PARTS = (
    "0", "-1", "1e5", "abc", "%00", "%ff", "%ed%a0%80", "..", "%2e%2e", ".", "%20", "~", "'", "%2f", "x" * 4000,
    NOBODY, "{" + NOBODY + "}", NOBODY.replace("-", ""), NOBODY + "%0a", NOBODY + "%00", "%d9%a0" * 36, "null", ":id",
    "{id}", "%F0%9F%95%B0", "running", "start", "archive",
)  # fmt: skip

HEADERS = (
    "", " ", "x" * 9_000, "x" * 70_000, "\x00", "a\x00b", "\xff\xfe", "é", "1" * 5000, "-1", "0", "true", '"', '""',
    '"a", "b"', "a,b", "(", "\\", "%00", "; charset=", "application/json;charset=utf-16", "*/*;q=NaN", "\u00a0",
)  # fmt: skip
"""Values as a server hands them over: each character a byte."""
