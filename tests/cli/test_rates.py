from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import projects
from tests.cli.conftest import Answer, Filled, Tallystick


@pytest.fixture
def studio(filled: Filled, tallystick: Tallystick) -> Any:
    """`tallystick …` inside the studio."""

    def run(*words: str) -> Answer:
        return tallystick(*words, "-w", filled.studio.workspace_id)

    return run


def test_a_rate_is_previewed_set_listed_and_removed(filled: Filled, studio: Any) -> None:
    told = studio("rate", "preview", "100", "--client", "Globex", "--from", "2026-06-01", "--json").json
    # 9006 s and 9607 s are unbilled: 2.5017 h and 2.6686 h, in one line; and a timer runs.
    assert [(part["old"], part["new"], part["entries"]) for part in told["parts"]] == [("465.33", "517.03", 3)]
    assert {one["reason"] for one in told["kept"]} == {"invoiced"}
    done = studio("rate", "set", "100", "--client", "Globex", "--from", "2026-06-01", "--re-rate", "--json").json
    assert done["parts"] == told["parts"]
    listed = studio("rate", "list", "--client", "Globex", "--json").json
    assert [(one["effective_from"], one["amount"]) for one in listed] == [
        ("0001-01-01", "90.00"), ("2026-06-01", "100.00"),
    ]  # fmt: skip
    assert studio("rate", "remove", done["rate_id"]).code == 0
    assert len(studio("rate", "list", "--json").json) == 1
    assert "would hold" in studio("rate", "preview", "none", "--project", "Website", "--task", "Design").out
    assert studio("rate", "set", "much", "--client", "Globex").code == 1
    assert "--project" in studio("rate", "set", "10", "--task", "Design").err


def test_a_fee_is_billed_by_milestones(filled: Filled, studio: Any) -> None:
    with filled.studio.context() as ctx:
        projects.create(
            ctx, client_id=filled.ids["client"], name="Relaunch", rate_type="FIXED", fixed_fee_amount=Decimal(5000)
        )
    assert studio("milestone", "add", "Relaunch", "Concept", "--amount", "2500").code == 0
    changed = studio("milestone", "change", "Relaunch", "Concept", "--amount", "3000", "--title", "Idea", "--json").json
    assert (changed["title"], changed["amount"]) == ("Idea", "3000.00")
    assert studio("milestone", "reach", "Relaunch", "Idea", "--on", "2026-06-14", "--json").json["state"] == "REACHED"
    assert studio("milestone", "reopen", "Relaunch", "Idea", "--json").json["state"] == "OPEN"
    studio("milestone", "reach", "Relaunch", "Idea", "--on", "2026-06-14")
    made = studio("invoice", "draft", "Globex", "--project", "Relaunch", "--fees", "--tax-rate", "0", "--json").json
    assert [line["total"] for line in made["lines"]] == ["3000.00", "2000.00"]
    assert [one["state"] for one in studio("milestone", "list", "Relaunch", "--json").json] == ["OPEN", "BILLED"]
    locked = studio("milestone", "delete", "Relaunch", "Idea")
    assert (locked.code, "on an invoice" in locked.err) == (1, True)
    told = studio("report", "project", "Relaunch", "--json").json
    assert told["fee"] == {"agreed": "5000.00", "billed": "5000.00"}
    assert "5000.00 of it billed" in studio("report", "project", "Relaunch").out


def test_work_is_written_off_and_reconciled(filled: Filled, studio: Any) -> None:
    entry = filled.ids["entry7"]
    refused = studio("write-off", "time", entry)
    assert (refused.code, "reason" in refused.err) == (1, True)
    assert studio("write-off", "time", entry, "--reason", "goodwill", "--json").json["ids"] == [entry]
    report = studio("report", "reconciliation", "--client", "Globex", "--json")
    assert report.code == 0
    time = next(row for row in report.json if row["work"] == "time")
    assert (time["written_off"], time["adds_up"]) == ("9006 s, 225.15", True)
    assert studio("write-off", "time", entry, "--undo").code == 0
    assert "Globex" in studio("report", "reconciliation").out
