"""`tallystick workspace close`, `reopen` and `erase`, as an operator types them."""

from __future__ import annotations

from tests.cli.conftest import Filled, Tallystick


def test_a_workspace_is_closed_reopened_and_at_last_erased(filled: Filled, tallystick: Tallystick) -> None:
    studio = filled.studio
    which, said = studio.workspace_id, studio.name
    early = tallystick("workspace", "erase", which, "--name", said)
    assert (early.code, "is not closed" in early.err) == (1, True)
    shut = tallystick("workspace", "close", which, "--json").json
    assert shut["erased_at"] > shut["closed_at"]
    again = tallystick("workspace", "close", which)
    assert (again.code, "closed already" in again.err) == (1, True)
    assert "is open again" in tallystick("workspace", "reopen", which).out
    tallystick("workspace", "close", which)
    wrong = tallystick("workspace", "erase", which, "--name", "Another")
    assert (wrong.code, "Nothing is erased" in wrong.err) == (1, True)
    assert tallystick("workspace", "erase", which, "--name", said, "--json").json["erased"] is True
    assert which not in [one["id"] for one in tallystick("workspace", "list", "--json").json]
