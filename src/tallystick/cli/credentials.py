"""What commands for tokens and for API keys share: ending one by what is known of it, and its row in a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import bindparam

from tallystick.cli.console import CommandError, open_database, say
from tallystick.domain.api_keys import ApiKey
from tallystick.domain.context import Context
from tallystick.domain.tokens import Token

Credential = TypeVar("Credential", Token, ApiKey)


class Kind(NamedTuple):
    """A kind of credential, as people call and name it."""

    noun: str
    article: str
    command: str
    begins: str
    """What stands in front of the prefix in one, as a pattern."""

    def prefix_in(self, said: str) -> str:
        """The prefix that is said; also of a whole one: whoever found it may end it with what they have."""
        match = re.fullmatch(rf"(?:{self.begins})?([0-9a-f]{{12}})(?:_[0-9A-Za-z]{{32}})?", said.strip(), re.ASCII)
        if match is None:
            raise CommandError(
                f"Name {self.article} by its prefix, the twelve characters that tallystick {self.command} list shows."
            )
        return match[1]


def end(
    kind: Kind,
    row: type[Credential],
    revoke: Callable[[Context, Credential], None],
    said: str,
    *,
    workspace: str | None,
    data: Path | None,
    json: bool,
) -> None:
    """Revoke the one of this prefix, in the workspace that is named or in whichever has it."""
    prefix = kind.prefix_in(said)
    with open_database(data=data) as operator:
        known = operator.workspaces() if workspace is None else [operator.find_workspace(workspace)]
        for workspace_id, name, _ in known:
            with operator.transaction(workspace_id, workspace_name=name) as ctx:
                for found in ctx.select(row, row.prefix == bindparam("prefix"), prefix=prefix):
                    before = found.revoked_at
                    revoke(ctx, found)
                    text = f"Revoked {found.name} ({prefix})." if before is None else f"{prefix} was revoked before."
                    say({"prefix": prefix, "revoked_at": found.revoked_at}, json=json, text=text)
                    return
    raise CommandError(f"There is no {kind.noun} with the prefix {prefix}.")


def at(instant: datetime | None) -> str | None:
    """An instant in a list."""
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
