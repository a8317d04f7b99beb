"""Money is exact, rounded half-up once, and written one way."""

from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.money import decimal_text, is_currency, line_total, minor_unit, percent_of, round_money

CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}

amounts = st.decimals(-(10**12), 10**12, places=8)
rates = st.decimals(0, 10**6, places=4)
currencies = st.sampled_from(sorted(CURRENCIES))


def half_up(amount: Fraction, currency: str) -> Fraction:
    step = 10 ** CURRENCIES[currency]
    size = Fraction(floor(abs(amount) * step + Fraction(1, 2)), step)
    return -size if amount < 0 else size


@pytest.mark.parametrize(("currency", "decimals"), CURRENCIES.items())
def test_a_currency_has_its_own_number_of_decimals(currency: str, decimals: int) -> None:
    assert is_currency(currency)
    assert minor_unit(currency) == decimals


@pytest.mark.parametrize("code", ["", "eur", "EURO", "EU", "XXX", "XAU", "XTS", "ABC", "€"])
def test_metals_test_codes_and_other_spellings_are_no_currency(code: str) -> None:
    assert not is_currency(code)
    with pytest.raises(ValueError, match="ISO 4217"):
        minor_unit(code)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "EUR", "1.01"),  # half-even would give 1.00
        ("1.015", "EUR", "1.02"),
        ("-1.005", "EUR", "-1.01"),
        ("1.0049999999999999999999999999999999", "EUR", "1.00"),
        ("0.5", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("1.0005", "KWD", "1.001"),
        ("90", "EUR", "90.00"),
        ("-0.001", "EUR", "0.00"),
    ],
)
def test_half_a_minor_unit_goes_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == rounded


@given(amounts, currencies)
def test_rounding_is_half_up_in_every_currency_and_happens_once(amount: Decimal, currency: str) -> None:
    rounded = round_money(amount, currency)
    assert Fraction(rounded) == half_up(Fraction(amount), currency)
    assert round_money(rounded, currency) == rounded
    assert -rounded.as_tuple().exponent == CURRENCIES[currency]


@given(rates, rates, currencies)
def test_a_line_is_quantity_times_rate_rounded_once(quantity: Decimal, rate: Decimal, currency: str) -> None:
    assert Fraction(line_total(quantity, rate, currency)) == half_up(Fraction(quantity) * Fraction(rate), currency)


@given(amounts, st.decimals(0, 100, places=4), currencies)
def test_percent_is_exact_until_it_is_rounded(amount: Decimal, percent: Decimal, currency: str) -> None:
    exact = Fraction(amount) * Fraction(percent) / 100
    assert Fraction(percent_of(amount, percent, currency)) == half_up(exact, currency)


def test_nobodys_decimal_context_changes_an_amount() -> None:
    with localcontext() as context:
        context.prec = 3
        context.rounding = ROUND_DOWN
        assert line_total(Decimal("1234567.25"), Decimal("1.9999"), "EUR") == Decimal("2469011.04")
        assert percent_of(Decimal("123456.78"), Decimal(19), "EUR") == Decimal("23456.79")
        assert decimal_text(Decimal("123456.78999")) == "123456.79"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("90.0000", "90.00"),
        ("12.3456", "12.3456"),
        ("12.3450", "12.345"),
        ("1.5", "1.50"),
        ("0", "0.00"),
        ("-0.00", "0.00"),
        ("-0.00001", "0.00"),
        ("1E+3", "1000.00"),
        ("1E-7", "0.00"),
        ("12.34565", "12.3457"),
        ("-12.34565", "-12.3457"),
        ("100", "100.00"),
        ("123456789012345678901234567890.12", "123456789012345678901234567890.12"),
    ],
)
def test_the_wire_form_has_two_to_four_decimals_and_no_exponent(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@given(st.decimals(-(10**12), 10**12, places=4))
def test_the_wire_form_loses_nothing(value: Decimal) -> None:
    assert Decimal(decimal_text(value)) == value


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_amount(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        round_money(Decimal(value), "EUR")
    with pytest.raises(ValueError, match="finite"):
        decimal_text(Decimal(value))
