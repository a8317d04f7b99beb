from __future__ import annotations

import psycopg
import pytest

from tallystick.auth.passwords import verify_password
from tests.cli.conftest import Answer, Tallystick

PASSWORD = "walnut harbour ninety drums"


def create(tallystick: Tallystick, name: str = "Studio North", *words: str, stdin: str = "") -> Answer:
    return tallystick(
        "workspace", "create", name, "--currency", "EUR", "--time-zone", "Europe/Berlin",
        "--owner-email", "Ada@Studio.example", "--owner-name", "Ada", *words, stdin=stdin,
    )  # fmt: skip


def test_a_workspace_is_founded_with_its_owner(tallystick: Tallystick) -> None:
    made = create(tallystick, "Studio North", "--json").json
    assert made["owner"] == "ada@studio.example"
    assert (made["plan"], made["currency"], made["time_zone"]) == ("agency", "EUR", "Europe/Berlin")
    listed = tallystick("workspace", "list", "--json").json
    assert listed == [{**made, "members": 1}]
    (owner,) = tallystick("member", "list", "--json").json
    assert (owner["email"], owner["role"]) == ("ada@studio.example", "OWNER")
    assert tallystick("doctor", "--json").json["ok"]


def test_the_owner_gets_the_password_from_standard_input(tallystick: Tallystick, own_url: str) -> None:
    said = create(tallystick, "Studio North", "--owner-password-stdin", stdin=f"{PASSWORD}\n")
    assert said.code == 0
    assert PASSWORD not in said.out + said.err
    with psycopg.connect(own_url) as connection:
        (stored,) = connection.execute("SELECT password_hash FROM people").fetchone() or (None,)
    assert verify_password(stored, PASSWORD)


def test_a_weak_password_is_refused_and_nothing_is_founded(tallystick: Tallystick) -> None:
    said = create(tallystick, "Studio North", "--owner-password-stdin", stdin="short\n")
    assert said.code == 1
    assert "at least 15 characters" in said.err
    assert tallystick("workspace", "list", "--json").json == []


def test_somebody_who_is_known_keeps_their_password(tallystick: Tallystick, own_url: str) -> None:
    create(tallystick, "Studio North", "--owner-password-stdin", stdin=f"{PASSWORD}\n")
    said = create(tallystick, "Studio South", "--owner-password-stdin", stdin="another long one to type\n")
    assert said.code == 1
    assert "has a sign-in already" in said.err
    assert create(tallystick, "Studio South").code == 0
    with psycopg.connect(own_url) as connection:
        ((stored,),) = connection.execute("SELECT password_hash FROM people").fetchall()
    assert verify_password(stored, PASSWORD)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--currency", "XXX"), "ISO 4217"),
        (("--time-zone", "Mars/Olympus"), "is no time zone"),
        (("--owner-email", "nobody"), "e-mail address"),
        (("--owner-name", "  "), "owner's name must not be empty"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence_and_nothing_is_founded(
    tallystick: Tallystick, words: tuple[str, ...], sentence: str
) -> None:
    said = create(tallystick, "Studio North", *words)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err
    assert tallystick("workspace", "list", "--json").json == []


def test_wrong_use_ends_with_2(tallystick: Tallystick) -> None:
    assert tallystick("workspace", "create", "Studio North").code == 2
    assert create(tallystick, "Studio North", "--plan", "everything").code == 2
    assert tallystick("workspace", "set-plan", "Studio North", "everything").code == 2


def test_a_plan_is_set_by_name_or_id(tallystick: Tallystick) -> None:
    made = create(tallystick, "Studio North", "--plan", "free", "--json").json
    assert tallystick("workspace", "set-plan", "studio north", "studio").code == 0
    assert tallystick("workspace", "list", "--json").json[0]["plan"] == "studio"
    assert tallystick("workspace", "set-plan", made["id"], "agency", "--json").json["plan"] == "agency"
    said = tallystick("workspace", "set-plan", "Studio West", "free")
    assert said.code == 1
    assert "There are: Studio North." in said.err


def test_the_workspace_must_be_named_only_where_there_is_more_than_one(tallystick: Tallystick) -> None:
    none = tallystick("member", "list")
    assert (none.code, "There is no workspace yet" in none.err) == (1, True)
    create(tallystick, "Studio North")
    assert tallystick("member", "list").code == 0
    create(tallystick, "Studio South")
    unsaid = tallystick("member", "list")
    assert unsaid.code == 1
    assert "Studio North, Studio South. Say which one with --workspace." in unsaid.err
    assert tallystick("member", "list", "--workspace", "Studio South").code == 0


def test_a_name_that_two_have_is_refused_with_both_ids(tallystick: Tallystick) -> None:
    first = create(tallystick, "Studio North", "--json").json
    second = create(tallystick, "Studio North", "--json").json
    said = tallystick("member", "list", "-w", "Studio North")
    assert said.code == 1
    assert first["id"] in said.err
    assert second["id"] in said.err
    assert tallystick("member", "list", "-w", first["id"]).code == 0
