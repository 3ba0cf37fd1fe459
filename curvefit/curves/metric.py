"""What a curve measures: kind, direction, split, unit; inferred from common names, refused on a tie."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from .errors import DataError, UsageError

__all__ = ["Direction", "Kind", "Metric", "Split"]

Kind = Literal["loss", "error", "accuracy", "reward", "other"]
Direction = Literal["min", "max"]
Split = Literal["train", "val", "test"]

_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "heldout", "holdout"), "test"),
}
_LOSS = {
    "loss", "losses", "nll", "nlls", "ce", "xent", "crossentropy", "crossentropyloss", "mlm", "kl", "kld", "elbo", "cost", "objective",
    "hinge", "logloss", "neglogprob", "bce", "loss1", "trl", "tel", "boxom", "clsom", "dflom", "boxoo", "clsoo", "dfloo",
}  # fmt: skip
_PERPLEXITY = {"ppl", "perplexity"}
_BITS = {"bpb", "bpc", "bpd", "bpt", "bits"}
_ERROR = {
    "error", "err", "errors", "errorrate", "mse", "rmse", "mae", "mape", "smape", "wer", "cer", "fid", "brier", "ece", "merror",
    "mlogloss", "regret", "top1error", "top5error", "rmsle", "eer", "mrae", "deviance",
}  # fmt: skip
_UNIT_ERROR = {"errorrate", "top1error", "top5error", "merror", "brier", "ece", "eer"}
_ACCURACY = {
    "acc", "accuracy", "accuracies", "top1", "top5", "f1", "auc", "auroc", "roc", "ap", "map", "map50", "map5095", "precision", "recall",
    "iou", "miou", "dice", "exact", "em", "match", "r2", "mcc", "kappa", "ndcg", "mrr", "hits", "acc1", "acc5", "sensitivity",
    "specificity", "balancedaccuracy", "fscore", "f1score", "auprc", "hit",
}  # fmt: skip
_SCORE = {
    "bleu",
    "rouge",
    "rouge1",
    "rouge2",
    "rougel",
    "rougelsum",
    "meteor",
    "chrf",
    "psnr",
    "ssim",
    "elo",
    "spearman",
    "pearson",
    "corr",
}
_REWARD = {
    "reward",
    "rewards",
    "return",
    "returns",
    "score",
    "episodereward",
    "episodereturn",
    "winrate",
    "fitness",
}
_UNBOUNDED = {"r2", "mcc", "kappa"}
_AUXILIARY = {
    "lr", "learningrate", "learning", "grad", "gradnorm", "gnorm", "norm", "momentum", "epoch", "step", "iter", "time", "runtime",
    "seconds", "samples", "tokens", "throughput", "speed", "mfu", "memory", "mem", "temperature", "beta", "weightdecay", "wd",
    "entropycoef", "elapsed", "persecond", "steps", "scale", "pg0", "pg1", "pg2", "flops", "gpu", "tps", "lossscale", "batchsize",
}  # fmt: skip
_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """Lower-case words of a metric name: separators and camel case split, ``mAP50-95`` kept whole."""
    text = re.sub(r"mAP", "map", name)
    text = re.sub(r"map@?0?\.?50?[-:]0?\.?95", "map5095", text)
    text = re.sub(r"\([A-Za-z]\)$", "", text)
    words: list[str] = []
    for chunk in re.split(r"[^0-9A-Za-z@]+", text):
        if chunk:
            found = _TOKEN.findall(chunk.replace("@", ""))
            whole = chunk.lower()
            words.extend([whole] if len(found) > 1 and _known(whole) else [w.lower() for w in found])
    return tuple(words)


def _known(word: str) -> bool:
    return (
        any(word in s for s in (_LOSS, _PERPLEXITY, _BITS, _ERROR, _ACCURACY, _SCORE, _REWARD, _AUXILIARY))
        or word in _SPLITS
    )


def _kinds(words: Sequence[str]) -> list[tuple[Kind, Direction, str]]:
    """Every reading of the words, most specific last word first; two that disagree are a tie."""
    tokens = {*words, *("".join(pair) for pair in itertools.pairwise(words))}
    tokens |= {"".join(t) for t in zip(words, words[1:], words[2:], strict=False)}
    found: list[tuple[Kind, Direction, str]] = []
    if tokens & _LOSS:
        found.append(
            ("loss", "min", "nat" if tokens & {"nll", "ce", "xent", "crossentropy", "crossentropyloss"} else "")
        )
    if tokens & _BITS:
        found.append(("loss", "min", "bit"))
    if tokens & _PERPLEXITY:
        found.append(("other", "min", "perplexity"))
    if tokens & _ERROR:
        found.append(("error", "min", "fraction" if tokens & _UNIT_ERROR else ""))
    if tokens & (_ACCURACY - {"top1", "top5"} if tokens & _ERROR else _ACCURACY):
        found.append(("other" if tokens & _UNBOUNDED else "accuracy", "max", ""))
    if tokens & _SCORE:
        found.append(("other", "max", ""))
    if tokens & _REWARD:
        found.append(("reward", "max", ""))
    return found


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, what kind of quantity it is, which way is better, and on which data.

    Parameters
    ----------
    name : str
        Name as logged, for example ``"val/loss"``.
    kind : {"loss", "error", "accuracy", "reward", "other"}
        Losses and errors are better when smaller; accuracies live in [0, 1] (or in percent).
    direction : {"min", "max"} or None
        Which way is better; None when unknown, and then nothing that needs it will guess.
    split : {"train", "val", "test"} or None
        Data the metric was computed on; None when the name does not say.
    unit : str
        ``"nat"``, ``"bit"``, ``"fraction"``, ``"percent"`` or empty.

    Notes
    -----
    ``Metric.infer("val/loss")`` reads the name; every part can be overridden there. A name that reads two ways
    (``"loss_accuracy"``) gets no direction: say which one is meant.
    """

    name: str
    kind: Kind = "other"
    direction: Direction | None = None
    split: Split | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"a metric needs a name, got {self.name!r}", code="CF-USE-004")
        if self.kind not in get_args(Kind):
            raise UsageError(
                f"metric kind {self.kind!r}", code="CF-USE-004", hint=f"choices: {', '.join(get_args(Kind))}"
            )
        if self.direction is not None and self.direction not in get_args(Direction):
            raise UsageError(
                f"metric direction {self.direction!r}",
                code="CF-USE-004",
                hint='choices: "min" (smaller is better), "max"',
            )
        if self.split is not None and self.split not in get_args(Split):
            raise UsageError(
                f"metric split {self.split!r}", code="CF-USE-004", hint=f"choices: {', '.join(get_args(Split))}"
            )

    @classmethod
    def infer(
        cls,
        name: str,
        *,
        kind: Kind | None = None,
        direction: Direction | None = None,
        split: Split | None = None,
        unit: str | None = None,
    ) -> Metric:
        """Read kind, direction, split and unit from a name; arguments override what the name says.

        Parameters
        ----------
        name : str
            Metric name, nested with ``/ . _ -`` or in camel case.
        kind, direction, split, unit : optional
            Overrides.

        Returns
        -------
        Metric
            With ``direction=None`` when the name is unknown, auxiliary (a learning rate, a gradient norm) or a tie.
        """
        words = _words(str(name))
        splits = {_SPLITS[w] for w in words if w in _SPLITS}
        found = _kinds([w for w in words if w not in _SPLITS])
        auxiliary = _is_auxiliary(words, found)
        if direction is None and kind is not None:
            direction = {"loss": "min", "error": "min", "accuracy": "max", "reward": "max"}.get(kind)  # type: ignore[assignment]
        best: tuple[Kind, Direction | None, str] = ("other", None, "")
        if found and not auxiliary:
            directions = {d for _, d, _ in found}
            if len(directions) == 1:
                best = found[0]
        return cls(
            name=str(name),
            kind=kind or best[0],
            direction=direction or best[1],
            split=split or (splits.pop() if len(splits) == 1 else None),
            unit=best[2] if unit is None else unit,
        )

    @property
    def auxiliary(self) -> bool:
        """Whether this is bookkeeping (learning rate, gradient norm, time), not a measure of quality."""
        words = _words(self.name)
        return self.direction is None and _is_auxiliary(words, _kinds([w for w in words if w not in _SPLITS]))

    def need_direction(self) -> Direction:
        """The direction, or an error that says how to state it."""
        if self.direction is None:
            raise DataError(
                f"cannot tell whether smaller or larger {self.name!r} is better",
                code="CF-DATA-004",
                where=self.name,
                hint=f"pass cf.Metric({self.name!r}, direction='min') or 'max' (command line: --direction min|max)",
            )
        return self.direction


def _is_auxiliary(words: Sequence[str], found: list[tuple[Kind, Direction, str]]) -> bool:
    tokens = {*words, *("".join(pair) for pair in itertools.pairwise(words))}
    named = tokens & _AUXILIARY
    if not named:
        return False
    # "train_samples_per_second", "loss_scale", "grad_norm": bookkeeping even beside a metric's word
    strong = {
        "gradnorm",
        "gnorm",
        "learningrate",
        "lr",
        "lossscale",
        "persecond",
        "runtime",
        "weightdecay",
        "throughput",
        "memory",
    }
    return (
        not found or bool(tokens & strong) or words[-1] in {"norm", "scale", "time", "seconds", "step", "epoch", "lr"}
    )
