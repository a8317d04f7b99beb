from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tallystick.auth import tokens as texts
from tallystick.cli.console import CommandError
from tallystick.cli.tokens import expiry
from tallystick.db.session import Database
from tests.cli.conftest import Answer, Filled, Tallystick
from tests.studio import KEY, Api, app_client

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


def create(tallystick: Tallystick, filled: Filled, *words: str, who: str = "manager") -> Answer:
    person = filled.studio.people[who]
    return tallystick("token", "create", person.email, "--name", "Reports", "-w", filled.studio.workspace_id, *words)


def listed(tallystick: Tallystick, filled: Filled, *words: str) -> list[dict[str, object]]:
    return tallystick("token", "list", *words, "-w", filled.studio.workspace_id, "--json").json


def test_the_token_alone_goes_to_standard_output_and_works(
    filled: Filled, tallystick: Tallystick, own_pool: Database, tmp_path: Path
) -> None:
    said = create(tallystick, filled)
    assert said.code == 0
    token = said.out.removesuffix("\n")
    assert texts.shape(token) is not None
    assert "not shown again" in said.err
    assert token not in said.err
    api = Api(app_client(own_pool, filled.studio.clock, tmp_path), token)
    assert api.get("/me")["role"] == "MANAGER"


def test_only_a_digest_is_kept_and_it_is_not_listed(filled: Filled, tallystick: Tallystick, own_url: str) -> None:
    made = create(tallystick, filled, "--json").json
    token = made["token"]
    with psycopg.connect(own_url) as connection:
        (digest,) = connection.execute("SELECT digest FROM tokens WHERE prefix = %s", [made["prefix"]]).fetchone() or ()
    assert bytes(digest) == texts.digest(KEY, token)
    for words in (("token", "list"), ("token", "list", "--json"), ("doctor",)):
        said = tallystick(*words, *(() if words == ("doctor",) else ("-w", filled.studio.workspace_id)))
        assert said.code == 0
        assert token not in said.out
        assert token.rsplit("_", 1)[1] not in said.out


def test_scopes_and_expiry_are_as_asked(filled: Filled, tallystick: Tallystick) -> None:
    made = create(tallystick, filled, "--scope", "read", "--expires", "never", "--json").json
    assert (made["scopes"], made["expires_at"], made["state"]) == (["read"], None, "live")
    both = create(tallystick, filled, "--scope", "write", "--scope", "read", "--json").json
    assert both["scopes"] == ["read", "write"]
    year = datetime.strptime(both["expires_at"], "%Y-%m-%dT%H:%M:%S%z") - datetime.now(UTC)
    assert timedelta(days=364) < year <= timedelta(days=365)


def test_an_unknown_scope_is_wrong_use(filled: Filled, tallystick: Tallystick) -> None:
    said = create(tallystick, filled, "--scope", "admin")
    assert (said.code, "admin is no scope" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("1d", NOW + timedelta(days=1)),
        ("3650D", NOW + timedelta(days=3650)),
        ("never", None),
        ("2026-12-31", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-06-15", datetime(2026, 6, 15, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_expiry_is_read_as_days_a_date_or_never(said: str, end: datetime | None) -> None:
    assert expiry(said, NOW) == end


@pytest.mark.parametrize(
    "said", ["0d", "3651d", "99999999d", "-1d", "1", "", "2026-06-14", "2026-02-30", "forever", "1w"]
)
def test_other_expiries_are_refused(said: str) -> None:
    with pytest.raises(CommandError, match="cannot be meant"):
        expiry(said, NOW)


def test_a_token_is_for_a_member(filled: Filled, tallystick: Tallystick) -> None:
    for stranger in ("nobody@studio.example", filled.other.owner.email, filled.studio.people["second"].email):
        said = tallystick("token", "create", stranger, "--name", "x", "-w", filled.studio.workspace_id)
        assert (said.code, said.out) == (1, "")
        assert "No member with the e-mail" in said.err


def test_tokens_are_listed_for_all_or_for_one(filled: Filled, tallystick: Tallystick) -> None:
    everybody = listed(tallystick, filled)
    assert len(everybody) == 5
    assert [one["state"] for one in everybody].count("revoked") == 1
    (one,) = listed(tallystick, filled, filled.studio.people["admin"].email)
    assert one["member"] == filled.studio.people["admin"].email


def test_a_token_is_revoked_by_its_prefix_or_by_all_of_it(filled: Filled, tallystick: Tallystick) -> None:
    token = filled.studio.people["admin"].token
    prefix = token.split("_")[2]
    said = tallystick("token", "revoke", prefix)
    assert (said.code, f"({prefix})" in said.out) == (0, True)
    assert listed(tallystick, filled, filled.studio.people["admin"].email)[0]["state"] == "revoked"
    again = tallystick("token", "revoke", token)
    assert (again.code, "was revoked before" in again.out) == (0, True)
    for other in (f"hsk_live_{filled.studio.owner.token.split('_')[2]}", filled.studio.people["manager"].token):
        assert tallystick("token", "revoke", other).code == 0


def test_what_is_no_prefix_or_nobodys_is_a_sentence(filled: Filled, tallystick: Tallystick) -> None:
    for wrong, sentence in (("abc", "Name a token by its prefix"), ("0" * 12, "There is no token with the prefix")):
        said = tallystick("token", "revoke", wrong)
        assert said.code == 1
        assert sentence in said.err
    elsewhere = tallystick("token", "revoke", filled.studio.owner.token, "-w", filled.other.workspace_id)
    assert elsewhere.code == 1
