"""What a paper says about how its numbers were made, and whom it cites for it."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .. import __version__
from ..curves.numbers import counted
from ..reporting.tables import BatchSummary, Comparison

__all__ = ["BIBTEX", "bibtex", "citations", "methods_paragraph", "versions"]

BIBTEX: Mapping[str, str] = {
    "agarwal2021": """@inproceedings{agarwal2021,
  author = {Agarwal, Rishabh and Schwarzer, Max and Castro, Pablo Samuel and Courville, Aaron and Bellemare, Marc G.},
  title = {Deep Reinforcement Learning at the Edge of the Statistical Precipice},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {34},
  year = {2021},
}""",
    "hesterberg2015": """@article{hesterberg2015,
  author = {Hesterberg, Tim C.},
  title = {What Teachers Should Know About the Bootstrap: Resampling in the Undergraduate Statistics Curriculum},
  journal = {The American Statistician},
  volume = {69},
  number = {4},
  pages = {371--386},
  year = {2015},
}""",
    "newcombe2006": """@article{newcombe2006,
  author = {Newcombe, Robert G.},
  title = {Confidence Intervals for an Effect Size Measure Based on the {Mann--Whitney} Statistic. Part 2: Asymptotic Methods and Evaluation},
  journal = {Statistics in Medicine},
  volume = {25},
  pages = {559--573},
  year = {2006},
}""",
    "efron1987": """@article{efron1987,
  author = {Efron, Bradley},
  title = {Better Bootstrap Confidence Intervals},
  journal = {Journal of the American Statistical Association},
  volume = {82},
  number = {397},
  pages = {171--185},
  year = {1987},
}""",
    "holm1979": """@article{holm1979,
  author = {Holm, Sture},
  title = {A Simple Sequentially Rejective Multiple Test Procedure},
  journal = {Scandinavian Journal of Statistics},
  volume = {6},
  number = {2},
  pages = {65--70},
  year = {1979},
}""",
    "benjamini1995": """@article{benjamini1995,
  author = {Benjamini, Yoav and Hochberg, Yosef},
  title = {Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing},
  journal = {Journal of the Royal Statistical Society, Series B},
  volume = {57},
  number = {1},
  pages = {289--300},
  year = {1995},
}""",
    "welch1947": """@article{welch1947,
  author = {Welch, B. L.},
  title = {The Generalization of `Student's' Problem when Several Different Population Variances are Involved},
  journal = {Biometrika},
  volume = {34},
  pages = {28--35},
  year = {1947},
}""",
    "tukey1963": """@article{tukey1963,
  author = {Tukey, John W. and McLaughlin, Donald H.},
  title = {Less Vulnerable Confidence and Significance Procedures for Location Based on a Single Sample: Trimming/Winsorization 1},
  journal = {Sankhya A},
  volume = {25},
  pages = {331--352},
  year = {1963},
}""",
    "paule1982": """@article{paule1982,
  author = {Paule, Robert C. and Mandel, John},
  title = {Consensus Values and Weighting Factors},
  journal = {Journal of Research of the National Bureau of Standards},
  volume = {87},
  number = {5},
  pages = {377--385},
  year = {1982},
}""",
    "hartung2001": """@article{hartung2001,
  author = {Hartung, Joachim and Knapp, Guido},
  title = {A Refined Method for the Meta-Analysis of Controlled Clinical Trials with Binary Outcome},
  journal = {Statistics in Medicine},
  volume = {20},
  pages = {3875--3889},
  year = {2001},
}""",
    "golub1973": """@article{golub1973,
  author = {Golub, Gene H. and Pereyra, Victor},
  title = {The Differentiation of Pseudo-Inverses and Nonlinear Least Squares Problems Whose Variables Separate},
  journal = {SIAM Journal on Numerical Analysis},
  volume = {10},
  pages = {413--432},
  year = {1973},
}""",
    "burnham2002": """@book{burnham2002,
  author = {Burnham, Kenneth P. and Anderson, David R.},
  title = {Model Selection and Multimodel Inference},
  edition = {2},
  publisher = {Springer},
  year = {2002},
}""",
    "wilson1927": """@article{wilson1927,
  author = {Wilson, Edwin B.},
  title = {Probable Inference, the Law of Succession, and Statistical Inference},
  journal = {Journal of the American Statistical Association},
  volume = {22},
  pages = {209--212},
  year = {1927},
}""",
    "curvefit": f"""@software{{curvefit,
  title = {{curvefit: Fit, Forecast and Diagnose Training Curves}},
  version = {{{__version__}}},
}}""",
}
_CRITERIA = {"aicc": "AICc [@burnham2002]", "bic": "BIC [@burnham2002]", "rolling": "rolling origins"}
_FORECASTERS = {
    "pooled": ", a mixture of thirty weighted trends whose weights follow from back-tests on the same curve by a map that was "
    "learned from other curves"
}
_CITED = re.compile(r"\[@([a-z0-9]+)\]")
_CORRECTIONS = {
    "holm": "Holm's method [@holm1979]",
    "bonferroni": "Bonferroni's method",
    "fdr_bh": "Benjamini and Hochberg's method [@benjamini1995]",
    "fdr_by": "Benjamini and Yekutieli's method",
}


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    from importlib.metadata import version

    names = ("numpy", "scipy", "statsmodels", "matplotlib")
    return {"curvefit": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}


def methods_paragraph(
    comparison: Comparison | None, summary: BatchSummary | None, *, seed: int = 0, pooled: bool = False
) -> str:
    """Prose for the methods section, with citations as ``[@key]``."""
    told = []
    if summary is not None:
        s = summary.settings
        told.append(_analyzed(s))
        if s["models"] != "none":
            told.append(_fitted(s))
        if s["forecast to"]:
            how = _FORECASTERS.get(s["forecaster"], "")
            told.append(f"Curves were forecast to {s['forecast to']} with the {s['forecaster']} forecaster{how}. ")
        told.append(f"Intervals have a nominal coverage of {s['level']}. ")
        if pooled:
            told.append(
                "Parameters were pooled over the runs that identify all parameters of the law, those that are positive by nature as logarithms, by random effects with Paule and Mandel's variance between runs [@paule1982] "
                "and Hartung and Knapp's interval [@hartung2001]. "
            )
        if any(t.name == "diagnoses" for t in summary.tables()):
            told.append(
                "Shares of runs in which a diagnosis is present are those among decided runs and have Wilson intervals "
                "[@wilson1927]. "
            )
    if comparison is not None:
        told.append(_compared(comparison))
    now = versions()
    told.append(
        "Computed with "
        + ", ".join(f"{n} {v}" for n, v in now.items())
        + f"; random numbers from NumPy's PCG64 with seed {seed}."
    )
    return "".join(told)


def _analyzed(s: Mapping[str, str]) -> str:
    lost = int(s["not analyzed"])
    rest = f"; {counted(lost, 'more run')} could not be analyzed" if lost else ""
    return (
        f"Training curves of {counted(int(s['analyzed']), 'run')} were analyzed with curvefit {s['curvefit']} "
        f"[@curvefit]{rest}. "
    )


def _fitted(s: Mapping[str, str]) -> str:
    names = s["models"].split(", ")
    if s["models"] == "auto":
        which = "the laws usual for such a metric were"
    elif len(names) == 1:
        which = f"the law {names[0]} was"
    else:
        which = f"the laws {', '.join(names[:-1])} and {names[-1]} were"
    compared = "" if s["criterion"] == "none" else f", and compared by {_CRITERIA.get(s['criterion'], s['criterion'])}"
    return (
        f"To every curve {which} fitted by separable least squares [@golub1973] with noise that may be correlated between "
        f"neighbors{compared}. "
    )


def _compared(c: Comparison) -> str:
    strata = f" within each {c.task}" if c.task else ""
    places = ", ".join(f"{a:g}" for a in c.at)
    pairs = (
        f"Differences were taken within pairs of equal {c.pair} and tested with the paired t test"
        if c.pair
        else "Differences of means were tested with Welch's test [@welch1947]"
    )
    how = {
        "auto": f"t intervals below ten seeds{' per task' if c.task else ''}, else the stratified bootstrap with expanded percentiles [@hesterberg2015]"
        + (", accelerated for the median over tasks [@efron1987]" if c.task else ""),
        "percentile": "percentiles of the stratified bootstrap",
        "expanded": "expanded percentiles of the stratified bootstrap [@hesterberg2015]",
        "t": "t intervals",
    }[c.settings["interval"]]
    if not any(math.isfinite(p.p_value) for p in c.pairs):
        pairs = "Differences were not tested, since no pair of methods has seeds enough for a p-value"
    ranks = ""
    if any(np.isfinite(r.probability).any() for r in c.rankings):
        drawn = {
            "auto": "drawn from t distributions below ten seeds, else resampled",
            "t": "drawn from t distributions",
        }
        ranks = f"Probabilities of ranks are shares of as many draws of all interquartile means, {drawn.get(c.settings['interval'], 'resampled')}. "
    if any(x.x.interval is not None for x in c.crossings):
        ranks += "Intervals of crossings hold the points at which Welch's test [@welch1947] does not tell two mean curves apart. "
    fewest = min((a.fewest for a in c.aggregates), default=0)
    shortfall = f" Runs that ended before {'are left out there' if c.settings['short runs'] == 'drop' else 'count as their last value'}."
    carried = sum(a.carried for a in c.aggregates)
    if carried:
        shortfall = (
            f" {carried} of {sum(a.seeds for a in c.aggregates)} values are last values of runs that ended before."
        )
    correction = c.settings["correction"]
    tested = sum(math.isfinite(p.p_value) for p in c.pairs)
    of = "" if tested == len(c.pairs) else f" (of {len(c.pairs)}, the others having no p-value)"
    corrected = (
        f", corrected for {counted(tested, 'comparison')}{of} by {_CORRECTIONS[correction]}"
        if correction != "none" and tested
        else ""
    )
    return (
        f"{len(c.methods)} methods were compared by {c.metric} at {c.x_unit} {places} over {c.over}, resampled{strata} (at least {fewest} per "
        f"{'task and ' if c.task else ''}method), with interquartile means and probabilities of improvement as defined by Agarwal et al. [@agarwal2021]. "
        f"Intervals ({100 * c.level:g} %) are {how}, with {c.settings['replicates']} replicates; the interquartile mean's standard error is "
        f"that of a trimmed mean [@tukey1963]; probabilities of improvement of few seeds have score intervals [@newcombe2006]. "
        f"{ranks}{pairs}{corrected}.{shortfall} "
    )


def citations(text: str) -> list[str]:
    """Keys cited in a text, in order."""
    return list(dict.fromkeys(_CITED.findall(text)))


def bibtex(keys: Iterable[str] | Sequence[str]) -> str:
    """Entries of the keys."""
    return "\n\n".join(BIBTEX[k] for k in keys) + "\n"
