"""What the tables and the methods paragraph of a batch say: what was counted, compared, corrected for and left out."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

import curvefit as cf
from curvefit.studies._methods_text import methods_paragraph
from curvefit.studies._summary_tables import Grouping, action_table, diagnosis_table, law_table
from curvefit.studies.summary import summarize

X = np.arange(1.0, 41.0)


def made(folder, *, models="power_law", tables=("parameters",), count=3, **options):
    rng = np.random.default_rng(0)
    runs = [
        cf.Run(f"r{i}", {"val_loss": cf.Curve(X, 1 + 2 * X**-0.5 + 0.01 * rng.standard_normal(40), "val_loss")})
        for i in range(count)
    ]
    return cf.batch(runs, folder / "out", models=models, tables=list(tables), **options)


def parameters_of(summary):
    return next(t for t in summary.tables() if t.name == "parameters")


@pytest.mark.parametrize(
    ("models", "tables", "compared"),
    [
        ("power_law", ("parameters",), False),
        ("power_law", ("parameters", "comparison"), False),
        (["power_law", "exponential"], ("parameters",), False),
        (["power_law", "exponential"], ("parameters", "comparison"), True),
        ("auto", ("parameters",), True),
    ],
)
def test_laws_are_called_compared_only_where_they_were(tmp_path, models, tables, compared):
    summary = summarize(made(tmp_path, models=models, tables=tables, count=9 if models == "auto" else 3))
    table = parameters_of(summary)
    assert table.caption == f"Parameters of the {'best' if compared else 'fitted'} laws, pooled over runs"
    assert any("whose best law it is" in n for n in table.notes) == compared
    text = methods_paragraph(None, summary)
    assert ("compared by AICc" in text) == compared
    assert {"power_law": "To every curve the law power_law was fitted", "auto": "the laws usual for such a metric were"}.get(
        str(models), "the laws power_law and exponential were fitted"
    ) in text  # fmt: skip
    if len(models) == 2:
        laws = {r["law"] for r in table.to_dicts()}
        assert laws == ({"power_law"} if compared else {"power_law", "exponential"})


def verdicts(**count):
    runs = [{"run": f"r{i}", "metric": "val_loss", "status": "ok"} for i in range(sum(count.values()))]
    names = [v for v, n in count.items() for _ in range(n)]
    rows = [{**r, "name": "plateau", "verdict": v, "severity": "info"} for r, v in zip(runs, names, strict=True)]
    return Grouping(lambda _: "all", "", runs), rows


@pytest.mark.parametrize("count", [{"present": 1, "undecided": 39}, {"present": 3, "absent": 5, "undecided": 2}])
def test_shares_are_those_of_runs_in_which_a_diagnosis_is_decided(count):
    many, rows = verdicts(**count)
    table = diagnosis_table(rows, many, 0.95)
    (row,) = table.to_dicts()
    present, decided = count["present"], count["present"] + count.get("absent", 0)
    assert (row["present"], row["absent"], row["undecided"]) == (present, decided - present, count["undecided"])
    assert row["share"] == present / decided
    oracle = proportion_confint(present, decided, method="wilson")
    assert (row["share_low"], row["share_high"]) == pytest.approx(oracle, abs=1e-12)
    assert "decided" in table.columns[-1].title
    assert any("undecided runs are in neither" in n for n in table.notes)


def test_metrics_of_one_run_have_rows_of_their_own():
    """Two curves of one run are not independent: they are never counted together."""
    runs = [{"run": f"r{i}", "metric": m, "status": "ok"} for i in range(4) for m in ("val_loss", "accuracy")]
    many = Grouping(lambda _: "all", "", runs)
    told = [{**r, "name": "plateau", "verdict": "present", "severity": "info"} for r in runs]
    assert [(r["metric"], r["present"]) for r in diagnosis_table(told, many, 0.95).to_dicts()] == [
        ("accuracy", 4),
        ("val_loss", 4),
    ]
    laws = law_table([{**r, "rank": 1, "model": "mmf"} for r in runs], many).to_dicts()
    assert [(r["metric"], r["runs"], r["share"]) for r in laws] == [("accuracy", 4, 1.0), ("val_loss", 4, 1.0)]
    actions = action_table([{**r, "action": "STOP"} for r in runs], many).to_dicts()
    assert [(r["metric"], r["runs"], r["stop"]) for r in actions] == [("accuracy", 4, 4), ("val_loss", 4, 4)]


def test_the_correction_is_for_the_comparisons_that_have_a_p_value():
    rng = np.random.default_rng(0)
    runs = [
        cf.Run(
            f"{m}{s}",
            {"val_loss": cf.Curve(X, 1 + X**-0.5 + 0.1 * rng.random(), "val_loss")},
            attributes={"m": m, "s": s},
        )
        for m, seeds in (("a", 4), ("b", 4), ("c", 4), ("d", 1))
        for s in range(seeds)
    ]
    found = cf.compare(runs, "m", "s", [40])
    assert (len(found.pairs), sum(np.isfinite(p.p_value) for p in found.pairs)) == (6, 3)
    text = methods_paragraph(found, None)
    assert "corrected for 3 comparisons (of 6, the others having no p-value) by Holm" in text
    assert "(at least 1 per method)" in text and "per task" not in text and "ranks" not in text
    three = cf.compare([r for r in runs if r.attributes["m"] != "d"], "m", "s", [40])
    assert "ranks are shares of 2000 draws of all interquartile means, drawn from t" in methods_paragraph(three, None)
    alone = cf.compare([r for r in runs if r.attributes["s"] == 0], "m", "s", [40])
    text = methods_paragraph(alone, None)
    assert "Differences were not tested" in text and "Holm" not in text and "Welch" not in text


def test_logs_that_could_not_be_read_are_counted_apart(tmp_path):
    logs = tmp_path / "logs"
    (logs / "sub").mkdir(parents=True)
    for m in "ab":
        for s in range(2):
            lines = [f"{x:g},{1 + 2 * x**-0.5:.6f}" for x in X]
            (logs / f"{m}-seed{s}.csv").write_text("step,val_loss\n" + "\n".join(lines) + "\n")
    (logs / "sub" / "a-seed7.csv").write_text("")
    result = cf.batch(logs, tmp_path / "out", models=None, tables=["forecasts"], names="{m}-seed{s}")
    summary = summarize(result, "m")
    table = next(t for t in summary.tables() if t.name == "runs")
    assert [(r["group"], r["runs"], r["ok"], r["failed"]) for r in table.to_dicts()] == [
        ("a", 2, 2, 0),
        ("b", 2, 2, 0),
        ("(no m)", 1, 0, 1),
    ]
    assert table.notes == ("Without m, and so in no other table: sub/a-seed7.csv.",)
    text = methods_paragraph(None, summary)
    assert text.startswith("Training curves of 4 runs were analyzed")
    assert "; 1 more run could not be analyzed. " in text
    assert "with the pooled forecaster, a mixture of thirty weighted trends" in text
    assert "Wilson" not in text  # no share is told
