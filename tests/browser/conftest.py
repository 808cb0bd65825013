"""A dashboard server on the fabricated published file, and a real Chromium to look at it."""

from __future__ import annotations

import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
build_published: Callable[..., Path] = runpy.run_path(str(ROOT / "tests/dashboards/conftest.py"))["build_published"]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 120_000  # ms; a busy machine is not wrong
WIDE: ViewportSize = {"width": 1440, "height": 1000}
# Streamlit probes for its server below the page's own path first and finds it one level up: harmless, and its own.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@dataclass
class Site:
    """A running server and the folder whose `current.duckdb` it shows."""

    url: str
    folder: Path

    def publish(self, name: str, then: str = "") -> None:
        """Build a file and move the link to it, as publishing does."""
        target = build_published(self.folder / name, then=then)
        aside = self.folder / "next.duckdb"
        aside.symlink_to(target.name)
        aside.replace(self.folder / "current.duckdb")


@dataclass
class Visit:
    """A browser tab and what went wrong in it."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page and wait until it is drawn."""
        self.page.goto(f"{self.site.url}/{path}")
        expect(self.page.locator("h1")).to_be_visible()
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the server has had nothing more to say for a moment."""
        app = self.page.get_by_test_id("stApp")
        quiet = 0
        for _ in range(PATIENCE // 50):
            self.page.wait_for_timeout(50)
            quiet = quiet + 1 if app.get_attribute("data-test-script-state") == "notRunning" else 0
            if quiet == 4:
                return
        pytest.fail("the page was not drawn in two minutes")


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserContext]:
    """Debian's Chromium, one profile for all tests. Skips, loudly, where there is none."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("NOT TESTED IN A BROWSER: apt-get install --no-install-recommends chromium fonts-liberation")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable, args=list(FLAGS))
        context = running.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield context
        running.close()


@pytest.fixture(scope="session")
def site(browser: BrowserContext, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The dashboards, served from the fabricated file."""
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = Site(f"http://127.0.0.1:{port}", folder)
    here.publish("wherehouse-1.duckdb")
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboards/streamlit_app.py")]
    environment = {**os.environ, "WHEREHOUSE_PUBLISHED": str(folder / "current.duckdb")}
    with (folder / "log").open("w") as log:
        # from another folder: the settings beside the router must hold wherever it is started
        server = subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        _wait(here, server)
        yield here
    finally:
        server.terminate()
        server.wait(20)


def _wait(site: Site, server: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE // 100):
        assert server.poll() is None, (site.folder / "log").read_text()
        try:
            urllib.request.urlopen(f"{site.url}/_stcore/health").close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the dashboards did not start in two minutes")


@pytest.fixture
def visit(browser: BrowserContext, site: Site) -> Iterator[Visit]:
    """A fresh tab. Fails for any complaint of the browser."""
    tab = Visit(browser.new_page(), site)
    tab.page.on("request", lambda asked: _other_host(tab, asked.url))
    tab.page.on("pageerror", lambda error: tab.complaints.append(f"uncaught: {error}"))
    tab.page.on("console", lambda said: _console(tab, said.type, said.text, said.location.get("url", "")))
    yield tab
    exceptions = tab.page.locator('[data-testid="stException"]').count()
    tab.page.close()
    assert tab.complaints == []
    assert exceptions == 0


def _other_host(tab: Visit, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(tab.site.url).netloc:
        tab.complaints.append(f"asked another host: {url}")


def _console(tab: Visit, kind: str, text: str, url: str) -> None:
    path = urlsplit(url).path
    if kind == "error" and not (path.endswith(PROBES) and not path.startswith("/_stcore")):
        tab.complaints.append(f"console: {text} ({url})")
