"""`tallystick automatic-billing`, as an operator types it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Answer, Filled, Tallystick


@pytest.fixture
def billing(filled: Filled, tallystick: Tallystick) -> Any:
    """`tallystick automatic-billing …` inside the studio."""

    def run(*words: str) -> Answer:
        return tallystick("automatic-billing", *words, "-w", filled.studio.workspace_id)

    return run


def test_it_is_set_listed_and_stopped(billing: Any) -> None:
    said = billing(
        "set", "Initech", "--every", "two_weeks", "--weekday", "fr", "--period-ends", "2099-01-02", "--send",
        "--grouping", "itemized", "--expenses", "--minimum", "100", "--json",
    ).json  # fmt: skip
    assert said == {
        "client": "Initech", "every": "TWO_WEEKS", "when": "FR", "mode": "SEND", "minimum": "100.00",
        "period_ends_on": "2099-01-02", "failure": None,
    }  # fmt: skip
    assert billing("set", "Initech", "--every", "HOURS", "--hours", "40", "--json").json["when"] == "40.00"
    listed = {one["client"]: one["every"] for one in billing("list", "--json").json}
    assert listed == {"Globex": "WEEK", "Initech": "HOURS"}
    assert billing("stop", "Initech").out == "The work for Initech waits for somebody to bill it.\n"
    assert billing("stop", "Initech").code == 1


def test_what_became_of_it_is_shown(billing: Any, filled: Filled, tallystick: Tallystick) -> None:
    billing("set", "Globex", "--every", "AMOUNT", "--amount", "100")
    ran = tallystick("recurring", "run", "-w", filled.studio.workspace_id, "--json").json
    assert {"workspace": "Studio North", "client": "Globex", "what": "tracked work", "outcome": "MADE"}.items() <= (
        ran[-1].items()
    )
    shown = billing("runs", "Globex", "--json").json
    assert [one["outcome"] for one in shown] == ["MADE", "MADE"]  # the studio had one
    assert shown[0]["invoice"] is not None


def test_what_does_not_go_together_is_a_sentence(billing: Any) -> None:
    said = billing("set", "Globex", "--every", "MONTH", "--hours", "4")
    assert (said.code, "hours: goes with every HOURS" in said.err) == (1, True)
