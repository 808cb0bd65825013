"""The README's gallery: every page of what is published, in a browser. `make gallery`, after `make demo`."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "gallery"
PAGES = ("overview", "carrier_scorecard", "lanes", "at_risk", "wismo", "returns", "track", "data_health")
SIZE = (1440, 1600)
SHOWN = (900, 1000)


def main(order: str) -> None:
    """Take a picture of each page; `order` is a number to track."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboards/streamlit_app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(f"http://127.0.0.1:{port}/_stcore/health")
        FOLDER.mkdir(exist_ok=True)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
            for name in PAGES:
                path = "" if name == "overview" else f"track?q={order}" if name == "track" else name
                page.goto(f"http://127.0.0.1:{port}/{path}")
                page.locator("h1").wait_for()
                quiet = 0
                while quiet < 10:  # until the server has had nothing more to say for two seconds
                    page.wait_for_timeout(200)
                    state = page.get_by_test_id("stApp").get_attribute("data-test-script-state")
                    drawn = state == "notRunning" and page.get_by_test_id("stSkeleton").count() == 0
                    quiet = quiet + 1 if drawn else 0
                picture = (
                    Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
                )
                picture.save(FOLDER / f"{name}.webp", quality=72, method=6)
            browser.close()
    finally:
        server.terminate()


def wait(url: str) -> None:
    """Until the server answers."""
    for _ in range(200):
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the dashboards did not start within 20 s")


if __name__ == "__main__":
    main(sys.argv[1])
