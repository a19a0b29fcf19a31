"""A headless Chromium for pages of our own: ``python tests/browser.py REPORT.html FOLDER ar=1 en=16`` takes the pictures of docs/report.md."""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,900 --lang=en --disable-dev-shm-usage"
)


def missing() -> str | None:
    """What a browser lacks on this machine; None where it is there."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return "no Chromium on PATH (Debian: apt install chromium chromium-driver)"
    if not shutil.which("chromedriver"):
        return "no chromedriver on PATH (Debian: apt install chromium-driver)"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed (pip install 'santun[test]')"
    return None


@contextmanager
def open_browser() -> Iterator[Any]:
    """Give a Chromium that keeps nothing."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for flag in (*FLAGS.split(), f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            yield driver
        finally:
            driver.quit()


def open_page(driver: Any, path: Path, fragment: str = "") -> None:
    """Open a file, anew, and wait until the page says that it is ready."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get("about:blank")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get(f"{path.resolve().as_uri()}{fragment}")
    WebDriverWait(driver, 30).until(lambda d: d.execute_script("return document.documentElement.dataset.ready"))


def picture(driver: Any, path: Path, width: int = 1280, height: int | None = None) -> None:
    """Take a picture of the page from where it is scrolled to, or of the whole page."""
    whole = height is None
    height = height or driver.execute_script("return document.documentElement.scrollHeight")
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
    path.write_bytes(base64.b64decode(shot["data"]))


def print_pdf(driver: Any, path: Path) -> None:
    """Print the page as a PDF."""
    printed = driver.execute_cdp_cmd(
        "Page.printToPDF", {"printBackground": False, "paperWidth": 8.27, "paperHeight": 11.69}
    )
    path.write_bytes(base64.b64decode(printed["data"]))


def main(page: str, folder: str, *calls: str) -> None:
    """Take pictures of the overview and of conversations (``ar=1``), and print the page and the last conversation."""
    with open_browser() as driver:
        out = Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        open_page(driver, Path(page))
        picture(driver, out / "report-overview.png", height=900)
        print_pdf(driver, out / "report-print.pdf")
        for call in calls:
            name, number = call.split("=")
            open_page(driver, Path(page), f"#call-{number}")
            picture(driver, out / f"report-call-{name}.png", height=1000)
        print_pdf(driver, out / "report-print-call.pdf")


if __name__ == "__main__":
    main(*sys.argv[1:])
