"""What a paper says about how its numbers were made, and whom it cites for it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping, Sequence

from .. import __version__
from ..curves.numbers import counted
from ..reporting.tables import BatchSummary, Comparison
from ._comparison_text import compared

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


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    from importlib.metadata import version

    names = ("numpy", "scipy", "statsmodels", "matplotlib")
    return {"curvefit": __version__, "python": platform.python_version(), **{n: version(n) for n in names}}


def methods_paragraph(
    comparison: Comparison | None,
    summary: BatchSummary | None,
    *,
    seed: int = 0,
    pooled: bool = False,
    level: float = 0.95,
    measured: str = "",
) -> str:
    """Prose for the methods section, with citations as ``[@key]``.

    Parameters
    ----------
    comparison : Comparison or None
        Of the methods.
    summary : BatchSummary or None
        Of the batch.
    seed : int
        Of the generator behind resampling.
    pooled : bool
        Whether parameters were pooled over runs.
    level : float
        Nominal coverage of what is pooled over runs; single runs have that of the batch.
    measured : str
        Coverage of forecasts as it was found on these data, which is said beside the nominal one.
    """
    told = []
    if summary is not None:
        s = summary.settings
        told.append(_analyzed(s))
        if s["models"] != "none":
            told.append(_fitted(s))
        if s["forecast to"]:
            how = _FORECASTERS.get(s["forecaster"], "")
            told.append(f"Curves were forecast to {s['forecast to']} with the {s['forecaster']} forecaster{how}. ")
        told.append(
            f"Intervals of single runs (parameters, forecasts, estimates) have a nominal coverage of {s['level']}. {measured}"
        )
        if pooled:
            told.append(
                "Parameters were pooled over the runs that identify all parameters of the law, those that are positive by nature as logarithms, by random effects with Paule and Mandel's variance between runs [@paule1982] "
                f"and Hartung and Knapp's interval ({100 * level:g} %) [@hartung2001]. "
            )
        if any(t.name == "diagnoses" for t in summary.tables()):
            told.append(
                "Shares of runs in which a diagnosis is present are those among decided runs and have Wilson intervals "
                f"({100 * level:g} %) [@wilson1927]. "
            )
    if comparison is not None:
        told.append(compared(comparison))
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


def citations(text: str) -> list[str]:
    """Keys cited in a text, in order."""
    return list(dict.fromkeys(_CITED.findall(text)))


def bibtex(keys: Iterable[str] | Sequence[str]) -> str:
    """Entries of the keys."""
    return "\n\n".join(BIBTEX[k] for k in keys) + "\n"
