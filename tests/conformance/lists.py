"""What the contract says about lists, told a second time: filters, sorts and pages over rows of the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.conformance.world import ask, instant, invalid, listed, walked
from tests.studio import Api

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Listed:
    """One list operation as the contract has it, by wire names."""

    path: str
    sorts: tuple[str, ...]
    search: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    instants: tuple[str, ...] = ("createdAt",)
    amounts: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()

    def sort_key(self, name: str) -> Callable[[dict[str, Any]], Any]:
        def key(row: dict[str, Any]) -> Any:
            value = row[name]
            if value is None:
                return None
            if name in self.choices:
                return self.choices[name].index(value)
            if name.endswith("At"):
                return instant(value)
            return Decimal(value) if name in self.amounts else value

        return key

    def ordered(self, rows: Rows, sort: str) -> list[str]:
        """Ids in the order of a sort: nulls last descending, first ascending; ties by id, in the same direction."""
        key = self.sort_key(sort.removeprefix("-"))
        nulls = sorted(row["id"] for row in rows if key(row) is None)
        others = [row["id"] for row in sorted((r for r in rows if key(r) is not None), key=lambda r: (key(r), r["id"]))]
        return [*others[::-1], *nulls[::-1]] if sort.startswith("-") else [*nulls, *others]


def directions(contract: Listed) -> list[str]:
    return [way + name for name in contract.sorts for way in ("", "-")]


def assert_sorted(api: Api, contract: Listed, sort: str, **query: Any) -> None:
    """The whole list in order, and the same rows once each in pages of three and of one more than half."""
    rows = listed(api, contract.path, sort=sort, **query)
    assert len(rows) > 4, "too few rows to say anything"
    expected = contract.ordered(rows, sort)
    assert [row["id"] for row in rows] == expected
    for limit in (1, 3, len(rows) // 2 + 1, len(rows)):
        assert [row["id"] for row in walked(api, contract.path, limit, sort=sort, **query)] == expected


def assert_defaults(api: Api, contract: Listed) -> None:
    """Fifty to a page, newest first."""
    result = ask(api, contract.path)
    assert result.json["pagination"]["limit"] == 50
    assert [row["id"] for row in result.json["data"]] == contract.ordered(result.json["data"], "-createdAt")[:50]


def assert_sorts_are(api: Api, contract: Listed) -> None:
    """No other field can be sorted by."""
    shown = set(listed(api, contract.path)[0])
    for name in (shown | {"", "-", "nothing", "created_at", "--createdAt", "createdAt,id"}) - set(contract.sorts):
        if name:
            invalid(ask(api, contract.path, sort=name), "sort")
    for name in contract.sorts:
        assert ask(api, contract.path, sort=name).status_code == 200


def assert_ids(rows: Rows, expected: Rows) -> None:
    assert {row["id"] for row in rows} == {row["id"] for row in expected}


def assert_ranges(api: Api, contract: Listed, every: Rows) -> None:
    """From, To, Min and Max are inclusive, leave out what is null, and combine."""
    for name in contract.dates:
        days = sorted({row[name] for row in every if row[name] is not None})
        assert days, f"no row has a {name}"
        for bound in days:
            since = [row for row in every if row[name] is not None and row[name] >= bound]
            until = [row for row in every if row[name] is not None and row[name] <= bound]
            assert_ids(listed(api, contract.path, **{f"{name}From": bound}), since)
            assert_ids(listed(api, contract.path, **{f"{name}To": bound}), until)
            assert_ids(
                listed(api, contract.path, **{f"{name}From": bound, f"{name}To": bound}),
                [row for row in since if row in until],
            )
            # A full timestamp on a day's field: the day counts from its UTC midnight on.
            assert_ids(listed(api, contract.path, **{f"{name}From": f"{bound}T00:00:00Z"}), since)
            past = f"{bound}T00:00:01Z"
            assert_ids(listed(api, contract.path, **{f"{name}From": past}), [r for r in since if r[name] != bound])
            assert_ids(listed(api, contract.path, **{f"{name}To": past}), until)
    for name in contract.instants:
        for moment in sorted({instant(row[name]) for row in every}):
            texts = (moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), _elsewhere(moment))
            for text in texts:
                since = [row for row in every if instant(row[name]) >= moment]
                until = [row for row in every if instant(row[name]) <= moment]
                assert_ids(listed(api, contract.path, **{f"{name}From": text}), since)
                assert_ids(listed(api, contract.path, **{f"{name}To": text}), until)
            _assert_whole_day(api, contract, every, name, moment.date())
    for name in (*contract.amounts, *contract.counts):
        kind: Any = Decimal if name in contract.amounts else int
        for bound in sorted({row[name] for row in every}, key=kind):
            least = [row for row in every if kind(row[name]) >= kind(bound)]
            most = [row for row in every if kind(row[name]) <= kind(bound)]
            assert_ids(listed(api, contract.path, **{f"{name}Min": bound}), least)
            assert_ids(listed(api, contract.path, **{f"{name}Max": bound}), most)


def assert_wrong_filters_are_named(api: Api, contract: Listed) -> None:
    """Every wrong parameter of one request is named, and an unknown one too."""
    wrong: dict[str, str] = {"limit": "0", "sort": "nothing", "nonsense": "1"}
    for name in (*contract.dates, *contract.instants):
        wrong |= {f"{name}From": "yesterday", f"{name}To": "2026-13-01"}
    for name in (*contract.amounts, *contract.counts):
        wrong |= {f"{name}Min": "much", f"{name}Max": "1e3"}
    wrong |= dict.fromkeys(contract.exact, "42") | dict.fromkeys(contract.choices, "SOME")
    wrong |= dict.fromkeys(contract.flags, "maybe")
    if contract.search:
        wrong["search"] = "x" * 201
    invalid(ask(api, contract.path, **wrong), *wrong)
    for name, value in wrong.items():
        invalid(ask(api, contract.path, **{name: value}), name)
    for limit in ("-1", "201", "1.5", "ten", "99999999999999999999", "٣"):
        invalid(ask(api, contract.path, limit=limit), "limit")


def assert_exact(api: Api, contract: Listed, every: Rows) -> None:
    """Ids, enums in either case, and the six words of a boolean."""
    for name in contract.exact:
        for value in {row[name] for row in every if row[name] is not None}:
            same = [row for row in every if row[name] == value]
            assert_ids(listed(api, contract.path, **{name: value}), same)
            assert_ids(listed(api, contract.path, **{name: value.upper()}), same)
    for name, choices in contract.choices.items():
        for value in choices:
            same = [row for row in every if row[name] == value]
            for text in (value, value.lower(), value.title()):
                assert_ids(listed(api, contract.path, **{name: text}), same)
    for name in contract.flags:
        for value, words in ((True, ("true", "1", "yes", "TRUE")), (False, ("false", "0", "no", "No"))):
            for word in words:
                assert_ids(listed(api, contract.path, **{name: word}), [row for row in every if row[name] is value])


def assert_search(api: Api, contract: Listed, every: Rows) -> None:
    """Part of any of the columns in any case; % and _ are letters like any other."""

    def found(text: str) -> Rows:
        return [row for row in every if any(text.lower() in (row[name] or "").lower() for name in contract.search)]

    for name in contract.search:
        texts = [row[name] for row in every if row[name]]
        assert texts, f"no row has a {name}"
        for text in texts:
            for part in (text, text[1:-1] or text, text.upper(), text.lower()):
                assert_ids(listed(api, contract.path, search=part[:200]), found(part[:200]))
    for text in ("%", "_", "\\", "%%", "a%b", "'", "nothing has this in it"):
        assert_ids(listed(api, contract.path, search=text), found(text))


def assert_empty_parameters_are_no_filter(api: Api, contract: Listed, every: Rows) -> None:
    """`?search=&status=` is what a form sends when nothing was chosen."""
    blank = dict.fromkeys((*contract.exact, *contract.choices, *contract.flags, "cursor"), "")
    assert_ids(listed(api, contract.path, **blank), every)


def _assert_whole_day(api: Api, contract: Listed, every: Rows, name: str, on: date) -> None:
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    since = [row for row in every if instant(row[name]) >= midnight]
    until = [row for row in every if instant(row[name]) < midnight + timedelta(days=1)]
    text = on.isoformat()
    assert_ids(listed(api, contract.path, **{f"{name}From": text}), since)
    assert_ids(listed(api, contract.path, **{f"{name}To": text}), until)
    both = [row for row in since if row in until]
    assert_ids(listed(api, contract.path, **{f"{name}From": text, f"{name}To": text}), both)


def _elsewhere(moment: datetime) -> str:
    """The same instant as another zone writes it."""
    local = (moment + timedelta(hours=5, minutes=30)).replace(tzinfo=None)
    return f"{local.isoformat()}+05:30"


def assert_list(api: Api, contract: Listed) -> None:
    """All of the above but the sorts, over the rows there are."""
    every = listed(api, contract.path)
    assert_defaults(api, contract)
    assert_sorts_are(api, contract)
    assert_exact(api, contract, every)
    assert_ranges(api, contract, every)
    if contract.search:
        assert_search(api, contract, every)
    assert_wrong_filters_are_named(api, contract)
    assert_empty_parameters_are_no_filter(api, contract, every)
