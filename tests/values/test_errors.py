"""A refusal has a code, a sentence and fields, and knows nothing of HTTP."""

import pytest

from tallystick.values.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PlanForbids,
    Refusal,
    TooMany,
    Unauthenticated,
)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (Unauthenticated(), "unauthenticated"),
        (PlanForbids(required_plan="studio", feature="apiAccess"), "forbidden_plan"),
        (Forbidden(), "forbidden_scope"),
        (NotFound(), "not_found"),
        (Invalid(fields={"duration": "required"}), "validation_error"),
        (Conflict("Invoiced time entries are locked", reason="invoiced"), "conflict"),
        (TooMany(retry_after=7), "rate_limited"),
    ],
)
def test_every_refusal_is_caught_as_one_and_tells_its_code_and_a_sentence(refusal: Refusal, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        raise refusal
    assert caught.value.code == code
    assert str(caught.value) == caught.value.message
    assert caught.value.message


def test_a_refusal_carries_what_it_was_given() -> None:
    assert Conflict("Locked.", reason="invoiced").reason == "invoiced"
    assert Invalid(fields={"rate": "too large"}).fields == {"rate": "too large"}
    assert TooMany(retry_after=7).retry_after == 7
    plan = PlanForbids(required_plan="studio", feature="apiAccess")
    assert (plan.required_plan, plan.feature) == ("studio", "apiAccess")


def test_two_refusals_do_not_share_their_fields() -> None:
    one, other = Invalid(), Invalid()
    one.fields["rate"] = "required"
    assert other.fields == {}
