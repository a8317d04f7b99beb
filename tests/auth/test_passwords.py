"""Passwords are hashed slowly, compared without a tell-tale, and refused with a sentence."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallystick.auth import passwords
from tallystick.auth.passwords import hash_password, needs_rehash, problem_with, verify_password

GOOD = "correct horse battery staple"
WORDS = ("ada.lovelace@analytical.example", "Ada Lovelace", "Analytical Engines")


def test_a_password_is_stored_as_argon2id_with_todays_parameters() -> None:
    stored = hash_password(GOOD)
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert not needs_rehash(stored)
    assert needs_rehash(stored.replace("m=47104", "m=19456"))
    assert stored != hash_password(GOOD)


def test_only_the_same_password_is_accepted_blanks_case_and_length_included() -> None:
    long = "x1y2z3w4" * 16
    stored, stored_long = hash_password(GOOD), hash_password(long)
    assert verify_password(stored, GOOD)
    assert verify_password(stored_long, long)
    for wrong in (GOOD + " ", GOOD.title(), ""):
        assert not verify_password(stored, wrong)
    assert not verify_password(stored_long, long[:-1])


def test_composed_and_decomposed_letters_are_different_passwords() -> None:
    assert not verify_password(hash_password("caf\u00e9 noir cr\u00e8me"), "cafe\u0301 noir cre\u0300me")


def test_a_lone_surrogate_is_a_wrong_password_and_not_a_crash() -> None:
    assert not verify_password(hash_password(GOOD), "\ud800")


def test_an_account_that_does_not_exist_costs_a_whole_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    real = passwords._HASHER.hash
    monkeypatch.setattr(passwords._HASHER, "hash", lambda password: hashed.append(password) or real(password))
    assert not verify_password(None, GOOD)
    assert hashed == [GOOD.encode()]


@pytest.mark.parametrize("stored", ["", "junk", "$argon2id$v=19$m=47104,t=1,p=1$$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_spoilt_hash_lets_nobody_in(stored: str) -> None:
    assert not verify_password(stored, GOOD)


def test_no_more_than_two_hashes_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(_password: bytes) -> str:
        entered.release()
        leave.wait(30)
        return "hash"

    monkeypatch.setattr(passwords._HASHER, "hash", slow)
    with ThreadPoolExecutor(2) as pool:
        pool.map(hash_password, [GOOD] * 2)
        assert entered.acquire(timeout=30)
        assert entered.acquire(timeout=30)
        third = passwords._SLOTS.acquire(blocking=False)
        leave.set()
    assert not third


@pytest.mark.parametrize(
    "password",
    [GOOD, "ungebräuchliche wörter", "tallystick is what i use at work", "パスワードは長いほうがよいです"],
)
def test_a_long_password_of_any_characters_is_fine(password: str) -> None:
    assert problem_with(password, words=WORDS) is None


def test_without_a_second_factor_fifteen_characters_are_the_least() -> None:
    assert problem_with("fourteen chars") == "Use at least 15 characters; a few unrelated words are easy to remember."
    assert problem_with("fifteen charsss") is None
    assert problem_with("seven77", second_factor=True) is not None
    assert problem_with("eight888", second_factor=True) is None


def test_more_than_128_characters_are_refused_rather_than_cut() -> None:
    assert problem_with("x1y2z3w4" * 16) is None
    assert problem_with("x1y2z3w4" * 16 + "i") == "Use at most 128 characters."


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@analytical.example",
        "ADA.LOVELACE@ANALYTICAL.EXAMPLE1!",
        "lovelacelovelace",
        "Analytical Engines 1",
        "Tallystick2026!!!",
        "tallysticktallystick",
        "passwordpassword",
        "Password1234567890",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaaaaaa",
        "121212121212121212",
    ],
)
def test_what_a_stranger_would_try_first_is_refused(password: str) -> None:
    problem = problem_with(password, words=WORDS)
    assert problem is not None
    assert "stranger" in problem


def test_short_words_such_as_a_first_name_of_two_letters_refuse_nothing() -> None:
    assert problem_with("jo walks to the harbour", words=("Jo", "", "a")) is None
