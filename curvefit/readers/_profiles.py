"""What console logs look like: one profile per program, each turning a line into named values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from ._cells import TOO_LARGE

__all__ = ["PROFILES", "Profile", "Values"]

Values = dict[str, object]
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|NaN|inf|Infinity)"
_ITEM = re.compile(rf"([A-Za-z_][\w/.@-]{{0,60}})[ ]?[:=][ ]?({NUMBER})(?![\w.])")
_WORD = re.compile(rf"([A-Za-z_][\w/@-]{{0,60}})[ ]?[:= ][ ]?({NUMBER})(?![\w.:/-])")
_CELL = re.compile(rf"([A-Za-z][\w ()/-]{{0,60}}?)\s*:\s*({NUMBER})\s*(?:\||$)")
_PAIR = re.compile(rf"'([^'\\]{{1,100}})': (?:'({NUMBER})'|({NUMBER})(?=[,}}]))")
_COUNT = re.compile(
    r"\b(global_step|step|iter|iteration|epoch)s?[ ]?[:=#\[ ][ ]?(\d{1,15})(?:\s?/\s?(\d{1,15}))?", re.IGNORECASE
)
_COUNTS = frozenset(["step", "global_step", "iter", "iteration", "epoch", "steps", "epochs", "iters", "iterations"])
_QUALITY = re.compile(r"loss|acc|perplexity|ppl|error|reward|bleu|f1|auc|mse|mae|nll|bpb|bpc", re.IGNORECASE)
_STATES = ("optimState", "netState")


@dataclass(frozen=True, slots=True)
class Profile:
    """A form of line.

    Parameters
    ----------
    name : str
        Whose form it is.
    start : pattern
        Found in every line of this form; the match is handed on.
    values : callable
        From the line and the match to names and values, or None when the line is another after all. A name that begins
        with ``plan:`` is a planned length.
    sure : bool
        Whether nothing but such a log has lines of this form.
    """

    name: str
    start: re.Pattern[str]
    values: Callable[[str, re.Match[str]], Values | None]
    sure: bool = True


def _number(text: str) -> object:
    """The number as printed; one beyond float64 is said to be too large."""
    value = float(text)
    return TOO_LARGE if value in (math.inf, -math.inf) and "n" not in text.lower() else value


def _plain(pairs: list[tuple[str, str]]) -> Values:
    return {key: _number(value) for key, value in pairs}


def _llmc(line: str, found: re.Match[str]) -> Values:
    kind = {"trl": "train_loss", "tel": "val_loss"}.get(found[2], found[2])
    rest = {("grad_norm" if k == "norm" else k): v for k, v in _plain(_ITEM.findall(line, found.end())).items()}
    return {"step": float(found[1]), kind: _number(found[3]), **rest}


def _modded(line: str, found: re.Match[str]) -> Values:
    pairs = re.findall(rf"([A-Za-z_]\w{{0,40}}):({NUMBER})(?=ms|s|\s|$)", line[found.end() :])
    return {"step": float(found[1]), "plan:step": float(found[2]), **_plain(pairs)}


def _megatron(line: str, found: re.Match[str]) -> Values:
    values: Values = {}
    for cell in line[found.end() :].split("|"):
        match = _CELL.fullmatch(cell.strip() + "|")
        if match is not None:
            values[match[1].strip()] = _number(match[2])
    return {"iteration": float(found[1]), "plan:iteration": float(found[2]), **values}


def _megatron_valid(line: str, found: re.Match[str]) -> Values:
    split = {"valid": "val", "validation": "val", "test": "test"}[found[1].lower()]
    pairs = re.findall(rf"\|\s*([\w ]{{1,40}}?) (value|PPL): ({NUMBER})", line)
    named = {f"{split} {name}" + (" PPL" if what == "PPL" else ""): _number(v) for name, what, v in pairs}
    return {"iteration": float(found[2]), **named}


def _nanogpt_iter(line: str, found: re.Match[str]) -> Values:
    rest = re.findall(rf"(time|mfu) ({NUMBER})", line[found.end() :])
    return {"iter": float(found[1]), "loss": _number(found[2]), **_plain(rest)}


def _nanogpt_step(line: str, found: re.Match[str]) -> Values:
    return {"iter": float(found[1]), "train_loss": _number(found[2]), "val_loss": _number(found[3])}


def _dictionary(line: str, found: re.Match[str]) -> Values | None:
    """A printed dictionary of a Hugging Face Trainer; its closing summary is no measurement."""
    values: Values = {key: _number(quoted or plain) for key, quoted, plain in _PAIR.findall(line[found.start() :])}
    return None if "train_runtime" in values or not _QUALITY.search(" ".join(values)) else values


def _statistics(line: str, found: re.Match[str]) -> Values | None:
    """Statistics that Torch7 scripts print as JSON, the state of the optimizer left out."""
    text = line[found.end() :].strip()
    if len(text) > 1 << 16 or text.count("{") + text.count("[") > 256:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return {
        key: item
        for key, item in value.items()
        if not isinstance(item, dict | list | bool) and item is not None and key not in _STATES
    }


def _keras(line: str, found: re.Match[str]) -> Values | None:
    """The last state of a progress line: all batches done."""
    if found[1] != found[2]:
        return None
    values = _plain(re.findall(rf"- ([A-Za-z_]\w{{0,60}}): ({NUMBER})(?= - |\s*$)", line[found.end() :]))
    return values or None


_YOLO = (
    "train/box_loss", "train/obj_loss", "train/cls_loss", "train/total_loss", "", "", "metrics/precision", "metrics/recall",
    "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss",
)  # fmt: skip


def _yolo(line: str, found: re.Match[str]) -> Values | None:
    """A row of results.txt of YOLOv5 or YOLOv7, which has no header; names are those of the later results.csv."""
    cells = line[found.end() :].split()
    if len(cells) != len(_YOLO) or not all(re.fullmatch(NUMBER, c) for c in cells):
        return None
    named = {name: _number(cell) for name, cell in zip(_YOLO, cells, strict=True) if name}
    return {"epoch": float(found[1]), "plan:epoch": float(found[2]), **named}


def _general(line: str, found: re.Match[str]) -> Values | None:
    """A count of training and at least one measure of quality, each after its name."""
    plan: Values = {}
    counts: Values = {}
    for match in _COUNT.finditer(line):
        name = match[1].lower()
        counts[name] = float(match[2])
        if match[3] and float(match[3]) > 0:
            plan[f"plan:{name}"] = float(match[3])
    pairs = _ITEM.findall(line) + _WORD.findall(line)
    values = {k: _number(v) for k, v in pairs if k.lower() not in _COUNTS}
    if not counts or not any(map(_QUALITY.search, values)):
        return None
    return {**counts, **plan, **values}


PROFILES: tuple[Profile, ...] = (
    Profile("llm.c", re.compile(rf"^s:(\d{{1,15}}) (trl|tel|eval):({NUMBER})"), _llmc),
    Profile("modded-nanogpt", re.compile(r"^step:(\d{1,15})/(\d{1,15}) (?=\w+:)"), _modded),
    Profile("Megatron", re.compile(r"\biteration\s+(\d{1,15})\s*/\s*(\d{1,15})\s*\|"), _megatron),
    Profile(
        "Megatron",
        re.compile(r"\b(valid|validation|test) loss at iteration (\d{1,15})\s*(?=\|)", re.IGNORECASE),
        _megatron_valid,
    ),
    Profile("nanoGPT", re.compile(rf"^iter (\d{{1,15}}): loss ({NUMBER})(?=,)"), _nanogpt_iter),
    Profile("nanoGPT", re.compile(rf"^step (\d{{1,15}}): train loss ({NUMBER}), val loss ({NUMBER})"), _nanogpt_step),
    Profile("Hugging Face", re.compile(r"\{'[\w./-]{1,100}': "), _dictionary),
    Profile("Torch7", re.compile(r"^json_stats: (?=\{)"), _statistics),
    Profile("Keras", re.compile(r"^\s*(\d{1,9})/(\d{1,9})\s(?=.* - [A-Za-z_]\w*: )"), _keras),
    Profile("YOLO", re.compile(r"^\s*(\d{1,9})/(\d{1,9})\s+\d[\d.]*G\s"), _yolo),
    Profile("console", _COUNT, _general, sure=False),
)
