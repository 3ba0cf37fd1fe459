"""Hugging Face trainer_state.json: the log history of a Trainer, with its plan; the run's summary row is left out."""

from __future__ import annotations

from array import array
from typing import Any, final

import numpy as np

from ..curves import ReadError, Run
from ._base import Reader
from ._json import MAX_DOCUMENT, JsonText, Records, facts_of
from ._runs import runs_of
from ._source import Source
from ._table import Account, Table
from ._text import decode_head, whole_text

__all__ = ["TrainerState"]

SUMMARY = "run summary"
_FACTS = ("train_batch_size", "num_train_epochs", "logging_steps", "eval_steps", "best_metric", "best_global_step")


@final
class TrainerState(Reader):
    """The state file that a Hugging Face Trainer saves with every checkpoint.

    Notes
    -----
    ``loss`` is the mean over the logging window, which the provenance records; ``max_steps`` is the planned horizon.
    The row with ``train_runtime`` summarizes the run and is no measurement. x is the step; ``x="epoch"`` may be asked for.
    """

    name = "trainer_state"
    suffixes = ("trainer_state.json",)
    aliases = ("hf", "huggingface", "transformers")

    def sniff(self, head: bytes, path: str) -> float:
        """Whether the document has a log history."""
        text = decode_head(head).lstrip()
        return 0.95 if text.startswith(b"{") and b'"log_history"' in text else 0.0

    def read(self, source: Source) -> list[Run]:
        """The run of a trainer state."""
        decoder = JsonText(source.where)
        state = decoder.document(whole_text(source, MAX_DOCUMENT, "keep the log history only"))
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(history, list):
            raise ReadError("a JSON document without log_history", code="CF-IO-003", where=source.where)
        table = _table(history, source)
        table.notes[:0] = [*source.notes, *decoder.notes()]
        if table.rows == 0:
            raise ReadError("the log history is empty", code="CF-IO-002", where=source.where)
        names = table.names
        if "step" not in names and source.options.x is None:
            raise ReadError(
                "no row of the log history has a step",
                code="CF-IO-008",
                where=source.where,
                hint="pass x='epoch'" if "epoch" in names else "pass x='row' to number the rows",
            )
        _plan(table, state)
        return runs_of(table, source, reader=self.name)

    def example(self) -> bytes:
        """Three logged losses, two evaluations, and the summary."""
        return (
            b'{"global_step": 30, "max_steps": 60, "num_train_epochs": 6, "logging_steps": 10, "log_history": [\n'
            b'{"epoch": 1.0, "learning_rate": 5e-5, "loss": 2.1, "step": 10},\n'
            b'{"epoch": 1.0, "eval_loss": 2.0, "eval_runtime": 1.5, "step": 10},\n'
            b'{"epoch": 2.0, "learning_rate": 4e-5, "loss": 1.6, "step": 20},\n'
            b'{"epoch": 3.0, "learning_rate": 3e-5, "loss": 1.4, "step": 30},\n'
            b'{"epoch": 3.0, "eval_loss": 1.7, "eval_runtime": 1.5, "step": 30},\n'
            b'{"epoch": 3.0, "train_loss": 1.7, "train_runtime": 60.0, "step": 30}\n]}\n'
        )


def _table(history: list[Any], source: Source) -> Table:
    records = Records(source.where)
    account = Account()
    numbers = array("q")
    summary = 0
    for i, row in enumerate(history, 1):
        if not isinstance(row, dict):
            account.add("not an object", i)
        elif "train_runtime" in row:
            account.add(SUMMARY, i)
            summary += sum(v is not None for k, v in row.items() if k not in ("step", "epoch"))
        else:
            records.add(row, source.size // max(1, len(history)))
            numbers.append(i)
    return Table(
        records.finish(),
        lines=np.frombuffer(numbers, dtype=np.int64) if numbers else np.zeros(0, np.int64),
        account=account,
        points_dropped={SUMMARY: summary} if summary else {},
        x_name="step",
        row_word="log_history row",
    )


def _plan(table: Table, state: dict[str, Any]) -> None:
    """Horizon, logging window and facts of the state."""
    table.attributes.update(facts_of({k: state[k] for k in _FACTS if k in state}))
    steps, epochs = _positive(state.get("max_steps")), _positive(state.get("num_train_epochs"))
    if steps:
        table.plan["step"] = steps
    if epochs:
        table.plan["epoch"] = epochs
    window = _window(table, _positive(state.get("logging_steps")), steps)
    if window:
        table.window["step"] = window
        if steps and epochs:
            table.window["epoch"] = window * epochs / steps
        table.notes.append(f"'loss' is the mean over each logging window of {window:g} steps")


def _positive(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e300
    return float(value) if good else None


def _window(table: Table, stated: float | None, total: float | None) -> float | None:
    """Steps between two logged losses: as stated (a share of all steps below 1), else the usual distance."""
    if "loss" not in table.names or "step" not in table.names:
        return None
    if stated is not None and stated >= 1:
        return stated
    if stated is not None and total is not None:
        return float(max(1.0, np.ceil(stated * total)))
    loss, step = (table.columns[table.names.index(n)] for n in ("loss", "step"))
    rows = (loss.state == 0) & (step.state == 0) & np.isfinite(step.values)
    apart = np.diff(step.values[rows])
    apart = apart[apart > 0]
    return float(np.median(apart)) if apart.size else None
