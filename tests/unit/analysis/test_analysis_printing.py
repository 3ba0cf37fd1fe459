"""What print shows of each answer: a readable line or page, and a short name in a list."""

from __future__ import annotations

import numpy as np
import pytest

import curvefit as cf

X = np.arange(1.0, 41.0)
CURVE = cf.Curve(X, 0.5 + X**-0.5 + 0.01 * np.sin(9 * X), "val_loss", x_unit="epoch")
REPORT = cf.analyze(cf.Run("a\x1b[31mrun", {"val_loss": CURVE}), target=0.3, model=None)
THINGS = {
    "curve": CURVE,
    "run": REPORT.run,
    "report": REPORT,
    "recommendation": REPORT.recommendation,
    "diagnoses": REPORT.diagnoses,
    "diagnosis": REPORT.diagnoses.items[0],
    "forecast": REPORT.forecast,
    "fit": cf.fit(CURVE),
    **REPORT.estimates,
}


@pytest.mark.parametrize("name", THINGS)
def test_print_shows_text_for_people(name):
    text, short = str(THINGS[name]), repr(THINGS[name])
    assert "\n" not in short
    assert len(short) <= 200
    for wall in ("mappingproxy", "array(", "<Status", "<Action", "<Verdict", "details=", "object at 0x", "\x1b"):
        assert wall not in text
        assert wall not in short
    assert max(len(line) for line in text.splitlines()) <= 400


def test_an_estimate_is_one_line_with_its_interval():
    at = cf.Estimate("best_point", 17.0, cf.Interval(10, 26), "epoch")
    assert str(at) == "best point: 17 [10, 26] epoch (95 % confidence)"
    assert repr(at) == "Estimate('best_point', 17 [10, 26] epoch)"
    none = cf.Estimate("asymptote", None, None, "", cf.Status.NOT_IDENTIFIED, ("its interval is open",))
    assert str(none) == "asymptote: not identified; its interval is open"
    assert "\n" not in str(REPORT.estimates["target_reached"])


def test_a_recommendation_is_the_answer_with_its_reasons():
    lines = str(REPORT.recommendation).splitlines()
    assert lines[0].startswith("val_loss: ")
    assert REPORT.recommendation.action.value in lines[0]
    assert len(lines) > len(REPORT.recommendation.reasons)
    assert repr(REPORT.recommendation).startswith("Recommendation('val_loss': ")


def test_diagnoses_list_findings_first_and_name_what_is_absent():
    text = str(REPORT.diagnoses)
    assert text.startswith("diagnoses of a\\x1b[31mrun")
    assert text.splitlines()[-1].startswith("absent: ")
    for d in (*REPORT.diagnoses.present, *REPORT.diagnoses.undecided):
        assert f"{d.name.replace('_', ' ')}: {d.verdict.value}" in text
        assert d.explanation in text


def test_a_forecast_says_what_it_expects_at_its_end():
    assert str(REPORT.forecast).startswith("forecast of val_loss at x = 80: 0.")
    assert "(95 % of new observations)" in str(REPORT.forecast)
    assert repr(REPORT.forecast) == "Forecast('val_loss', pooled, 50 x up to 80)"
