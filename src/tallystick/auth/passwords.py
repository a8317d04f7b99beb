"""Passwords: argon2id at 46 MiB, two at a time, and a sentence when one is too weak (RELIABILITY 3.8)."""

import re
from collections.abc import Iterable
from threading import BoundedSemaphore

from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST = 15
SHORTEST_WITH_SECOND_FACTOR = 8
LONGEST = 128

_HASHER = Argon2Hasher(memory_cost=47_104, time_cost=1, parallelism=1)
# Each hash fills a core and 46 MiB for some 50 ms; more at once would only make every sign-in slower.
_SLOTS = BoundedSemaphore(2)

_GUESSED_FIRST = (
    "tallystick",
    "password",
    "passphrase",
    "letmein",
    "welcome",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwerty",
    "abcdef",
    "1234567890",
    "0123456789",
    "123456",
    "654321",
)
_SHORTEST_WORD = 4
_LEFT_TO_GUESS = 8
_FEWEST_CHARACTERS = 4


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    with _SLOTS:
        return _HASHER.hash(_octets(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the one stored; an account that does not exist (None) costs the same to refuse."""
    if stored is None:
        hash_password(password)
        return False
    with _SLOTS:
        return _HASHER.verify(_octets(password), stored)


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's; store a new one at the next sign-in."""
    return _HASHER.check_needs_rehash(stored)


def problem_with(password: str, *, words: Iterable[str] = (), second_factor: bool = False) -> str | None:
    """What is wrong with a password somebody chose, as a sentence for them, or None.

    `words` are what a stranger would try first: e-mail address, name, workspace. They may occur, but without them
    enough must be left to guess. No rule asks for digits or symbols (NIST SP 800-63B-4, 3.1.1.2).
    """
    shortest = SHORTEST_WITH_SECOND_FACTOR if second_factor else SHORTEST
    if len(password) < shortest:
        return f"Use at least {shortest} characters; a few unrelated words are easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    rest = password.casefold()
    for word in sorted(_guessable(words), key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(rest) < _LEFT_TO_GUESS or len(set(rest)) < _FEWEST_CHARACTERS:
        return "This is among the first a stranger would try; use words unrelated to you, your work and Tallystick."
    return None


def _guessable(words: Iterable[str]) -> set[str]:
    theirs = [word.casefold() for word in words]
    parts = [part for word in theirs for part in re.split(r"[\W_]+", word)]
    return {word for word in (*theirs, *parts, *_GUESSED_FIRST) if len(word) >= _SHORTEST_WORD}


def _octets(password: str) -> bytes:
    # A lone surrogate can be typed into JSON; it makes a wrong password, not a crash.
    return password.encode("utf-8", "surrogatepass")
