"""How much of an invoice's discount and tax goes with what is credited of its lines: exact, whatever the steps.

Everything is a share of what is credited so far, less what was credited before: rounding never adds up, and once all is
credited, the credit notes together are the invoice to the cent, in each tax category.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tallystick.values.money import share_of, split

NOTHING = Decimal(0)


class Group(NamedTuple):
    """Lines of one tax category and rate, as they are on the invoice; `listed` is as its prices are, net or gross."""

    listed: Mapping[str, Decimal]
    """By line."""
    gross: bool
    discount: Decimal
    basis: Decimal
    tax: Decimal

    @property
    def whole(self) -> Decimal:
        return sum(self.listed.values(), NOTHING)


class Credited(NamedTuple):
    """What is credited of a group; amounts are net but for the tax."""

    lines: Mapping[str, Decimal]
    """By line: its net amount."""
    subtotal: Decimal
    discount: Decimal
    basis: Decimal
    tax: Decimal


def credited(group: Group, before: Decimal, now: Mapping[str, Decimal], currency: str) -> Credited:
    """What goes with crediting `now` of the lines of a group, after `before` of all of them was."""
    after = before + sum(now.values(), NOTHING)
    was, becomes = _sums(group, before, currency), _sums(group, after, currency)
    discount, basis, tax = (there - here for there, here in zip(becomes, was, strict=True))
    subtotal = basis + discount
    nets = dict(zip(now, split(subtotal, list(now.values()), currency), strict=True)) if group.gross else dict(now)
    return Credited(nets, subtotal, discount, basis, tax)


def _sums(group: Group, so_far: Decimal, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Discount, basis and tax of so much of what is listed."""
    whole = group.whole
    if whole == 0 or so_far == 0:
        return NOTHING, NOTHING, NOTHING
    if so_far == whole:
        return group.discount, group.basis, group.tax
    if group.gross:
        discounted = group.basis + group.tax  # with the tax in it
        left = so_far - _share(whole - discounted, so_far, whole, currency)
        tax = _share(group.tax, left, discounted, currency)
        return _share(group.discount, so_far, whole, currency), left - tax, tax
    discount = _share(group.discount, so_far, whole, currency)
    return discount, so_far - discount, _share(group.tax, so_far - discount, group.basis, currency)


def _share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    return NOTHING if whole == 0 else share_of(amount, part, whole, currency)
