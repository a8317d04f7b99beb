"""The table of the Grow CRM-compatible API: every operation, once."""

from __future__ import annotations

from typing import Final

from tallystick.api.growcrm import clients, tasks, team, timesheets
from tallystick.api.wire import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *timesheets.OPERATIONS,
    *tasks.OPERATIONS,
    *team.OPERATIONS,
    *clients.OPERATIONS,
)
