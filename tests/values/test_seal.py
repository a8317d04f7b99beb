"""What was sealed comes back unchanged or not at all."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values import seal as seals
from tallystick.values.seal import LONGEST_SEALED, derive, seal, unseal

KEY = bytes(range(32))
OTHER_KEY = bytes(32)

payloads = st.binary(min_size=1, max_size=300)


@given(payloads)
def test_a_sealed_payload_comes_back(payload: bytes) -> None:
    sealed = seal(KEY, payload)
    assert unseal(KEY, sealed) == payload
    assert not set(sealed) - set(string.ascii_letters + string.digits + "-_.")


@given(payloads, st.data())
def test_no_mutation_of_a_cursor_is_accepted(payload: bytes, data: st.DataObject) -> None:
    sealed = seal(KEY, payload)
    at = data.draw(st.integers(0, len(sealed) - 1))
    length = data.draw(st.integers(0, 3))
    mutated = sealed[:at] + data.draw(st.text(max_size=3)) + sealed[at + length :]
    assert unseal(KEY, mutated) == (payload if mutated == sealed else None)


@pytest.mark.parametrize("payload", [b"a", b"ab", b"abc", b'{"v":1}'])
def test_every_single_character_counts_even_the_bits_base64_does_not_use(payload: bytes) -> None:
    sealed = seal(KEY, payload)
    for at, right in enumerate(sealed):
        for wrong in set(string.printable + "é\u0661\ud800") - {right}:
            assert unseal(KEY, sealed[:at] + wrong + sealed[at + 1 :]) is None


@given(st.text() | st.text(st.sampled_from("abcXYZ019-_.="), max_size=60))
def test_no_text_does_anything_but_fail_to_open(text: str) -> None:
    assert unseal(KEY, text) is None


def test_padding_and_another_key_do_not_open_it() -> None:
    sealed = seal(KEY, b"last")
    assert unseal(OTHER_KEY, sealed) is None
    assert unseal(KEY, sealed.replace(".", "==.")) is None
    assert unseal(KEY, sealed + "==") is None
    assert unseal(KEY, sealed + "\n") is None


def test_what_could_not_be_opened_again_is_not_sealed() -> None:
    for payload in (b"", bytes(LONGEST_SEALED)):
        with pytest.raises(ValueError):
            seal(KEY, payload)
    longest = bytes((LONGEST_SEALED - 23) * 3 // 4)
    assert unseal(KEY, seal(KEY, longest)) == longest


def test_a_text_too_long_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(seals, "LONGEST_SEALED", 10_000)
        long = seal(KEY, bytes(LONGEST_SEALED))
        assert unseal(KEY, long) == bytes(LONGEST_SEALED)
    assert unseal(KEY, long) is None


def test_each_purpose_has_its_own_key() -> None:
    assert derive(KEY, "cursor/v1") != derive(KEY, "pat/v1") != derive(OTHER_KEY, "pat/v1")
    # As another implementation has it: openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt mode:EXPAND_ONLY
    # -kdfopt hexkey:000102… -kdfopt info:pat/v1 HKDF
    assert derive(KEY, "pat/v1").hex() == "e87befad7ab18ce3ab7bb65c10081f4f011f8e1eba8face95742aa050826acb8"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        derive(bytes(length), "pat/v1")
