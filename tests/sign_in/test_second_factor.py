"""A person with an authenticator signs in with password and code, each code once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from falcon import testing
from pyotp.totp import TOTP

from tallystick.auth import second_factor
from tallystick.auth.sessions import CodeNeeded, WrongCode
from tallystick.domain import audit, members
from tallystick.domain.entering import enter
from tallystick.domain.members import Person
from tallystick.values.errors import TooMany, Unauthenticated
from tests.sign_in.conftest import PASSWORD, csrf_in, give_password, sign_in_by_api, signed_in, submit
from tests.studio import KEY, Studio

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def careful(with_password: Studio) -> Studio:
    """The studio, whose owner has an authenticator."""
    sealed = second_factor.seal_secret(KEY, with_password.owner.user_id, SECRET)
    with with_password.context() as ctx:
        (owner,) = ctx.select(Person, Person.id == with_password.owner.user_id)
        ctx.change(owner, totp_secret=sealed)
    return with_password


def code(studio: Studio, steps: int = 0) -> str:
    return TOTP(SECRET).at(studio.clock() + steps * timedelta(seconds=30))


def test_the_password_alone_is_not_enough(careful: Studio) -> None:
    with pytest.raises(CodeNeeded):
        signed_in(careful)
    assert signed_in(careful, totp=code(careful)).jwt


def test_who_has_none_is_not_asked(careful: Studio) -> None:
    assert signed_in(careful, "member").jwt
    assert signed_in(careful, "member", totp="000000").jwt


def test_a_code_is_good_once(careful: Studio) -> None:
    assert signed_in(careful, totp=code(careful)).jwt
    for used in (code(careful), code(careful, -1)):
        with pytest.raises(WrongCode):
            signed_in(careful, totp=used)
    careful.clock.now += timedelta(seconds=30)
    assert signed_in(careful, totp=code(careful)).jwt


def test_a_clock_may_be_a_step_off_and_no_more(careful: Studio) -> None:
    for steps in (-2, 2):
        with pytest.raises(WrongCode):
            signed_in(careful, totp=code(careful, steps))
    assert signed_in(careful, totp=code(careful, -1)).jwt
    assert signed_in(careful, totp=code(careful, 1)).jwt


@pytest.mark.parametrize("given", ["000000", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\ud800", "-1", "0" * 10_000])
def test_another_code_is_wrong(careful: Studio, given: str) -> None:
    with pytest.raises(WrongCode):
        signed_in(careful, totp=given)


def test_a_code_may_be_typed_with_a_space(careful: Studio) -> None:
    right = code(careful)
    assert signed_in(careful, totp=f" {right[:3]} {right[3:]} ").jwt


def test_without_the_password_nobody_learns_of_it(careful: Studio) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        signed_in(careful, password="wrong", totp=code(careful))
    assert type(wrong.value) is Unauthenticated
    assert signed_in(careful, totp=code(careful)).jwt  # the code was not used up


def test_guessing_codes_is_slowed_down(careful: Studio) -> None:
    for _ in range(10):
        with pytest.raises(WrongCode):
            signed_in(careful, totp="000000")
    with pytest.raises(TooMany):
        signed_in(careful, totp=code(careful))


def test_to_be_asked_for_the_code_is_no_failure(careful: Studio) -> None:
    for _ in range(40):
        with pytest.raises(CodeNeeded):
            signed_in(careful)
    assert signed_in(careful, totp=code(careful)).jwt


def test_the_secret_is_sealed_for_its_person_and_server(careful: Studio) -> None:
    owner, now = careful.owner.user_id, careful.clock()
    sealed = second_factor.seal_secret(KEY, owner, SECRET)
    assert SECRET.encode() not in sealed
    assert sealed != second_factor.seal_secret(KEY, owner, SECRET)
    right = code(careful)
    assert second_factor.matching_step(KEY, owner, sealed, right, now) is not None
    assert second_factor.matching_step(bytes(32), owner, sealed, right, now) is None
    assert second_factor.matching_step(KEY, careful.people["member"].user_id, sealed, right, now) is None
    assert second_factor.matching_step(KEY, owner, sealed[:-1] + bytes([sealed[-1] ^ 1]), right, now) is None
    assert len(second_factor.new_secret()) == 32


def test_it_works_by_api_and_by_page(careful: Studio, door: testing.TestClient) -> None:
    asked = sign_in_by_api(door, careful)
    assert asked.status_code == 401
    assert asked.json["error"]["details"] == {"totp": "required"}
    wrong = sign_in_by_api(door, careful, totp="000000")
    assert wrong.status_code == 401
    assert set(wrong.json["error"]["details"]) == {"totp"}
    assert sign_in_by_api(door, careful, totp=code(careful)).status_code == 200
    careful.clock.now += timedelta(seconds=30)
    form = {"email": careful.owner.email, "password": PASSWORD}
    page = submit(door, "/sign-in", form)
    assert page.status_code == 401
    assert "Enter the code" in page.text
    assert PASSWORD not in page.text
    assert submit(door, "/sign-in", {**form, "totp": code(careful)}).status_code == 303


def test_with_it_a_shorter_password_will_do(careful: Studio) -> None:
    from tallystick.auth.sessions import offer_password_link, set_password

    with careful.context() as ctx:
        secret = offer_password_link(ctx, KEY, careful.owner.user_id)
        assert members.by_email(ctx, careful.owner.email)
    set_password(careful.database, KEY, secret, "grey geese", careful.clock())
    assert signed_in(careful, password="grey geese", totp=code(careful)).jwt


# --- turning it on and off


@dataclass
class Owner:
    """The owner in front of the page, signed in."""

    studio: Studio
    door: testing.TestClient
    cookie: str = ""

    def see(self) -> testing.Result:
        return self.door.simulate_get("/two-factor", headers={"Cookie": self.cookie})

    def do(self, what: str, **fields: str) -> testing.Result:
        given = {"csrf_token": csrf_in(self.see()), "password": PASSWORD, **fields, "do": what}
        return submit(self.door, "/two-factor", given, Cookie=self.cookie)

    def turn_on(self) -> tuple[str, list[str]]:
        """Turn it on as a person does: the secret, and the backup codes."""
        page = self.see().text
        secret = re.findall(r'<code id="secret">(\w+)<', page)[0]
        sealed = re.findall(r'name="secret" value="([^"]+)"', page)[0]
        shown = self.do("on", secret=sealed, code=TOTP(secret).at(self.studio.clock()))
        assert shown.status_code == 200, shown.text
        return secret, re.findall(r"<code>(\d{5}-\d{5})<", shown.text)


@pytest.fixture
def owner(with_password: Studio, door: testing.TestClient) -> Owner:
    return Owner(with_password, door, f"tallystick={signed_in(with_password).cookie_secret}")


def kept(studio: Studio) -> Person:
    with studio.context() as ctx:
        (person,) = ctx.select(Person, Person.id == studio.owner.user_id)
    return person


def test_it_is_turned_on_with_a_code_and_asked_for_from_then_on(owner: Owner) -> None:
    studio = owner.studio
    page = owner.see()
    assert "<svg" in page.text
    assert "style=" not in page.text
    sealed = re.findall(r'name="secret" value="([^"]+)"', page.text)[0]
    for wrong in (
        {"code": "000000"},
        {"code": ""},
        {"code": "000000", "secret": "%%"},
        {"code": "1", "secret": "\u0660"},
    ):
        refused = owner.do("on", **{"secret": sealed, **wrong})
        assert (refused.status_code, "code is not right" in refused.text) == (400, True)
    again = owner.do("on", secret=sealed, code="000000").text
    assert re.findall(r'<code id="secret">(\w+)<', page.text) == re.findall(r'<code id="secret">(\w+)<', again)
    assert kept(studio).totp_secret is None
    secret, codes = owner.turn_on()
    assert len(set(codes)) == 8
    with pytest.raises(CodeNeeded):
        signed_in(studio)
    with pytest.raises(WrongCode):  # the code that turned it on is used
        signed_in(studio, totp=TOTP(secret).at(studio.clock()))
    studio.clock.now += timedelta(seconds=30)
    assert signed_in(studio, totp=TOTP(secret).at(studio.clock())).jwt
    assert "It is on. 8 backup codes are left." in owner.see().text


def test_turning_it_on_asks_for_the_password(owner: Owner) -> None:
    page = owner.see().text
    secret = re.findall(r'<code id="secret">(\w+)<', page)[0]
    sealed = re.findall(r'name="secret" value="([^"]+)"', page)[0]
    refused = owner.do("on", secret=sealed, code=TOTP(secret).at(owner.studio.clock()), password="wrong")
    assert (refused.status_code, "The password is not right." in refused.text) == (400, True)
    assert kept(owner.studio).totp_secret is None


def test_a_backup_code_is_good_once_and_kept_as_a_digest(owner: Owner) -> None:
    studio = owner.studio
    _, codes = owner.turn_on()
    stored = kept(studio).backup_codes
    assert len(stored) == 8
    assert not {code.replace("-", "") for code in codes} & set(stored)
    assert signed_in(studio, totp=f" {codes[0].replace('-', ' ')} ").jwt
    with pytest.raises(WrongCode):
        signed_in(studio, totp=codes[0])
    assert sign_in_by_api(owner.door, studio, totp=codes[1]).status_code == 200
    assert len(kept(studio).backup_codes) == 6


def test_of_many_that_race_with_one_backup_code_one_comes_in(owner: Owner) -> None:
    _, codes = owner.turn_on()

    def come_in(_: int) -> bool:
        try:
            return bool(signed_in(owner.studio, totp=codes[0]))
        except WrongCode:
            return False

    with ThreadPoolExecutor(6) as crowd:
        assert sum(crowd.map(come_in, range(6))) == 1


def test_new_backup_codes_end_those_before(owner: Owner) -> None:
    _, codes = owner.turn_on()
    assert owner.do("renew", password="wrong").status_code == 400
    fresh = re.findall(r"<code>(\d{5}-\d{5})<", owner.do("renew").text)
    assert len(fresh) == 8
    with pytest.raises(WrongCode):
        signed_in(owner.studio, totp=codes[0])
    assert signed_in(owner.studio, totp=fresh[0]).jwt


def test_it_is_turned_off_with_the_password_which_must_stand_alone(owner: Owner) -> None:
    _, codes = owner.turn_on()
    assert owner.do("off", password="wrong").status_code == 400
    assert kept(owner.studio).totp_secret is not None
    give_password(owner.studio, "owner", "grey geese")
    signed = signed_in(owner.studio, password="grey geese", totp=codes[0])
    owner.cookie = f"tallystick={signed.cookie_secret}"
    weak = owner.do("off", password="grey geese")
    assert (weak.status_code, "too weak to stand alone" in weak.text) == (400, True)
    give_password(owner.studio, "owner")
    owner.cookie = f"tallystick={signed_in(owner.studio, totp=codes[1]).cookie_secret}"
    assert "is off" in owner.do("off").text
    assert signed_in(owner.studio).jwt
    assert (kept(owner.studio).totp_secret, kept(owner.studio).backup_codes) == (None, [])
    assert owner.do("off").status_code == 409
    with owner.studio.context() as ctx:
        enter(ctx)
        told = [change.type for entry in audit.page(ctx, limit=20)[0] for change in entry.changes]
    assert told.count("member.second_factor_on") == told.count("member.second_factor_off") == 1


def test_guessing_there_is_slowed_down_as_at_sign_in(owner: Owner) -> None:
    for _ in range(10):
        assert owner.do("on", code="000000").status_code == 400
    waits = owner.do("on", code="000000")
    assert waits.status_code == 429
    assert int(waits.headers["Retry-After"]) > 0


def test_strangers_and_other_sites_turn_nothing_on(owner: Owner) -> None:
    stranger = owner.door.simulate_get("/two-factor")
    assert (stranger.status_code, stranger.headers["Location"]) == (303, "/sign-in?next=%2Ftwo-factor")
    assert owner.do("on", csrf_token="0" * 64).status_code == 403
