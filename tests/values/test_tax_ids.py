"""Tax ids: what is right, what is wrong, and what nobody can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.eu.vat import MEMBER_STATES

from tallystick.values.tax_ids import EXAMPLES, problem_with, vat_id


def test_every_state_of_the_union_has_an_example_that_is_right():
    assert set(EXAMPLES) == {"EL" if state == "gr" else state.upper() for state in MEMBER_STATES}
    for example in EXAMPLES.values():
        assert problem_with(example) is None
        assert vat_id(example) == example


@pytest.mark.parametrize("text", ["DE 136 695 976", "de136695976", "DE-136.695.976"])
def test_blanks_dots_and_case_mean_nothing(text: str):
    assert problem_with(text) is None
    assert vat_id(text) == "DE136695976"


@pytest.mark.parametrize("text", ["DE136695975", "DE1366959", "DE123", "IT 0074311015X"])
def test_a_wrong_vat_number_is_told_with_an_example(text: str):
    problem = problem_with(text)
    assert problem is not None
    assert EXAMPLES[text[:2]] in problem
    assert vat_id(text) is None


def test_greece_writes_el_and_gr_is_understood():
    assert vat_id("GR094259216") == "EL094259216"
    assert problem_with("GR094259217") == "is not a VAT number of EL; one looks like EL094259216"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("181/815/08155", "DE"),  # a tax office's number
        ("136695976", "DE"),
        ("12-3456789", "US"),
        ("whatever they write", None),
        ("Designers 5", None),
        ("DE", "DE"),
        ("995 525 828 MVA", "NO"),
        ("5", "AQ"),
        ("27AAPFU0939F1ZV", "IN"),
    ],
)
def test_what_no_rule_is_against_can_be_one(text: str, country: str | None):
    assert problem_with(text, country) is None


def test_a_mistyped_number_without_letters_is_known_by_the_country():
    assert problem_with("136695975", "DE") == "has a wrong check digit for DE; one looks like DE136695976"
    assert problem_with("136695975") is None
    assert problem_with("27AAPFU0939F1ZO", "IN") == "has a wrong check digit for IN"


@pytest.mark.parametrize(
    ("text", "country", "found"),
    [
        ("CHE-107.787.577 IVA", None, "CHE107787577IVA"),
        ("GB 980 7806 84", None, "GB980780684"),
        ("995 525 828 MVA", "NO", "NO995525828MVA"),
        ("CHE-1", None, None),
        ("181/815/08155", "DE", None),
        ("136695976", "DE", None),
    ],
)
def test_vat_ids_of_elsewhere(text: str, country: str | None, found: str | None):
    assert vat_id(text, country) == found


@given(st.text(max_size=40), st.sampled_from([None, "DE", "GR", "US", "IN", "NO", "ZZ"]))
def test_no_text_makes_it_stumble(text: str, country: str | None):
    problem_with(text, country)
    vat_id(text, country)
