"""What the name of a metric says: its words, and every way to read them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["SPLITS", "Reading", "is_auxiliary", "is_learning_rate", "readings", "split_of", "words_of"]

Reading = tuple[str, str, str]  # kind, direction, unit

SPLITS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "heldout", "holdout"), "test"),
}
_LOSS = frozenset(
    [
        "loss",
        "losses",
        "nll",
        "nlls",
        "ce",
        "xent",
        "crossentropy",
        "crossentropyloss",
        "mlm",
        "kldiv",
        "kldivergence",
        "klloss",
        "cost",
        "hinge",
        "logloss",
        "mlogloss",
        "multilogloss",
        "neglogprob",
        "neglogprobs",
        "bce",
        "trl",
        "tel",
        "boxom",
        "clsom",
        "dflom",
        "boxoo",
        "clsoo",
        "dfloo",
        "huber",
        "smoothl1",
        "neglogpy",
        "nloglik",
    ]
)
_NATS = frozenset(
    ["nll", "nlls", "ce", "xent", "crossentropy", "crossentropyloss", "logloss", "mlogloss", "negloglikelihood"]
)
_PERPLEXITY = frozenset(("ppl", "perplexity"))
_BITS = frozenset(["bpb", "bpc", "bpd", "bpt", "bits"])
_ERROR = frozenset(
    [
        "error",
        "err",
        "errors",
        "errorrate",
        "mse",
        "rmse",
        "mae",
        "mape",
        "smape",
        "wer",
        "cer",
        "ter",
        "fid",
        "kid",
        "brier",
        "ece",
        "merror",
        "regret",
        "top1error",
        "top5error",
        "rmsle",
        "rmspe",
        "eer",
        "mrae",
        "deviance",
        "lpips",
        "chamferdistance",
        "wassersteindistance",
        "editdistance",
        "frechetdistance",
    ]
)
_UNIT_ERROR = frozenset(["errorrate", "top1error", "top5error", "merror", "brier", "ece", "eer"])
_ACCURACY = frozenset(
    [
        "acc",
        "accuracy",
        "accuracies",
        "accnorm",
        "top1",
        "top5",
        "f1",
        "fscore",
        "f1score",
        "auc",
        "auroc",
        "roc",
        "ap",
        "map",
        "map5095",
        "precision",
        "recall",
        "auprc",
        "iou",
        "miou",
        "dice",
        "exact",
        "em",
        "match",
        "ndcg",
        "mrr",
        "hits",
        "hit",
        "sensitivity",
        "specificity",
        "balancedaccuracy",
        "success",
        "successrate",
        "winrate",
        "passrate",
        "solverate",
        "pass",
    ]
)
_COUNTED = frozenset(
    ["acc", "top", "ap", "map", "ndcg", "hits", "hit", "recall", "precision", "pass", "mrr", "rouge", "bleu"]
)  # recall@5, AP50
_SCORE = frozenset(
    [
        "bleu",
        "rouge",
        "rougel",
        "rougelsum",
        "meteor",
        "chrf",
        "psnr",
        "ssim",
        "elo",
        "spearman",
        "spearmanr",
        "pearson",
        "pearsonr",
        "corr",
        "correlation",
        "kendalltau",
        "r2",
        "mcc",
        "kappa",
        "explainedvariance",
        "likelihood",
        "loglikelihood",
        "loglik",
        "logprob",
        "logprobs",
        "lpd",
        "elpd",
    ]
)
_REWARD = frozenset(["reward", "rewards", "rew", "return", "returns", "episodereward", "episodereturn", "fitness"])
_WEAK = frozenset(("score", "scores"))  # counts only where nothing else says what it is a score of
_NEGATED = frozenset(("neg", "negative", "minus"))
_LIKELIHOOD = frozenset(["likelihood", "loglikelihood", "loglik", "logprob", "logprobs", "lpd", "elpd"])
_UNSURE = frozenset(("rejected",))  # the reward of the worse answer: smaller is better, though it is a reward
_AUXILIARY = frozenset(
    [
        "lr",
        "learningrate",
        "learning",
        "grad",
        "gradnorm",
        "gnorm",
        "norm",
        "momentum",
        "epoch",
        "step",
        "iter",
        "time",
        "runtime",
        "timestamp",
        "seconds",
        "samples",
        "tokens",
        "throughput",
        "speed",
        "mfu",
        "memory",
        "mem",
        "temperature",
        "beta",
        "weightdecay",
        "wd",
        "entropycoef",
        "elapsed",
        "persecond",
        "steps",
        "scale",
        "pg0",
        "pg1",
        "pg2",
        "flops",
        "flos",
        "gpu",
        "tps",
        "fps",
        "sps",
        "lossscale",
        "batchsize",
        "vram",
    ]
)
# "train_samples_per_second", "loss_scale", "grad_norm": bookkeeping even beside a metric's word
_STRONG = frozenset(
    [
        "gradnorm",
        "gradientnorm",
        "gnorm",
        "learningrate",
        "lr",
        "lossscale",
        "persecond",
        "runtime",
        "weightdecay",
        "throughput",
        "memory",
    ]
)
_LAST = frozenset(["norm", "scale", "time", "seconds", "lr"])
_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Lower-case words of a name: separators and camel case split, ``mAP50-95`` kept whole."""
    text = re.sub(r"mAP", "map", name)
    text = re.sub(r"mIoU", "miou", text)
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
    sets = (_LOSS, _PERPLEXITY, _BITS, _ERROR, _ACCURACY, _SCORE, _REWARD, _AUXILIARY)
    return word in SPLITS or any(word in s for s in sets)


def split_of(words: Sequence[str]) -> str | None:
    """Part of the data that the words name, None when they name none or several."""
    found = {SPLITS[s] for w in words if (s := _plain_split(w)) is not None}
    return found.pop() if len(found) == 1 else None


def _plain_split(word: str) -> str | None:
    """The word as a split, ``val1`` among them."""
    bare = word.rstrip("0123456789")
    return word if word in SPLITS else bare if bare in SPLITS and len(bare) > 2 else None


def _tokens(words: Sequence[str]) -> set[str]:
    """Words, pairs and triples of neighbors, and words without the count at their end (``recall@5``)."""
    tokens = {*words, *("".join(pair) for pair in itertools.pairwise(words))}
    tokens |= {"".join(t) for t in zip(words, words[1:], words[2:], strict=False)}
    bare = {w.rstrip("0123456789") for w in words if w[-1:].isdigit()}
    return tokens | (bare & _COUNTED)


@lru_cache(maxsize=4096)
def readings(words: tuple[str, ...]) -> tuple[Reading, ...]:
    """Every reading of the words of a name, splits left out; two that disagree in direction are a tie.

    A name that ends in "loss" is a loss, whatever it is a loss of; a negated error or loss is better when larger.
    """
    words = tuple(w for w in words if _plain_split(w) is None)
    tokens = _tokens(words)
    if tokens & _UNSURE:
        return ()
    percent = "percent" if tokens & {"percent", "pct", "percentage"} else ""
    negated = bool(_NEGATED & set(words[:1]))
    if negated and tokens & _LIKELIHOOD:
        return (("loss", "min", "nat"),)
    found: list[Reading] = []
    if tokens & _PERPLEXITY:
        found.append(("other", "min", "perplexity"))
    if tokens & _LOSS:
        found.append(("loss", "min", "nat" if tokens & _NATS else ""))
    if tokens & _BITS:
        found.append(("loss", "min", "bit"))
    if tokens & _ERROR:
        found.append(("error", "min", percent or ("fraction" if tokens & _UNIT_ERROR else "")))
    if tokens & (_ACCURACY - {"top1", "top5"} if tokens & _ERROR else _ACCURACY) or _counted_top(words, tokens):
        found.append(("accuracy", "max", percent))
    if tokens & _SCORE:
        found.append(("other", "max", "nat" if tokens & _LIKELIHOOD else ""))
    if tokens & _REWARD:
        found.append(("reward", "max", ""))
    if tokens & _WEAK and not found:
        found.append(("other", "max", ""))
    if negated and found and all(r[1] == "min" for r in found):
        return (("other", "max", ""),)
    if words and words[-1] in ("loss", "losses"):
        return tuple(r for r in found if r[0] == "loss") or (("loss", "min", ""),)
    return tuple(found)


def _counted_top(words: Sequence[str], tokens: set[str]) -> bool:
    """``top3`` and the like, unless an error is counted."""
    return any(re.fullmatch(r"top\d+", w) for w in words) and not tokens & _ERROR


def is_auxiliary(words: tuple[str, ...]) -> bool:
    """Whether the words name bookkeeping (a learning rate, a norm, a time), not a measure of quality."""
    tokens = _tokens(words)
    if not tokens & _AUXILIARY or "accnorm" in tokens:
        return False
    found = readings(words)
    return not found or bool(tokens & _STRONG) or words[-1] in _LAST


def is_learning_rate(words: tuple[str, ...]) -> bool:
    """Whether the words name a learning rate."""
    return is_auxiliary(words) and ("lr" in words or "learningrate" in "".join(words))
