"""Whoever issues is killed between every two statements: either nothing happened or everything."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tests.studio import Studio

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="forks and kills")


@pytest.mark.parametrize("what", ["send", "credit"])
def test_a_document_is_issued_wholly_or_not_at_all(studio: Studio, database_url: str, what: str) -> None:
    with studio.context() as ctx:
        line = CustomLine("Fee", Decimal(1), Decimal(100))
        invoice = draft.draft(ctx, client_id=studio.ids["client"], project_ids=[], lines=[line]).invoice
        if what == "credit":
            lifecycle.mark_sent(ctx, invoice.id)
    told = subprocess.run(
        [sys.executable, "-m", "tests.crash.sender", database_url, studio.workspace_id, studio.owner.user_id,
         invoice.id, what],
        check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    steps = [json.loads(line) for line in told.stdout.splitlines()]
    before = ["DRAFT", invoice.number, 0, 1, 0, 0, 0] if what == "send" else ["SENT", "INV-0001", 1, 2, 1, 0, 1]
    after = ["SENT", "INV-0001", 1, 2, 1, 0, 1] if what == "send" else ["CANCELLED", "INV-0001", 2, 2, 2, 1, 2]
    assert len(steps) > 10, "it was killed at many places"
    assert all(step["killed"] and step["state"] == before for step in steps[:-1]), steps
    assert (steps[-1]["killed"], steps[-1]["state"]) == (False, after)
