"""Monitor files of Stable-Baselines3 and Gymnasium: one episode per row, told apart by a JSON comment."""

from __future__ import annotations

import numpy as np

from ._cells import MISSING, NUMBER, Column
from ._names import plan_of
from ._table import Table

__all__ = ["monitor_table"]

NAMES = {"r": "episode_reward", "l": "episode_length", "t": "wall_time"}


def monitor_table(table: Table, facts: dict[str, str | float] | None) -> Table | None:
    """The table with readable names and the number of environment steps as x, or None when it is no monitor file.

    Parameters
    ----------
    table : Table
        Columns ``r`` (return of an episode), ``l`` (its length in steps), ``t`` (seconds since the start), others.
    facts : dict or None
        Content of the first comment line.
    """
    names = table.names
    if facts is None or names[:3] != ["r", "l", "t"]:
        return None
    length = table.columns[1]
    there = (length.state == NUMBER) & (length.values >= 0) & np.isfinite(length.values)
    steps = np.cumsum(np.where(there, length.values, 0.0))
    state = np.where(there, NUMBER, MISSING).astype(np.uint8)
    x = Column("total_timesteps", np.where(there, steps, np.nan), state)
    for column in table.columns[:3]:
        column.name = NAMES[column.name]
    table.columns.insert(0, x)
    table.attributes.update(facts)
    table.plan.update(plan_of(facts))
    table.notes.append(
        "a monitor file: r, l, t are called episode_reward, episode_length, wall_time; x adds up the episode lengths"
    )
    missing = sum(table.account.counts.values())
    if missing:
        table.notes.append(f"x lacks the lengths of {missing} dropped rows")
    return table
