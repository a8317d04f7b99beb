"""The current organization on the wire (contract expensicat 5): the workspace of the token."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.wire import Ask, Operation
from tallystick.domain import workspaces
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.workspaces import Workspace


class OrganizationJson(Struct, gc=False):
    id: str
    name: str
    slug: str
    logo: str | None
    base_currency: str
    avatar_url: str | None
    created_at: datetime


class OrganizationFields(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    logo: Annotated[str, Meta(max_length=2000, pattern="^(https?://.*)?$")] | UnsetType | None = UNSET


def get_organization(ctx: Context, _ask: Ask) -> Struct:
    return _shown(workspaces.introduce(ctx))


def update_organization(ctx: Context, ask: Ask) -> Struct:
    return _shown(workspaces.change(ctx, **{name: value or None for name, value in ask.facts.items()}))


def slug(name: str) -> str:
    """A name for addresses: `Müller & Søn` → `muller-sn`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "organization"


def _shown(workspace: Workspace) -> OrganizationJson:
    return OrganizationJson(
        id=workspace.id,
        name=workspace.name,
        slug=slug(workspace.name),
        logo=workspace.logo,
        base_currency=workspace.default_currency,
        avatar_url=workspace.logo,
        created_at=workspace.created_at,
    )


OPERATIONS = (
    Operation(
        "getCurrentOrganization", "GET", "/organizations/current", get_organization, "Get the current organization",
        Permission.READ_SELF, OrganizationJson, scope="team:read", tag="Organization",
    ),
    Operation(
        "updateCurrentOrganization", "PATCH", "/organizations/current", update_organization,
        "Update the current organization", Permission.CHANGE_WORKSPACE, OrganizationJson, body=OrganizationFields,
        scope="team:admin", tag="Organization",
    ),
)  # fmt: skip
