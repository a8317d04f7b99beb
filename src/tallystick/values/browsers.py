"""Which browser it was, in words: of a User-Agent, which anybody may write, only names that people know."""

from __future__ import annotations

from typing import Final

BROWSERS: Final = ("Firefox", "Edg", "OPR", "Chrome", "Safari", "curl", "python")
SYSTEMS: Final = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
_NAMED: Final = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "Mac"}


def browser_named(user_agent: str) -> str:
    """A browser and a system, such as `Firefox · Linux`; empty where it names neither."""
    browser = next((one for one in BROWSERS if one in user_agent), "")
    system = next((one for one in SYSTEMS if one in user_agent), "")
    return " · ".join(_NAMED.get(one, one) for one in (browser, system) if one)
