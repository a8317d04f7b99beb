"""A person with an authenticator signs in with password and code, each code once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from falcon import testing
from pyotp.totp import TOTP

from tallystick.auth import second_factor
from tallystick.auth.sessions import CodeNeeded, WrongCode
from tallystick.domain import members
from tallystick.domain.members import Person
from tallystick.values.errors import TooMany, Unauthenticated
from tests.sign_in.conftest import PASSWORD, sign_in_by_api, signed_in, submit
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
