"""A Dask cluster: one on this machine, or one whose scheduler's address is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any, final

from ...curves import CurvefitError, UsageError
from ...curves._checks import safe_text
from ...curves._optional import optional
from .._unit import Task
from ._base import Engine, Outcome, Work, check_workers, told

__all__ = ["Dask"]

_FEATURE = "the dask engine"


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
        dask = optional("dask", extra="dask", feature=_FEATURE)
        distributed = optional("distributed", extra="dask", feature=_FEATURE)
        if scheduler is not None:
            check_address(scheduler)
        settings = {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.admin.log-length": 0,
            "distributed.comm.timeouts.connect": "60s",
        }
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(settings))
            if scheduler is None:
                cluster = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=min(check_workers(workers), len(tasks)),
                        threads_per_worker=1,
                        processes=True,
                        host="127.0.0.1",
                        dashboard_address=None,
                        silence_logs=50,
                    )
                )
                client = stack.enter_context(distributed.Client(cluster))
            else:
                client = stack.enter_context(_connected(distributed, scheduler))
            yield from _done(client, distributed, tasks, work)


def _connected(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"no scheduler answers at {safe_text(scheduler)}: {safe_text(str(error))[:200]}",
            code="CF-USE-009",
            hint="dask scheduler",
        ) from None


def _done(client: Any, distributed: Any, tasks: Sequence[Task], work: Work) -> Iterator[Outcome]:
    by_key = {f"curvefit-{task.number}-{task.key[:12]}": task for task in tasks}
    futures = [
        client.submit(work, task, key=key, pure=False, retries=0, priority=-task.number) for key, task in by_key.items()
    ]
    for future in distributed.as_completed(futures):
        task = by_key[future.key]
        error = future.exception() if future.status != "finished" else None
        if error is None and future.status == "finished":
            yield Outcome(task, future.result())
        elif isinstance(error, distributed.scheduler.KilledWorker):
            yield Outcome(task, None, "the worker died")
        elif error is None:
            yield Outcome(task, None, f"the unit was {future.status}")
        else:
            words = told(error)
            if isinstance(words, CurvefitError):
                raise words
            yield Outcome(task, None, words)
        future.release()


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
