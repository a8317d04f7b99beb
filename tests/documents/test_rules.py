"""The helper that runs the official rules: started when needed, replaced when it dies, ended when it hangs or grows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tallystick.documents.einvoice import xml
from tallystick.documents.einvoice.rules import Rules
from tallystick.values.errors import Busy
from tests.documents.samples import document

UBL = xml(document(), "ubl")


@pytest.fixture
def rules() -> Iterator[Rules]:
    made = Rules()
    yield made
    made.close()


def saying(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < until, "the helper lives on"
        time.sleep(0.05)


def test_it_is_started_when_it_is_first_asked_and_kept(rules: Rules) -> None:
    assert rules.pid is None
    assert rules.findings(UBL, "ubl", "INVOICE") == []
    first = rules.pid
    assert rules.findings(UBL, "ubl", "INVOICE") == []
    assert rules.pid == first


def test_when_it_has_died_a_new_one_answers(rules: Rules) -> None:
    rules.findings(UBL, "ubl", "INVOICE")
    first = rules.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert rules.findings(UBL, "ubl", "INVOICE") == []
    assert rules.pid not in (None, first)


def test_when_it_hangs_it_is_ended_and_whoever_asked_may_ask_again() -> None:
    rules = Rules(answer_seconds=0.5, command=saying("import time; time.sleep(600)"))
    began = time.monotonic()
    with pytest.raises(Busy):
        rules.findings(UBL, "ubl", "INVOICE")
    assert time.monotonic() - began < 5
    assert rules.pid is None


def test_when_it_takes_too_much_memory_it_is_ended() -> None:
    greedy = "x = bytearray(200_000_000); import time; time.sleep(600)"
    rules = Rules(memory_limit=100_000_000, command=saying(greedy))
    with pytest.raises(Busy):
        rules.findings(UBL, "ubl", "INVOICE")
    assert rules.pid is None


def test_when_it_says_nonsense_or_nothing_nobody_waits() -> None:
    rules = Rules(command=saying("raise SystemExit"))
    with pytest.raises(Busy):
        rules.findings(UBL, "ubl", "INVOICE")


def test_many_ask_at_once_and_each_hears_of_their_own(rules: Rules) -> None:
    good, bad = UBL, UBL.replace(b"<cbc:ID>NL-2026-0042</cbc:ID>", b"", 1)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: rules.findings(one, "ubl", "INVOICE"), [good, bad] * 6))
    for asked, found in zip([good, bad] * 6, answers, strict=True):
        assert ("BR-02" in {one.rule for one in found}) == (asked is bad)


def test_what_is_no_xml_is_our_own_mistake(rules: Rules) -> None:
    with pytest.raises(RuntimeError, match="could not be run"):
        rules.findings(b"<no", "ubl", "INVOICE")
    assert rules.findings(UBL, "ubl", "INVOICE") == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks the kernel of Linux")
def test_it_ends_with_the_process_that_asked_it() -> None:
    program = (
        "import os, sys\n"
        "from tallystick.documents.einvoice.rules import Rules\n"
        "rules = Rules()\n"
        "rules.findings(sys.stdin.buffer.read(), 'ubl', 'INVOICE')\n"
        "assert 'saxonche' not in sys.modules and 'lxml' not in sys.modules\n"
        "print(rules.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    asked = subprocess.run([sys.executable, "-c", program], input=UBL, capture_output=True, check=False, timeout=60)
    assert asked.returncode == -signal.SIGKILL, asked.stderr
    wait_until_gone(int(asked.stdout))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks the kernel of Linux")
def test_closing_ends_it(rules: Rules) -> None:
    rules.findings(UBL, "ubl", "INVOICE")
    pid = rules.pid
    assert pid is not None
    rules.close()
    wait_until_gone(pid)
