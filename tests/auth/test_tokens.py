"""A token tells its shape offline, and only a keyed digest of it is kept."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.auth import tokens
from tallystick.auth.tokens import Env, digest, matches, mint, shape

KEY = bytes(range(32))
OTHER_KEY = bytes(32)


@pytest.mark.parametrize("env", ["live", "test"])
def test_a_minted_token_has_the_contracts_form_and_tells_its_public_part(env: Env) -> None:
    token = mint(env)
    found = shape(token)
    assert found is not None
    assert (found.env, found.prefix) == (env, token.split("_")[2])
    brand, _, prefix, secret = token.split("_")
    assert (brand, len(prefix), len(secret)) == ("hsk", 12, 32)
    assert set(prefix) <= set("0123456789abcdef")
    assert set(secret) <= set(string.ascii_letters + string.digits)


def test_the_checksum_is_crc_32_in_base_62() -> None:
    # By other programs: gzip says the CRC-32 is 4092438562, and bc (obase=62) that this is 4 28 59 28 13 36.
    assert shape("hsk_live_4f8a2c1bdedf_9X3kQp7vT2nM5wRzL8sJyB6FhA" + "4SxSDa") is not None


def test_no_two_tokens_are_alike() -> None:
    minted = [mint("live") for _ in range(1_000)]
    assert len({token.split("_")[2] for token in minted}) == 1_000
    assert len({token.split("_")[3] for token in minted}) == 1_000


def test_every_single_mistyped_character_is_noticed() -> None:
    mutations = 0
    for token in (mint("live"), mint("test")):
        for at, right in enumerate(token):
            for wrong in set(string.printable + "é\u0661\ud800") - {right}:
                mutations += 1
                assert shape(token[:at] + wrong + token[at + 1 :]) is None
    assert mutations > 10_000


@given(st.data())
def test_letters_swapped_lost_or_added_are_noticed(data: st.DataObject) -> None:
    token = mint("live")
    at = data.draw(st.integers(0, len(token) - 2))
    swapped = token[:at] + token[at + 1] + token[at] + token[at + 2 :]
    assert swapped == token or shape(swapped) is None
    assert shape(token[:at] + token[at + 1 :]) is None
    assert shape(token[:at] + data.draw(st.characters()) + token[at:]) is None


@pytest.mark.parametrize("text", ["", "hsk", "hsk_live_", "Bearer ", "hsk_live_4f8a2c1bdedf_" + "0" * 32, "x" * 10_000])
def test_what_is_no_token_has_no_shape(text: str) -> None:
    assert shape(text) is None


def test_blanks_around_a_token_and_another_brand_are_refused() -> None:
    token = mint("live")
    for text in (f" {token}", f"{token} ", f"{token}\n", token.replace("hsk_", "hsa_"), token.replace("live", "prod")):
        assert shape(text) is None


def test_a_right_checksum_does_not_excuse_a_wrong_form() -> None:
    body = mint("live")[:-6]
    for wrong in (body + "x", body + "\n", body[:-1], body.replace("_", "-")):
        assert shape(wrong + tokens.checksum(wrong)) is None
    assert shape(body + tokens.checksum(body)) is not None


def test_a_token_matches_its_own_digest_only() -> None:
    token, other = mint("live"), mint("live")
    stored = digest(KEY, token)
    assert len(stored) == 32
    assert matches(digest(KEY, token), stored)
    assert not matches(digest(KEY, other), stored)
    assert not matches(digest(OTHER_KEY, token), stored)
    assert not matches(digest(KEY, token), b"")


def test_an_unknown_prefix_matches_nothing_not_even_the_stand_in() -> None:
    token = mint("live")
    assert not matches(digest(KEY, token), None)


def test_a_token_with_no_bytes_to_send_is_refused_before_it_is_digested() -> None:
    assert shape("hsk_live_4f8a2c1bdedf_" + "\ud800" * 32) is None
