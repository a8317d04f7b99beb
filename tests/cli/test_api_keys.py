from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from tallystick.auth import api_keys as texts
from tallystick.db.session import Database
from tallystick.domain.access import Actor
from tallystick.values.errors import Unauthenticated
from tests.cli.conftest import Filled, Tallystick
from tests.studio import KEY


def act(pool: Database, key: str) -> Actor:
    with pool.transaction() as connection:
        return texts.actor_of(connection, KEY, key, datetime.now(UTC))


def test_the_key_alone_goes_to_standard_output_and_works(
    filled: Filled, tallystick: Tallystick, own_pool: Database
) -> None:
    said = tallystick("apikey", "create", "Bookkeeping", "-w", filled.studio.workspace_id)
    assert said.code == 0
    key = said.out.removesuffix("\n")
    assert "not shown again" in said.err
    assert key not in said.err
    actor = act(own_pool, key)
    assert (actor.workspace_id, actor.user_id, actor.role) == (
        filled.studio.workspace_id,
        filled.studio.owner.user_id,
        "OWNER",
    )


def test_only_a_digest_is_kept_and_it_is_not_listed(filled: Filled, tallystick: Tallystick, own_url: str) -> None:
    made = tallystick("apikey", "create", "Books", "-w", filled.studio.workspace_id, "--json").json
    with psycopg.connect(own_url) as connection:
        kept = connection.execute("SELECT digest FROM api_keys WHERE prefix = %s", [made["prefix"]]).fetchone() or ()
    assert bytes(kept[0]) == texts.digest(KEY, made["key"])
    listed = tallystick("apikey", "list", "-w", filled.studio.workspace_id, "--json")
    assert [(one["name"], one["state"]) for one in listed.json][:1] == [("Books", "live")]
    for said in (listed, tallystick("apikey", "list", "-w", filled.studio.workspace_id), tallystick("doctor")):
        assert said.code == 0
        assert made["key"] not in said.out
        assert made["key"].rsplit("_", 1)[1] not in said.out


@pytest.mark.parametrize("whole", [True, False])
def test_a_revoked_key_opens_nothing(whole: bool, filled: Filled, tallystick: Tallystick, own_pool: Database) -> None:
    made = tallystick("apikey", "create", "Books", "-w", filled.studio.workspace_id, "--json").json
    named = made["key"] if whole else made["prefix"]
    assert f"Revoked Books ({made['prefix']})." in tallystick("apikey", "revoke", named).out
    assert "was revoked before" in tallystick("apikey", "revoke", named).out
    with pytest.raises(Unauthenticated):
        act(own_pool, made["key"])


def test_what_is_no_key_of_ours_is_a_sentence(filled: Filled, tallystick: Tallystick) -> None:
    for wrong, why in (("0123456789ab", "There is no API key"), ("Books", "Name a key by its prefix")):
        said = tallystick("apikey", "revoke", wrong)
        assert (said.code, why in said.err) == (1, True)
    said = tallystick("apikey", "create", " ", "-w", filled.studio.workspace_id)
    assert (said.code, "must not be empty" in said.err) == (1, True)


def test_a_workspace_without_keys_says_so(filled: Filled, tallystick: Tallystick) -> None:
    assert "No API keys." in tallystick("apikey", "list", "-w", filled.other.workspace_id).out
