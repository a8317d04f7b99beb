"""Several server processes, and a worker beside them: their numbers are one, and their lines are whole."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest

from tests.server.running import Running, children, command, founded_in, running, until
from tests.telemetry.conftest import TOKEN, Scrape, parsed

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes in /proc")


def scraped(server: Running) -> Scrape:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200, text
    return parsed(text)


def test_what_several_processes_counted_is_one_number_and_lines_are_whole(tmp_path: Path, capfd):
    data = tmp_path / "data"
    studio = founded_in(data)
    token = studio.owner.token
    asked = 40
    with running(
        data, TALLYSTICK_WORKERS="2", TALLYSTICK_METRICS_TOKEN=TOKEN, TALLYSTICK_LOG="json",
        TALLYSTICK_SMTP_URL="smtp://lin:c4n4ry-smtp-pw@127.0.0.1:9?tls=none", TALLYSTICK_MAIL_FROM="a@server.example",
    ) as server:  # fmt: skip
        for _ in range(asked):  # each on a connection of its own: the processes share them
            assert server.ask("GET", f"/api/v1/clients/{studio.ids['client']}", token=token)[0] == 200
        labels = {"api": "native", "operation": "getClient", "status": "2xx"}
        until(lambda: scraped(server)("tallystick_requests_total", **labels) == asked)
        assert scraped(server)("tallystick_requests_total", **labels) == asked  # never more than that
        until(lambda: len(list((data / "metrics").glob("*.json"))) >= 2)
        lines = "".join(command(pid) for pid in {server.process.pid, *server.workers, *children(server.process.pid)})
        for secret in (TOKEN, "c4n4ry-smtp-pw", token):
            assert secret not in lines
    said = capfd.readouterr().err
    told = [json.loads(line) for line in said.splitlines() if line]
    answered = [line for line in told if line.get("operation") == "getClient"]
    assert len(answered) == asked
    assert {line["workspace"] for line in answered} == {studio.workspace_id}
    for secret in (TOKEN, "c4n4ry-smtp-pw", token):
        assert secret not in said
