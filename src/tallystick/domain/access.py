"""Who may do what: roles, permissions, scopes, plans and entitlements, as tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, get_args

Role = Literal["OWNER", "ADMIN", "MANAGER", "MEMBER"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

Plan = Literal["free", "studio", "agency"]
PLANS: Final[tuple[Plan, ...]] = get_args(Plan)

Scope = Literal["read", "write"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)


class Permission(StrEnum):
    """What a verb asks for. Names read as the sentence "may <permission>"."""

    SEE_MONEY = "see rates and amounts"
    SEE_EVERYONE = "see the whole workspace's work"
    READ_WORKSPACE = "read the workspace's settings"
    CHANGE_WORKSPACE = "change the workspace's settings"
    READ_MEMBERS = "read members"
    CHANGE_MEMBERS = "add, change and remove members"
    READ_CLIENTS = "read clients"
    CHANGE_CLIENTS = "create, change and delete clients"
    READ_PROJECTS = "read projects"
    CHANGE_PROJECTS = "create, change and archive projects"
    READ_TASKS = "read tasks"
    CHANGE_OWN_TASKS = "change tasks assigned to them"
    CHANGE_TASKS = "create, change and archive tasks"
    TRACK_TIME = "track their own time"
    CHANGE_ANY_TIME = "change anybody's time"
    REASSIGN_TIME = "record time for another person"
    READ_EXPENSES = "read expenses"
    CHANGE_EXPENSES = "create, change and delete expenses"
    READ_INVOICES = "read invoices"
    CHANGE_INVOICES = "create, change and send invoices"
    RECORD_PAYMENTS = "record and delete payments"
    READ_SELF = "read their own account"
    READ_CATEGORIES = "read categories"
    CHANGE_CATEGORIES = "create, change and delete categories"
    COMMENT = "comment on tasks"
    KEEP_NOTES = "keep notes"
    CHANGE_ANY_NOTE = "change anybody's notes"
    READ_AUDIT = "read the audit log"
    CHANGE_RATES = "set rates that begin on a day"
    WRITE_OFF = "write off unbilled work"
    KEEP_API_KEYS = "make and revoke API keys"
    READ_MAILS = "read what was mailed"
    EXPORT_EVERYTHING = "export everything"
    CLOSE_WORKSPACE = "close the workspace"
    APPROVE_TIME = "approve weeks"
    LOOK_AS_MEMBER = "look at pages as a member does"


_P = Permission
_MEMBER = frozenset(
    {
        _P.READ_MEMBERS,
        _P.READ_PROJECTS,
        _P.READ_TASKS,
        _P.CHANGE_OWN_TASKS,
        _P.TRACK_TIME,
        _P.READ_SELF,
        _P.COMMENT,
        _P.KEEP_NOTES,
    },
)
_MANAGER = _MEMBER | {
    _P.SEE_MONEY,
    _P.SEE_EVERYONE,
    _P.READ_WORKSPACE,
    _P.READ_CLIENTS,
    _P.CHANGE_CLIENTS,
    _P.CHANGE_PROJECTS,
    _P.CHANGE_TASKS,
    _P.CHANGE_ANY_TIME,
    _P.READ_EXPENSES,
    _P.CHANGE_EXPENSES,
    _P.READ_INVOICES,
    _P.CHANGE_INVOICES,
    _P.READ_CATEGORIES,
    _P.CHANGE_CATEGORIES,
    _P.CHANGE_ANY_NOTE,
    _P.CHANGE_RATES,
    _P.WRITE_OFF,
    _P.READ_MAILS,
    _P.APPROVE_TIME,
}
_ADMIN = _MANAGER | {
    _P.REASSIGN_TIME,
    _P.RECORD_PAYMENTS,
    _P.CHANGE_WORKSPACE,
    _P.CHANGE_MEMBERS,
    _P.READ_AUDIT,
    _P.LOOK_AS_MEMBER,
}

GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    "OWNER": _ADMIN | {_P.KEEP_API_KEYS, _P.EXPORT_EVERYTHING, _P.CLOSE_WORKSPACE},  # a key acts as the owner
    "ADMIN": _ADMIN,
    "MANAGER": _MANAGER,
    "MEMBER": _MEMBER,
}
"""Roles and what each may do (contract hoursmith 1.12). A Member sees only the projects they are on."""


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What a plan gives. Self-hosted workspaces default to `agency`: nothing is walled off."""

    features: frozenset[str]
    burst: int
    """Requests per 10 seconds and token."""
    sustained: int
    """Requests per 60 seconds and token."""
    seats: int | None = None
    """How many people may be members, those who are invited counted; None: as many as there are."""


ENTITLEMENTS: Final[dict[Plan, Entitlements]] = {
    "free": Entitlements(frozenset(), burst=30, sustained=600, seats=3),
    "studio": Entitlements(frozenset({"apiAccess", "reports"}), burst=30, sustained=600, seats=10),
    "agency": Entitlements(
        frozenset({"apiAccess", "reports", "outboundWebhooks", "advancedReporting"}), burst=60, sustained=1200
    ),
}


def plan_with(feature: str) -> Plan:
    """The smallest plan that has a feature."""
    return next(plan for plan in PLANS if feature in ENTITLEMENTS[plan].features)


def plan_for_seats(count: int) -> Plan:
    """The smallest plan with so many seats."""
    return next(plan for plan in PLANS if (seats := ENTITLEMENTS[plan].seats) is None or seats >= count)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person in a workspace, through a credential."""

    workspace_id: str
    user_id: str
    role: Role
    plan: Plan = "agency"
    scopes: frozenset[str] = frozenset(SCOPES)
    workspace_name: str = ""
    time_zone: str = "UTC"
    """The person's time zone, else the workspace's."""
    credential: str = ""
    """The public prefix of the credential, for limits and the log; never the secret."""
    credential_name: str = ""
    founder_id: str = ""
    """An API key acts as the owner; what it makes is the founder's, who is person number 1 for ever."""
    own_role: Role | None = None
    """Of whoever looks at pages as a member does: what they see is a Member's, and they change nothing."""

    @property
    def maker(self) -> str | None:
        """Whose that is which they make; None: the operator's."""
        return self.founder_id or self.user_id or None

    def may(self, permission: Permission) -> bool:
        return permission in GRANTS[self.role]

    @property
    def sees_money(self) -> bool:
        return Permission.SEE_MONEY in GRANTS[self.role]

    @property
    def sees_everyone(self) -> bool:
        return Permission.SEE_EVERYONE in GRANTS[self.role]


def as_member(actor: Actor) -> Actor:
    """The actor with a Member's eyes, for those who may; others stay who they are."""
    if actor.own_role is not None or not actor.may(Permission.LOOK_AS_MEMBER):
        return actor
    return replace(actor, role="MEMBER", own_role=actor.role)


def as_themselves(actor: Actor) -> Actor:
    """The actor with their own eyes again."""
    return actor if actor.own_role is None else replace(actor, role=actor.own_role, own_role=None)
