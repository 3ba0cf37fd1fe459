"""Draw the pictures of the HTML page again: ``python docs/make_page_picture.py`` (needs Playwright and Chromium)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import curvefit as cf
from curvefit.datasets import examples
from curvefit.reporting.html import RunView, page

FOLDER = Path(__file__).parent / "_static"


def main() -> None:
    """A page of all example runs, and of the first of them."""
    from playwright.sync_api import sync_playwright

    runs = [cf.load_example(name) for name in examples.names()]
    text = page("Example runs", [RunView.of(cf.analyze(run)) for run in runs])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder, "page.html")
        file.write_text(text, encoding="ascii")
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1280, "height": 800})
        for name, place in (("page.png", "#runs"), ("page-run.png", "#run-1")):
            shown.goto(file.as_uri() + place)
            shown.wait_for_timeout(500)
            shown.screenshot(path=FOLDER / name)
            print(FOLDER / name)
        browser.close()


if __name__ == "__main__":
    main()
