"""A body with which each operation succeeds, and which noun each number of a request means."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.growcrm.world import number
from tests.matrix.world import World


class N(NamedTuple):
    """The number of a noun of the furnished world."""

    noun: str


BODIES: dict[str, dict[str, Any]] = {
    "createTimesheet": {
        "task_id": N("task"), "user_id": N("user"), "hours": 1, "minutes": 30, "timer_created": "2026-06-20",
    },
    "updateTimesheet": {"hours": 2, "minutes": 0},
    "createTask": {
        "task_projectid": N("project"), "task_title": "Copy", "task_status": N("status"),
        "task_priority": N("priority"), "task_milestoneid": N("milestone"),
    },
    "updateTask": {
        "task_title": "Copy", "task_status": N("status"), "task_priority": N("priority"),
        "task_milestoneid": N("milestone"),
    },
    "setTaskStatus": {"status": N("status")},
    "setTaskAssigned": {"assigned": [N("user")]},
    "setTaskTags": {"tags": ["design"]},
    "cloneTask": {
        "task_title": "Again", "task_status": N("status"), "project_id": N("project"),
        "task_milestoneid": N("milestone"),
    },
    "createTaskComment": {"comment": "As agreed"},
    "createTeamMember": {"first_name": "Ada", "last_name": "Berg", "email": "ada@new.example", "role_id": 3},
    "updateTeamMember": {"first_name": "Ada", "last_name": "Berg", "email": "ada@new.example"},
    "createClient": {
        "first_name": "Mona", "last_name": "Lund", "email": "mona@new.example", "client_company_name": "Umbrella",
        "client_categoryid": N("category.client"),
    },
    "updateClient": {"client_company_name": "Umbrella", "client_categoryid": N("category.client")},
    "setClientTags": {"tags": ["design"]},
    "setClientStatus": {"status": "suspended"},
    "setClientOwner": {"owner": N("contact.second")},
}  # fmt: skip

QUERIES: dict[str, dict[str, Any]] = {}
"""Operation → a query without which it is refused."""

PATHS = {"timesheets": "entry", "tasks": "task", "team": "user", "comments": "comment", "clients": "client"}
"""A part of a path → the noun of the number behind it."""

TARGETS: dict[str, str] = {"deleteClient": "client.free"}
"""Operation → the noun of its path, where only a special one will do."""

NAMED = {
    "task_id": "task", "project_id": "project", "client_id": "client", "user_id": "user", "milestone_id": "milestone",
    "assigned_user_id": "user", "status": "status", "priority": "priority", "role_id": None,
    "task_projectid": "project", "task_status": "status", "task_priority": "priority", "task_milestoneid": "milestone",
    "assigned": "user", "category_id": "category", "client_categoryid": "category", "owner": "contact",
    "client_billing_invoice_due_days": None,
}  # fmt: skip
"""A filter or a field that is a number → the noun it means; None: numbers that are the same everywhere."""

COUNTED_APART = frozenset({"user", "status", "priority", "category"})
"""Nouns that each workspace counts from 1: the number of another one is also a number here."""


def filled(value: Any, world: World) -> Any:
    """A body with the numbers of a world."""
    if isinstance(value, N):
        return number(world.studio, value.noun, world[value.noun])
    if isinstance(value, dict):
        return {name: filled(part, world) for name, part in value.items()}
    return [filled(part, world) for part in value] if isinstance(value, list) else value
