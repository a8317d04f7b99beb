"""A real server process for a test: `tallystick serve` on a free port, over the test's own database."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path

from tests.studio import KEY


@contextlib.contextmanager
def live_server(database_url: str, data: Path, **environment: str) -> Generator[str]:
    """The address of a server that has said that it serves; it is stopped in order at the end."""
    data.mkdir(parents=True, exist_ok=True)
    key = data / "secret.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    port = int(environment.pop("TALLYSTICK_PORT", 0)) or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tallystick", "serve"],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")},
            "TALLYSTICK_DATABASE_URL": database_url,
            "TALLYSTICK_DATA": str(data),
            "TALLYSTICK_PORT": str(port),
            "TALLYSTICK_WORKERS": "1",
            "TALLYSTICK_JOB_WORKERS": "0",  # it would work for the other tests of this database too
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "serves" in said, said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
