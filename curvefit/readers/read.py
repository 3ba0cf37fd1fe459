"""Read training logs: one file, standard input, or every log in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from ..curves import CurvefitError, ReadError, ResumePolicy, Run, UsageError, XUnit
from ..curves._arguments import checked
from ..curves._checks import safe_text
from ..curves.errors import unknown_name
from . import registry
from ._base import MAX_BYTES, Bundle, Options, Reader
from ._foreign import refusal, refuse_dangerous
from ._outcome import Failure, Reading
from ._parallel import outcomes
from ._runs import is_log, named_apart
from ._source import STDIN, ChangedError, Source, open_source, refused
from ._walk import Skipped, Walk, run_name

__all__ = [
    "Failure",
    "Reading",
    "asked_reader",
    "attempt",
    "gather",
    "read",
    "read_all",
    "read_each",
    "recognize",
]

NO_LOG = ("CF-IO-003", "CF-IO-012", "CF-IO-013")


@checked
def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    metric: str | None = None,
    x: str | None = None,
    x_unit: XUnit | None = None,
    resume: ResumePolicy = "supersede",
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    max_bytes: int = MAX_BYTES,
    keep_partial_tail: bool = False,
    pattern: str | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    jobs: int = 1,
) -> list[Run]:
    r"""Read the runs of a log file, of standard input (``"-"``), or of every log in a folder.

    Parameters
    ----------
    path : path-like
        File, folder or ``"-"``. The format is recognized by content; the suffix settles ties only.
    format : str, optional
        Name or alias of a reader: ``csv_table`` (csv), ``json_lines`` (jsonl), ``json_table`` (json),
        ``trainer_state`` (hf), ``parquet``, ``tensorboard`` (tfevents),
        ``wandb``, ``mlflow`` (mlruns), ``sqlite`` (databases of MLflow and Trackio),
        ``text_log`` (stdout), ``mmengine``, ``npz``.
    metric : str, optional
        The only metric to keep.
    x : str, optional
        Column of x; ``"row"`` numbers the rows; ``"cumulative"`` joins the pieces of an x that starts over, such as a
        step counted within each epoch. Default: the column whose name says so (step, iteration, epoch, tokens, ...).
    x_unit : str, optional
        Unit of x instead of what its name says.
    resume : {"supersede", "keep", "first", "error"}
        What happens to rows that a resumed run logged again: the later replace the earlier, all stay, the earlier stay,
        or it is an error.
    delimiter, decimal, encoding : str, optional
        For text tables whose look misleads.
    max_bytes : int
        Largest file in bytes, after decompression.
    keep_partial_tail : bool
        Keep a last line that lacks its line end; by default it is dropped and counted, for it may be cut within a number.
    pattern : str, optional
        Regular expression of the lines of a console log; its named groups are x and the metrics, as in
        ``r"step (?P<step>\d+) loss (?P<loss>\S+)"``. A group called ``horizon`` is the planned length.
    on_error : {"raise", "collect"}
        In a folder: raise the first failure, or leave out what fails (`read_all` returns the failures too).
    jobs : int
        Processes that read the files of a folder; a script that asks for several begins under
        ``if __name__ == "__main__":``.

    Returns
    -------
    list of Run
        Each with a `Provenance` that accounts for every row and every point.

    Raises
    ------
    ReadError
        When a file is no log, is broken or ambiguous; with file, line, cause and what to try.
    UsageError
        For an unknown format, column or metric.

    Notes
    -----
    Nothing is executed, unpickled or extracted. In a folder, links are not followed and files that are no logs are passed
    over; of the checkpoints of one Hugging Face run only the latest is read.

    Examples
    --------
    >>> import curvefit as cf
    >>> runs = cf.read("metrics.csv")  # doctest: +SKIP
    """
    if on_error not in ("raise", "collect"):
        raise UsageError(f"on_error={on_error!r}", hint="'raise' or 'collect'")
    options = _options(
        format, metric, x, x_unit, resume, delimiter, decimal, encoding, max_bytes, keep_partial_tail, pattern
    )
    if not _is_folder(path):
        return _read_file(path, options)
    runs: list[Run] = []
    first: CurvefitError | None = None
    for _, outcome in _read_folder(path, options, Skipped(), _checked(jobs)):
        if isinstance(outcome, CurvefitError):
            if on_error == "raise":
                raise outcome
            first = first or outcome
        else:
            runs.extend(outcome)
    if not runs:
        raise first or _no_logs(path)
    return runs


def read_each(
    path: str | os.PathLike[str], *, jobs: int = 1, skipped: Skipped | None = None, **options: object
) -> Iterator[tuple[str, list[Run] | CurvefitError]]:
    """Read a file or folder file by file, as a stream of outcomes; the first comes at once, however large the folder.

    Parameters
    ----------
    path : path-like
        File, folder or ``"-"``.
    jobs : int
        Processes that read the files of a folder.
    skipped : Skipped, optional
        Where the files that are no logs are counted.
    **options
        As for `read`, without ``on_error``.

    Yields
    ------
    (str, list of Run or CurvefitError)
        Each file that looks like a log and what came of it.
    """
    settled = _options_of(options)
    if not _is_folder(path):
        yield _shown(path), attempt(path, settled)
        return
    yield from _read_folder(path, settled, Skipped() if skipped is None else skipped, _checked(jobs))


def read_all(path: str | os.PathLike[str], *, jobs: int = 1, **options: object) -> Reading:
    """Read a file or folder; one bad file never loses the rest.

    Parameters
    ----------
    path : path-like
        File, folder or ``"-"``.
    jobs : int
        Processes that read the files of a folder.
    **options
        As for `read`, without ``on_error``.

    Returns
    -------
    Reading
        Runs, failures, and a count of files that are no logs.
    """
    settled = _options_of(options)
    skipped = Skipped()
    runs: list[Run] = []
    failures: list[Failure] = []
    outcomes = (
        _read_folder(path, settled, skipped, _checked(jobs))
        if _is_folder(path)
        else iter([(_shown(path), attempt(path, settled))])
    )
    for name, outcome in outcomes:
        if isinstance(outcome, CurvefitError):
            failures.append(Failure(name, outcome))
        else:
            runs.extend(outcome)
    return Reading(tuple(runs), tuple(failures), skipped)


def _checked(jobs: int) -> int:
    if not isinstance(jobs, int) or isinstance(jobs, bool) or not 1 <= jobs <= 256:
        raise UsageError(f"jobs={jobs!r}", code="CF-USE-005", hint="a number of processes from 1 to 256")
    return jobs


def _options_of(given: dict[str, object]) -> Options:
    unknown = set(given) - set(Options.__dataclass_fields__)
    if unknown:
        raise unknown_name("option", min(unknown), Options.__dataclass_fields__)
    named = dict(given)
    if isinstance(named.get("format"), str):
        named["format"] = _reader_name(str(named["format"]))
    return replace(Options(), **named)  # type: ignore[arg-type]  # by name, from callers; Options checks its fields


def _options(format: str | None, *rest: object) -> Options:
    fields = list(Options.__dataclass_fields__)[1:]
    return _options_of({"format": format, **dict(zip(fields, rest, strict=True))})


def _reader_name(format: str | None) -> str | None:
    """Registry name of a format or one of its aliases."""
    if format is None or format in registry:
        return format
    for name in registry.names():
        if format in registry[name].aliases:
            return name
    raise unknown_name("reader", format, registry.names())


def _is_folder(path: str | os.PathLike[str]) -> bool:
    if not isinstance(path, str | os.PathLike):
        raise UsageError(
            f"{path!r:.60} is no path", where="read()", hint="the name of a file or folder: 'runs/log.csv'"
        )
    return os.fspath(path) != "-" and os.path.isdir(path)  # noqa: PTH112 - also for names that are not valid text


def asked_reader(options: Options) -> str | None:
    """The reader that was asked for; a pattern asks for that of console logs."""
    return "text_log" if options.pattern is not None else options.format


def gather(format: str | None, folder: str, files: Sequence[str], folders: Sequence[str]) -> list[Bundle]:
    """What the readers say belongs together in a folder."""
    names = registry.names() if format is None else [format]
    found = (registry[name].gather(folder, files, folders) for name in names)
    return [bundle for bundle in found if bundle is not None]


def attempt(
    path: str | os.PathLike[str], options: Options, *, name: str | None = None, bundle: Bundle | None = None
) -> list[Run] | CurvefitError:
    """Runs of one log, or why there are none."""
    try:
        return _read_file(path, options, name=name, bundle=bundle)
    except CurvefitError as error:
        return error


Entry = tuple[str | Bundle | ReadError, str]


def _one(options: Options, found: Entry) -> list[Run] | CurvefitError:
    """What comes of one entry of a folder."""
    entry, name = found
    if isinstance(entry, CurvefitError):
        return entry
    bundle = entry if isinstance(entry, Bundle) else None
    return attempt(entry.files[0][1] if isinstance(entry, Bundle) else entry, options, name=name, bundle=bundle)


def _read_folder(
    path: str | os.PathLike[str], options: Options, skipped: Skipped, jobs: int
) -> Iterator[tuple[str, list[Run] | CurvefitError]]:
    """Outcomes of the logs in a folder; files that are no logs are counted."""
    found = Walk(os.fspath(path), skipped, partial(gather, asked_reader(options)))
    for (entry, _), outcome in outcomes(partial(_one, options), found, jobs):
        file = entry.files[0][1] if isinstance(entry, Bundle) else entry
        shown = safe_text(file)
        if (
            isinstance(outcome, ReadError)
            and outcome.code in NO_LOG
            and options.format is None
            and not (outcome.code == NO_LOG[0] and _named_a_log(file))
        ):
            skipped.add(outcome.what, shown)
        elif isinstance(outcome, list) and options.format is None and not any(map(is_log, outcome)):
            skipped.add("numbers, but no name of a metric or of x", shown)
        else:
            yield shown, outcome


def _named_a_log(file: str | os.PathLike[str] | CurvefitError) -> bool:
    """Whether the name promises a table of numbers: such a file is never passed over in silence."""
    name = "" if isinstance(file, CurvefitError) else os.fspath(file).lower().removesuffix(".gz")
    return name.endswith((".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"))


def _shown(path: str | os.PathLike[str]) -> str:
    """What an input is called in messages."""
    return STDIN if os.fspath(path) == "-" else safe_text(os.fspath(path))


def _no_logs(path: str | os.PathLike[str]) -> ReadError:
    return ReadError(
        "no log in this folder",
        code="CF-IO-008",
        where=_shown(path),
        hint="pass the file itself to see why",
    )


# ------------------------------------------------------------------ one file


def _read_file(
    path: str | os.PathLike[str], options: Options, *, name: str | None = None, bundle: Bundle | None = None
) -> list[Run]:
    """Runs of one file, or of files that belong together; if it changes meanwhile it is read a second time."""
    called = name if name is not None else run_name(os.fspath(path))
    for attempt in (1, 2):
        try:
            with open_source(path, options, name=called) as source:
                runs = _dispatch(source) if bundle is None else _read_bundle(source, bundle)
                source.check_unchanged()
        except ChangedError:
            if attempt == 2:
                raise
        except OSError as error:  # the disk or the network under the file failed on the way
            raise refused(error, _shown(path)) from None
        else:
            runs = named_apart(runs, name)
            if attempt == 2:
                runs = [_noted(r, "the file changed while it was read and was read again") for r in runs]
            return runs
    raise AssertionError("unreachable")


def _read_bundle(source: Source, bundle: Bundle) -> list[Run]:
    source.label, source.beside = bundle.files[0][0], bundle.files[1:]
    if source.size == 0 and not source.beside:
        raise ReadError("empty file", code="CF-IO-001", where=source.where, hint="has the run written anything yet?")
    return registry[bundle.reader].read(source)


def _noted(run: Run, note: str) -> Run:
    if run.provenance is None:
        return run
    return replace(run, provenance=replace(run.provenance, notes=(*run.provenance.notes, note)))


def _dispatch(source: Source) -> list[Run]:
    """Let the reader that recognizes the content read it."""
    head, shown = source.head, source.path or ""
    if source.size == 0:
        raise ReadError("empty file", code="CF-IO-001", where=source.where, hint="has the run written anything yet?")
    if not head.strip(b"\0"):
        raise ReadError(
            "nothing but zero bytes", code="CF-IO-001", where=source.where, hint="a power cut leaves such files"
        )
    refuse_dangerous(head, shown, source.where)
    asked = asked_reader(source.options)
    if asked is not None:
        return registry[asked].read(source)
    reader, confidence = recognize(head, shown)
    if reader is None or confidence <= 0.0:
        raise refusal(head, shown, source.where)
    runs = reader.read(source)
    named = _named_like(shown)
    if named and reader.name not in named:
        runs = [_noted(r, f"named like {named[0]}, but the content is {reader.name}") for r in runs]
    return runs


def recognize(head: bytes, path: str) -> tuple[Reader | None, float]:
    """The reader that recognizes the first bytes best, and how sure it is."""
    best: Reader | None = None
    score = 0.0
    named = _named_like(path)
    for name in registry.names():
        reader = registry[name]
        confidence = reader.sniff(head, path)
        if confidence > 0 and name in named:
            confidence += 0.05
        if confidence > score:
            best, score = reader, confidence
    return best, score


def _named_like(path: str) -> list[str]:
    """Readers whose suffixes the name has."""
    plain = path.lower().removesuffix(".gz")
    return [n for n in registry.names() if registry[n].suffixes and plain.endswith(registry[n].suffixes)]
