"""docs/serving.md, executed: its requests in order, against `patronage serve` in a process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from patronage.errors import SettingsError
from patronage.events import read_events
from patronage.live.workspace import Workspace

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
COMMAND = "from patronage.cli import main; main()"


@pytest.fixture
def address(
    request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    """URL and key of a service that was started as a user starts it; options as parameters."""
    folder = shutil.copytree(workspace.folder, tmp_path / "shop")
    with start(folder, *getattr(request, "param", ())) as process:
        url, key = said_by(process)
        wait_until_ready(url)
        yield url, key
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def start(folder: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", "--workspace", str(folder), "--port", "0", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
    )


def said_by(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """URL and key."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(3)]
    return re.findall(r"http://\S+", said[2])[0], said[1].strip()


def wait_until_ready(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail("not ready after a minute")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="for want of curl")
def test_the_requests_of_the_page_are_answered(address: tuple[str, str]):
    url, key = address
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.S)

    answers = [
        json.loads(
            subprocess.run(
                ["bash", "-c", block],
                env={**os.environ, "URL": url, "KEY": key},
                capture_output=True,
                check=True,
            ).stdout
        )
        for block in blocks
    ]

    event, batch, letters, score, clv, scores, explained, history = answers
    assert event["status"] == "accepted"
    assert batch["accepted"] == [0]
    assert len(letters["letters"]) == 1
    assert score["clv"] == clv["clv"] > 0
    assert score["customer_id"] == "new-customer"
    assert "nobody" in json.dumps(scores)
    assert explained["reasons"]
    assert history["changes"]


@pytest.mark.slow
@pytest.mark.parametrize("address", [("--workers", "2")], indirect=True)
def test_several_workers_tell_the_sum_of_what_they_did(address: tuple[str, str]):
    url, key = address
    head = {"Authorization": f"Bearer {key}"}
    for k in range(40):
        told = {"event_id": f"w{k}", "customer_id": f"c{k}", "kind": "purchase", "amount": 5}
        told["event_time"] = "2026-01-02T10:00:00Z"
        # Why a client each: a connection stays with the worker that took it.
        assert httpx.post(f"{url}/v1/events", json=told, headers=head).status_code == 201

    counted = set()
    for _ in range(10):
        text = httpx.get(f"{url}/metrics", headers=head).text
        counted |= set(
            re.findall(r'^patronage_events_total\{outcome="accepted"\} (\S+)$', text, re.M)
        )

    assert counted == {"40.0"}


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(workspace: Workspace, tmp_path: Path):
    folder = shutil.copytree(workspace.folder, tmp_path / "shop")
    with start(folder, "--workers", "2") as process:
        url, _ = said_by(process)
        wait_until_ready(url)
        process.kill()

    # Why the port: who starts the service again needs it.
    for _ in range(100):
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/health")
            time.sleep(0.2)
            continue
        return
    pytest.fail("the workers serve on")


def test_what_came_since_is_exported_as_a_log(served, tmp_path: Path):
    served.ask("POST", "/v1/events", json=served.event("since"))
    n = served.system.store.counts()["events"]

    served.system.store.export(tmp_path / "events.parquet")

    log = read_events(str(tmp_path / "events.parquet"), currency="EUR")
    assert (log.quality.n_rows_used, log.quality.n_rows_quarantined) == (n, 0)


def test_a_store_that_continues_another_log_is_refused(served):
    with pytest.raises(SettingsError, match="another run"):
        served.system.store.continue_from("another")
