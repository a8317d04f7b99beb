"""`tallystick recurring`, as an operator types it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tallystick.domain import clients
from tests.cli.conftest import Answer, Filled, Tallystick


@pytest.fixture
def recur(filled: Filled, tallystick: Tallystick) -> Any:
    """`tallystick recurring …` inside the studio."""

    def run(*words: str) -> Answer:
        return tallystick("recurring", *words, "-w", filled.studio.workspace_id)

    return run


def create(recur: Any, *words: str) -> Any:
    return recur("create", "Globex", "--rule", "FREQ=DAILY;COUNT=3", "--line", "Care @ 80", *words, "--json").json


def test_an_invoice_recurs_with_all_that_can_be_said(recur: Any, own_url: str) -> None:
    made = recur(
        "create", "Globex", "--rule", "freq=monthly", "--start", "2099-01-31", "--line", "2 x Hosting @ 19.90",
        "--line", "Care @ 80", "--name", "Hosting", "--send", "--month-end", "skip", "--catch-up", "latest",
        "--time-zone", "Pacific/Auckland", "--discount", "5%", "--tax-rate", "19", "--notes", "Thank you",
        "--po-number", "PO-7", "--json",
    ).json  # fmt: skip
    assert {name: made[name] for name in made if name != "id"} == {
        "name": "Hosting", "client": "Globex", "status": "ACTIVE", "mode": "SEND", "rule": "FREQ=MONTHLY",
        "next_run_on": "2099-01-31", "failure": None,
    }  # fmt: skip
    with psycopg.connect(own_url) as connection:
        kept = connection.execute(
            "SELECT template, month_end, catch_up, time_zone FROM recurring_invoices WHERE id = %s", [made["id"]]
        ).fetchone()
    assert kept is not None
    assert [(one["quantity"], one["description"], one["rate"]) for one in kept[0]["lines"]] == [
        ("2", "Hosting", "19.90"), ("1", "Care", "80"),
    ]  # fmt: skip
    assert kept[1:] == ("SKIP", "LATEST", "Pacific/Auckland")


def test_a_line_says_all_that_a_line_of_a_draft_may(
    recur: Any, tallystick: Tallystick, filled: Filled, own_url: str
) -> None:
    here = ("-w", filled.studio.workspace_id)
    reduced: Any = tallystick("tax-rate", "create", "Reduced", "--percent", "7", *here, "--json").json
    made: Any = recur(
        "create", "Globex", "--rule", "FREQ=DAILY;COUNT=1", "--gross", "--tax-rate", "19", "--tax-category", "standard",
        "--line", "3 x Seats @ 12 | unit=seat | heading=Licences {{mm}} | discount=5% | tax-rate=Reduced",
        "--line", "Deposit | or so @ 50 | tax-category=outside_scope | tax-reason=Returned at the end",
        "--line", "Care @ 80 |tax-rate=none|discount=10", "--json",
    ).json  # fmt: skip
    recur("run")
    with psycopg.connect(own_url) as connection:
        lines = connection.execute(
            "SELECT l.description, l.unit, l.heading, l.discount_percent, l.gross_discount, l.tax_rate, "
            "l.tax_category, l.tax_reason, l.tax_rate_id::text "
            "FROM invoice_lines AS l JOIN recurring_runs AS r USING (invoice_id) "
            "WHERE r.recurring_id = %s ORDER BY l.position",
            [made["id"]],
        ).fetchall()
        kept = connection.execute(
            "SELECT i.prices_include_tax, i.default_tax_rate FROM invoices AS i JOIN recurring_runs AS r "
            "ON r.invoice_id = i.id WHERE r.recurring_id = %s",
            [made["id"]],
        ).fetchall()
    month = datetime.now(ZoneInfo("Europe/Berlin")).strftime("%m")  # where the studio is
    assert [tuple(str(one) for one in line) for line in lines] == [
        ("Seats", "seat", f"Licences {month}", "5.0000", "1.8000", "7.0000", "STANDARD", "None", reduced["id"]),
        (
            "Deposit | or so",
            "fixed fee",
            "None",
            "None",
            "0.0000",
            "None",
            "OUTSIDE_SCOPE",
            "Returned at the end",
            "None",
        ),
        ("Care", "fixed fee", "None", "None", "10.0000", "None", "OUTSIDE_SCOPE", "None", "None"),
    ]
    assert kept == [(True, 19)]


@pytest.mark.parametrize(
    "words", ["Care @ 80 | discount=x", "Care @ 80 | tax-category=x", "Care @ 8 | unit=a | unit=b"]
)
def test_a_line_that_makes_no_sense_is_a_usage_error(recur: Any, words: str) -> None:
    assert recur("create", "Globex", "--rule", "FREQ=DAILY", "--line", words).code == 2


def test_what_is_due_is_made_once_however_often_it_runs(recur: Any, own_url: str) -> None:
    create(recur)
    first = recur("run", "--json").json
    recurred = [one for one in first if one["what"] == "Care"]
    assert {"client": "Globex", "outcome": "MADE"}.items() <= recurred[-1].items()
    assert recur("run").out == "Nothing was due.\n"
    with psycopg.connect(own_url) as connection:
        count = connection.execute("SELECT count(*) FROM recurring_runs WHERE outcome = 'MADE'").fetchone()
    assert count == (len(recurred) + 1,)  # the studio had one


def test_days_are_shown_skipped_paused_and_cancelled(recur: Any) -> None:
    named = create(recur, "--name", "Short")["name"]
    today = datetime.now(UTC).date()
    recur("run")
    assert recur("skip", named).out.startswith("Short is next on ")
    shown = recur("days", named, "--json").json
    assert [one["outcome"] for one in shown] == ["MADE", "SKIPPED", None]
    assert abs(datetime.fromisoformat(shown[2]["day"]).date() - today - timedelta(days=2)) <= timedelta(days=1)
    assert recur("pause", named).out == "Short is paused.\n"
    assert recur("resume", named).out.startswith("Short goes on, next on ")
    assert recur("cancel", named, "--json").json["status"] == "CANCELLED"
    listed = {one["name"]: one["status"] for one in recur("list", "--json").json}
    assert listed == {"Short": "CANCELLED", "Care": "ACTIVE"}


def test_what_fails_is_named_and_ends_with_one(recur: Any, filled: Filled) -> None:
    create(recur, "--send", "--name", "Stubborn")
    with filled.studio.context() as ctx:
        clients.change(ctx, filled.ids["client"], require_po_number=True)
    said = recur("run")
    assert said.code == 1
    assert "Studio North: Stubborn fails: " in said.err
    assert "PO number" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "Globex", "--rule", "FREQ=HOURLY", "--line", "Care @ 80"], "must be one of DAILY"),
        (["create", "Hooli", "--rule", "FREQ=DAILY", "--line", "Care @ 80"], "no client called Hooli"),
        (["pause", "Nobody"], "no recurring invoice called Nobody"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(recur: Any, words: list[str], said: str) -> None:
    answer = recur(*words)
    assert (answer.code, said in answer.err) == (1, True), answer.err


@pytest.mark.parametrize("line", ["Care", "@ 80", "x x Care @ 80", "Care @ much"])
def test_a_line_that_is_none_is_a_usage_error(recur: Any, line: str) -> None:
    assert recur("create", "Globex", "--rule", "FREQ=DAILY", "--line", line).code == 2
