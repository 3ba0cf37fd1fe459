"""A Dask cluster: one on this machine, or one whose scheduler's address is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, final

from ...curves import CurvefitError, UsageError
from ...curves._checks import safe_text
from ...curves._optional import optional
from .._unit import Task
from ..parts import read_part
from ._base import THREADS, Engine, Outcome, Work, check_workers, told

__all__ = ["Dask"]

_FEATURE = "the dask engine"
_LOOK = 5.0  # seconds without news after which it is looked whether there are workers at all


@final
class Dask(Engine):
    """Units of work as Dask tasks; the output folder and the data set must be on a file system that all workers see.

    Without an address a cluster of processes is started on this machine, which listens on 127.0.0.1 only. An address
    of another machine must be ``tls://``: whoever reaches a scheduler can run code on its workers.
    """

    def run(
        self, tasks: Sequence[Task], work: Work, *, workers: int | None, scheduler: str | None
    ) -> Iterator[Outcome]:
        """Do all units; one whose worker died is reported at once, not tried again by Dask."""
        if scheduler is not None:
            check_address(scheduler)
        dask = optional("dask", extra="dask", feature=_FEATURE)
        distributed = optional("distributed", extra="dask", feature=_FEATURE)
        settings = {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.admin.log-length": 0,
            # what every process does all the time, for a dashboard that is not there: a tenth of a processor in sum
            "distributed.worker.profile.enabled": False,
            "distributed.admin.tick.interval": "2s",
            "distributed.admin.system-monitor.interval": "10s",
            # the default also has memory given back at once, after which every array of some size is new memory
            "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREADS, "1") | {"MALLOC_ARENA_MAX": "1"},
            "distributed.comm.timeouts.connect": "60s",
        }
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(settings))
            more: Callable[[], object]
            if scheduler is None:
                cluster = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=min(check_workers(workers), len(tasks)),
                        threads_per_worker=1,
                        processes=True,
                        host="127.0.0.1",
                        dashboard_address=None,
                        silence_logs=50,
                        memory_limit=None,  # as for any other process; whoever dies of it is tried alone
                    )
                )
                client = stack.enter_context(distributed.Client(cluster))
                more = partial(cluster.scale, len(cluster.workers))
            else:
                client = stack.enter_context(_connected(distributed, scheduler))
                more = _nothing
            yield from _done(client, distributed, tasks, work, more)


def _connected(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"no scheduler answers at {safe_text(scheduler)}: {safe_text(str(error))[:200]}",
            code="CF-USE-009",
            hint="dask scheduler",
        ) from None


def _done(
    client: Any, distributed: Any, tasks: Sequence[Task], work: Work, more: Callable[[], None]
) -> Iterator[Outcome]:
    by_key = {f"curvefit-{task.number}-{task.key[:12]}": task for task in tasks}
    left = {
        client.submit(work, task, key=key, pure=False, retries=0, priority=-task.number) for key, task in by_key.items()
    }
    while left:
        try:
            found = distributed.wait(left, timeout=_LOOK, return_when="FIRST_COMPLETED").done
        except (TimeoutError, distributed.TimeoutError):
            if not client.scheduler_info(n_workers=-1)["workers"]:
                more()
            continue
        left -= found
        for future in sorted(found, key=lambda f: by_key[f.key].number):
            yield _outcome(future, by_key[future.key], distributed)
            future.release()


def _outcome(future: Any, task: Task, distributed: Any) -> Outcome:
    there = read_part(Path(task.out), task.number)
    if there is not None and there.key == task.key:  # whatever became of the worker, or of its answer, since
        return Outcome(task, dict(there.counts))
    if future.status == "finished":
        raise UsageError(
            "a worker has written its results to another file system",
            code="CF-OUT-001",
            where=safe_text(task.out),
            hint="an output folder that this process and all workers see",
        )
    error = future.exception() if future.status == "error" else None
    if error is None:
        return Outcome(task, None, f"the unit was {future.status}")
    if isinstance(error, distributed.scheduler.KilledWorker):
        return Outcome(task, None, "the worker died")
    words = told(error)
    if isinstance(words, CurvefitError):
        raise words
    return Outcome(task, None, words)


def _nothing() -> None:
    """Workers of a cluster elsewhere come back by themselves, or their owner brings them."""


def check_address(address: str) -> None:
    """Refuse an address of another machine that is not secured by TLS."""
    kind, _, rest = address.rpartition("://")
    host = rest.rsplit(":", 1)[0].strip("[]")
    if kind == "tls":
        return
    if kind not in ("", "tcp"):
        raise UsageError(
            f"the scheduler address {safe_text(address)!r}",
            code="CF-USE-009",
            hint="tcp://127.0.0.1:8786 or tls://host:8786",
        )
    try:
        here = ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    if not here:
        raise UsageError(
            f"the scheduler {safe_text(address)!r} is on another machine and not secured",
            code="CF-USE-009",
            hint="tls://host:8786 with certificates in Dask's configuration, or a tunnel to 127.0.0.1",
        )
