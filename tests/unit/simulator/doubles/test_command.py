"""`python -m simulator serve` as a process: it says where it is, answers, keeps its world, and stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pipelines.domain.errors import SettingsError
from simulator.doubles.book import open_book
from simulator.settings import Request

ROOT = Path(__file__).parents[4]
SMALL = ("--seed", "3", "--days", "25", "--orders-per-day", "12")


def test_it_serves_until_interrupted(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps({"gorgias": {"html": {"at": [2]}}}))
    command = [sys.executable, "-m", "simulator", "serve", *SMALL, "--world", str(tmp_path / "world")]
    command += ["--as-of", "2026-08-20T00:00:00Z", "--faults", str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["as_of"] == "2026-08-20T00:00:00Z"
        own = ready["vendors"]["gorgias"]
        assert own["base_url"].startswith("http://127.0.0.1:")
        auth = (own["user"], own["api_key"])
        first, second = (httpx.get(own["base_url"] + "/api/tickets", auth=auth) for _ in range(2))
        assert first.json()["object"] == "list"
        assert second.text.startswith("<!DOCTYPE")
        process.send_signal(signal.SIGINT)
        process.wait(10)
    kept = open_book(tmp_path / "world", Request(seed=99))
    assert kept.request.seed == 3  # a folder that holds a world is used as is
    assert len(kept["orders"]) > 200


def test_it_refuses_what_cannot_be(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulator", "serve", *SMALL, "--as-of", "2031-01-01T00:00:00Z"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "--as-of lies after 2026-08-28" in done.stderr
    (tmp_path / "something").touch()
    with pytest.raises(SettingsError, match="holds no world"):
        open_book(tmp_path, Request())


def test_it_serves_beside_a_command_and_ends_as_it_ends(tmp_path: Path) -> None:
    asks = """
import httpx, os, sys
own, key = os.environ["SIMULATED_VENDORS"], os.environ["LOOP_API_KEY"]
url = own + "/loop/api/v1/warehouse/return/list?from=2026-08-01T00:00:00Z&to=2026-09-01T00:00:00Z"
print(len(httpx.get(url, headers={"X-Authorization": key}).json()), len(os.environ["SHOPIFY_WEBHOOK_SECRET"]))
sys.exit(3)
"""
    command = [sys.executable, "-m", "simulator", "serve", *SMALL, "--", sys.executable, "-c", asks]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 3, done.stderr
    returns, secret = map(int, done.stdout.split())
    assert returns > 5 and secret > 5
