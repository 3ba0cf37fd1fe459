"""The page of a whole batch, as a report writes it, in a real browser: nothing on the console, nothing from outside."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

import curvefit as cf
from curvefit.studies.paper import write_report

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # of the browser's driver
    pytest.mark.filterwarnings("error:::curvefit"),
]

HOSTILE = "=cmd|' <script>window.pwned = 1</script> \x1b[31m ../../etc $\\foo$ 名前"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    rng, x = np.random.default_rng(0), np.arange(1.0, 61.0)
    runs = []
    for i, method in enumerate(("adam", "sgd", HOSTILE)):
        for seed in range(4):
            loss = 1 + 0.2 * i + 2 * x**-0.5 + 0.01 * rng.standard_normal(60)
            curves = {"val_loss": cf.Curve(x, loss, "val_loss"), "accuracy": cf.Curve(x, 1 - 0.3 * loss, "accuracy")}
            runs.append(cf.Run(f"{method}-{seed}", curves, attributes={"method": method, "seed": float(seed)}))
    runs.append(cf.Run("lost", {"val_loss": cf.Curve([1.0, 2.0], [np.nan, np.nan], "val_loss")}))
    out = tmp_path_factory.mktemp("batch")
    result = cf.batch(runs, out / "results", metrics="all", horizons="2x", models="power_law")
    return write_report(result, out / "report", by="method", over="seed", metric="val_loss", replicates=200)


def soon(happened):
    until = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_sort_filter_open_keys_dark_and_paper(browser, report, tmp_path):
    heard = []
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    p = context.new_page()
    p.on("console", lambda m: heard.append(m.text))
    p.on("pageerror", lambda e: heard.append(str(e)))
    p.on("request", lambda r: None if r.url.startswith(("data:", "file:///")) else heard.append(r.url))
    p.goto((report.path / "index.html").as_uri())
    soon(lambda: p.locator("tr[data-i]").count() > 5)
    assert p.locator("#runs-title").text_content() == "25 curves of 13 runs"

    p.get_by_role("button", name="last value").click()
    heads = p.eval_on_selector_all("thead th", "nodes => nodes.map(n => n.textContent.trim())")
    at = next(i for i, text in enumerate(heads) if text.startswith("last value"))
    cells = p.eval_on_selector_all("tr[data-i]", f"rows => rows.map(r => r.children[{at}].textContent.trim())")
    values = [float(v) for v in cells if re.fullmatch(r"[\d.]+", v)]
    assert values == sorted(values, reverse=True) and len(values) > 5

    p.get_by_role("searchbox").fill("metric=val_loss sgd")
    assert p.text_content(".found").startswith("4 of 25")
    p.locator("tr[data-i] a").first.click()
    soon(lambda: p.locator("#run h2").count() == 1 and "sgd-" in p.locator("#run h2").text_content())
    assert p.locator("#run .verdict").inner_text().strip()
    assert p.locator("canvas").count() >= 1
    p.keyboard.press("Escape")
    soon(lambda: p.locator("#runs").is_visible())
    p.get_by_role("button", name="Clear").click()
    p.get_by_role("searchbox").fill("<script>")
    assert p.text_content(".found").startswith("8 of 25")
    assert p.evaluate("window.pwned") is None

    for image in p.locator(".picture img, .picture svg").all():
        assert image.bounding_box()["height"] > 50
    assert p.locator(".extra caption, .extra h2, .extra h3").count() >= 5
    dark = browser.new_context(color_scheme="dark").new_page()
    dark.on("console", lambda m: heard.append(m.text))
    dark.goto((report.path / "index.html").as_uri() + "#run-2")
    soon(lambda: dark.locator("#run h2").count() == 1)
    ink, ground = dark.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert sum(map(int, re.findall(r"\d+", ink)[:3])) > 400 > 200 > sum(map(int, re.findall(r"\d+", ground)[:3]))
    p.pdf(path=str(tmp_path / "paper.pdf"))
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert heard == []
