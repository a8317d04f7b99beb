"""`tallystick tax-rate`, and how invoices are taxed and explained on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Answer, Filled, Tallystick


@pytest.fixture
def run(filled: Filled, tallystick: Tallystick) -> Any:
    def run(*words: str) -> Answer:
        return tallystick(*words, "-w", filled.studio.workspace_id)

    return run


def test_rates_are_named_listed_chosen_and_put_away(run: Any) -> None:
    assert run("tax-rate", "list").out == "No tax rates have names.\n"
    made = run("tax-rate", "create", "Normal", "--percent", "19", "--default", "--json").json
    assert (made["category"], made["percent"], made["default"]) == ("STANDARD", "19.00", True)
    assert "Own is 0.00 % (EXEMPT)" in run("tax-rate", "create", "Own", "--category", "exempt", "--reason", "§ 19").out
    draft = run("invoice", "draft", "Globex", "--project", "Website", "--json").json["invoice"]
    assert draft["tax_rate"] == "19.00"
    assert "Own is the default" in run("tax-rate", "default", "Own").out
    assert [(one["name"], one["default"]) for one in run("tax-rate", "list", "--json").json] == [
        ("Normal", False),
        ("Own", True),
    ]
    assert "Normal is archived" in run("tax-rate", "delete", "Normal").out
    assert "Own is deleted" in run("tax-rate", "delete", "Own").out
    wrong = run("tax-rate", "delete", "Own")
    assert (wrong.code, "There is no tax rate called Own" in wrong.err) == (1, True)


def test_an_invoice_is_taxed_as_it_is_typed_and_explains_itself(run: Any) -> None:
    made = run(
        "invoice", "draft", "Globex", "--project", "Website", "--tax-rate", "25", "--gross", "--json",
    ).json["invoice"]  # fmt: skip
    assert float(made["total"]) == pytest.approx(float(made["subtotal"]) * 1.25, abs=0.02)
    told = run("invoice", "explain", made["number"])
    assert told.code == 0
    for word in ("balance", "subtotal", "× rate / (100 + rate)", "the rate of the client Globex"):
        assert word in told.out, word
    tree = run("invoice", "explain", made["id"], "--json").json
    assert (tree["what"], tree["value"]) == ("balance", made["total"])
    wrong = run("invoice", "draft", "Globex", "--project", "Website", "--tax-category", "exempt", "--tax-rate", "19")
    assert wrong.code == 1
