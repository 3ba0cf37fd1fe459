"""Nothing in a log is ever run: one audit hook watches the interpreter while hostile files are processed.

The hook sees every ``exec`` and ``compile``, every class a pickle looks up, every process, connection and file opened for
writing, whoever asks for it. It is installed once and switched on only within ``watched``.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import curvefit
from curvefit.__main__ import main
from curvefit.curves import CurvefitError
from curvefit.fitting.formula import parse_formula
from curvefit.fitting.least_squares import least_squares

PACKAGE = Path(curvefit.__file__).resolve().parent
MARK = "canary_7f3a"  # stands in every hostile text; code that holds it must never be compiled

_FORBIDDEN = (
    "pickle.find_class",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "os.startfile",
    "pty.spawn",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "urllib.Request",
    "ftplib.connect",
    "smtplib.connect",
    "http.client.connect",
    "webbrowser.open",
    "code.__new__",
)
_CHANGING = {
    "os.remove": 1,
    "os.rename": 2,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "shutil.rmtree": 1,
    "shutil.move": 2,
    "shutil.copyfile": 2,
}


class _Watch:
    """What the hook looks for, and what it has seen."""

    def __init__(self) -> None:
        self.active = False
        self.output = Path()
        self.seen: list[str] = []

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active:
            return
        self.active = False  # the hook's own work is not watched
        try:
            self.judge(event, arguments)
        finally:
            self.active = True

    def judge(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _FORBIDDEN:
            self.seen.append(f"{event} {arguments!r}"[:300])
        elif event in ("exec", "compile"):
            self.code(event, arguments)
        elif event == "open":
            path, mode, flags = arguments
            writing = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if writing or (isinstance(mode, str) and set(mode) & set("wax+")):
                self.change(event, path)
        elif event in _CHANGING:
            for path in arguments[: _CHANGING[event]]:
                self.change(event, path)

    def code(self, event: str, arguments: tuple[object, ...]) -> None:
        caller = sys._getframe(3)
        source = arguments[0]
        parsing = event == "compile" and Path(caller.f_code.co_filename).name == "ast.py"  # to a tree, not to code
        inside = PACKAGE in Path(caller.f_code.co_filename).parents
        text = source if isinstance(source, str | bytes) else getattr(source, "co_filename", "")
        hostile = MARK in (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
        if (inside or hostile) and not parsing:
            self.seen.append(f"{event} of {str(text)[:80]!r} from {caller.f_code.co_filename}:{caller.f_lineno}")

    def change(self, event: str, path: object) -> None:
        if isinstance(path, int) or path is None:
            return
        where = Path(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else Path(str(path))
        where = where.resolve()  # what is written through a link is written there
        if where == Path(os.devnull) or "__pycache__" in where.parts or self.output in (where, *where.parents):
            return
        self.seen.append(f"{event} {where}")


_watch = _Watch()
sys.addaudithook(_watch.hook)


@contextmanager
def watched(output: Path) -> Iterator[list[str]]:
    """Fail on anything forbidden that happens inside; only ``output`` may be written."""
    _watch.output, _watch.seen = output.resolve(), []
    _watch.active = True
    try:
        yield _watch.seen
    finally:
        _watch.active = False


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Third-party packages do their one-time work (font caches, generated code) before anything is watched."""
    import lmfit  # noqa: F401
    import matplotlib.font_manager
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401

    assert matplotlib.font_manager.fontManager.ttflist


# --- the watch itself sees what it should (negative controls) ---------------------------------------------------------


class _Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda folder: pickle.loads(pickle.dumps(_Payload(folder / "touched"))), "pickle.find_class"),
        (lambda folder: subprocess.run([sys.executable, "-c", ""], check=True), "subprocess.Popen"),
        (lambda folder: os.system("true"), "os.system"),
        (lambda folder: (folder.parent / "elsewhere").write_text("x"), "elsewhere"),
        (lambda folder: (folder.parent / "directory").mkdir(), "directory"),
        (lambda folder: eval(compile(f"'{MARK}'", "<text>", "eval")), MARK),
        (lambda folder: eval(compile("exec('0')", str(PACKAGE / "inside.py"), "eval")), "inside.py"),
        (lambda folder: socket.getaddrinfo("127.0.0.1", 1), "socket.getaddrinfo"),
    ],
    ids=["pickle", "process", "shell", "write", "mkdir", "eval", "package", "network"],
)
def test_the_watch_sees(tmp_path, act, word):
    output = tmp_path / "output"
    output.mkdir()
    with watched(output) as seen:
        act(output)
    assert any(word in event for event in seen)


def test_the_watch_leaves_the_output_folder_alone(tmp_path):
    with watched(tmp_path) as seen:
        (tmp_path / "report.json").write_text("{}")
        json.loads("{}")
        np.log(np.ones(3))
    assert seen == []


# --- hostile files ----------------------------------------------------------------------------------------------------


def pickles(folder: Path) -> None:
    """Every file kind that is a pickle inside: opening one runs what it says."""
    payload = pickle.dumps(_Payload(folder / f"{MARK}_ran"))
    for name in (
        "model.pkl",
        "model.pt",
        "model.pth",
        "model.joblib",
        "model.bin",
        "optimizer.pt",
        "log.csv",
        "log.json",
    ):
        (folder / f"p_{name}").write_bytes(payload)
    array = np.empty(1, dtype=object)
    array[0] = _Payload(folder / f"{MARK}_ran")
    np.save(folder / "objects.npy", array, allow_pickle=True)
    np.savez(folder / "objects.npz", a=array)
    with zipfile.ZipFile(folder / "archive.pt", "w") as archive:
        archive.writestr("archive/data.pkl", payload)


def texts(folder: Path) -> None:
    """Text that would do something if anything evaluated it."""
    call = f"__import__('pathlib').Path('{MARK}_ran').touch()"
    curve = "".join(f"{i},{2 + 3 / i:.4f}\n" for i in range(1, 60))
    (folder / "header.csv").write_text(f'step,loss,"{call}"\n' + "".join(r + ",1\n" for r in curve.split()))
    (folder / "cell.csv").write_text(f'step,loss\n{curve}60,"{call}"\n')
    (folder / "formula.csv").write_text(f"step,loss,note\n1,0.5,=cmd|'/C {MARK}'!A0\n2,0.4,@SUM({MARK})\n3,0.3,x\n")
    (folder / "tensor.csv").write_text(f"step,loss\n1,tensor({MARK})\n2,0.5\n3,0.4\n")
    (folder / f"$(touch {MARK}_ran).csv").write_text("step,loss\n" + curve)
    (folder / f"`touch {MARK}_ran`;x.csv").write_text("step,loss\n" + curve)
    (folder / f"{MARK}\x1b[31m.csv").write_text("step,loss\n" + curve)
    (folder / "hook.jsonl").write_text(
        "".join(json.dumps({"step": i, "loss": 1 / i, "__reduce__": call}) + "\n" for i in range(1, 40))
    )
    (folder / "classes.json").write_text(
        json.dumps({"py/object": call, "__class__": call, "log_history": [{"step": 1, "loss": 0.5}]})
    )
    state = {
        "log_history": [{"step": i, "loss": 2 / i, "note": call} for i in range(1, 40)],
        "best_model_checkpoint": f"../../{MARK}",
    }
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "meta.yaml").write_text(f"!!python/object/apply:os.system ['touch {MARK}_ran']\n")
    (folder / "config.toml").write_text(f'command = "{call}"\n')
    (folder / "dtd.xml").write_text(f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/{MARK}">]><x>&e;</x>')


def archives(folder: Path) -> None:
    """Archives that climb out of their folder or blow up."""
    with zipfile.ZipFile(folder / "climb.zip", "w") as archive:
        archive.writestr(f"../../{MARK}_ran.csv", "step,loss\n1,0.5\n")
    (folder / "bomb.csv.gz").write_bytes(gzip.compress(b"step,loss\n" + b"1,0.5\n" * 2_000_000))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(b"step,loss\n" + b"1,0.5\n2,0.4\n" * 100)[:-20])


def parquet(folder: Path) -> None:
    """Parquet whose metadata asks for a pickled Python type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    payload = pickle.dumps(_Payload(folder / f"{MARK}_ran"))
    extension = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": payload}
    fields = [
        pa.field("step", pa.int64()),
        pa.field("loss", pa.float64()),
        pa.field("x", pa.binary(), metadata=extension),
    ]
    table = pa.table([[1, 2, 3], [0.5, 0.4, 0.3], [b"a", b"b", b"c"]], schema=pa.schema(fields))
    pq.write_table(table, folder / "extension.parquet")


def links(folder: Path) -> None:
    """Links out of the folder and in circles; a pipe that never answers."""
    secret = folder.parent / "secret.csv"
    secret.write_text("step,loss\n1,0.5\n2,0.4\n3,0.3\n")
    (folder / "out.csv").symlink_to(secret)
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")


KINDS = [pickles, texts, archives, parquet, links]


@pytest.fixture(params=KINDS, ids=[k.__name__ for k in KINDS])
def hostile(request, tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    request.param(folder)
    monkeypatch.chdir(tmp_path)
    return folder


def contents(folder: Path) -> dict[str, tuple[int, float]]:
    return {str(p.relative_to(folder)): (p.lstat().st_size, p.lstat().st_mtime) for p in sorted(folder.rglob("*"))}


def command(*arguments: object) -> int:
    """The command line within this process; ``SystemExit`` is an exit code too."""
    try:
        return int(main([str(a) for a in arguments]) or 0)
    except SystemExit as end:
        return int(end.code or 0)


def test_reading_hostile_files_runs_nothing_and_changes_nothing(hostile, tmp_path):
    before = contents(tmp_path)
    output = tmp_path / "output"
    paths = [hostile, *(p for p in sorted(hostile.iterdir()) if p.name not in ("pipe.csv", "circle"))]
    with watched(output) as seen:
        for path in paths:
            try:
                curvefit.read(path)
            except CurvefitError as error:
                assert str(error)
    assert seen == []
    assert contents(tmp_path) == before
    assert not list(tmp_path.rglob(f"{MARK}_ran"))


@pytest.mark.parametrize("name", ["read", "analyze", "diagnose"])
def test_commands_on_hostile_files_run_nothing_and_write_only_what_was_asked(hostile, tmp_path, capfd, name):
    output = tmp_path / "output"
    output.mkdir()
    before = contents(hostile)
    with watched(output) as seen:
        code = command(name, hostile, "--json", output / "report.json")
    out, err = capfd.readouterr()
    assert seen == []
    assert code in (0, 3, 4), err
    assert "Traceback" not in err
    assert "\x1b[31m" not in out + err
    assert contents(hostile) == before
    assert {p.name for p in output.iterdir()} <= {"report.json"}
    assert not list(tmp_path.rglob(f"{MARK}_ran"))


def test_a_report_with_a_figure_writes_only_what_was_asked(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "runs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    steps = np.arange(1, 200)
    values = 1 + 2 * steps**-0.5 + 0.01 * rng.normal(size=steps.size)
    lines = io.StringIO()
    lines.write("step,val_loss\n")
    lines.writelines(f"{s},{v:.6f}\n" for s, v in zip(steps, values, strict=True))
    (folder / f"$\\input{{{MARK}}}$ <script>.csv").write_text(lines.getvalue())
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "output"
    output.mkdir()
    with watched(output) as seen:
        code = command("analyze", folder, "--json", output / "r.json", "--plot", output / "r.png")
    assert seen == []
    assert code == 0, capfd.readouterr().err
    assert {p.name for p in output.iterdir()} == {"r.json", "r.png"}


# --- formulas ---------------------------------------------------------------------------------------------------------

FORMULAS = [
    f"__import__('pathlib').Path('{MARK}_ran').touch()",
    f"a*x + open('{MARK}_ran', 'w').write('x')",
    f"exec(\"open('{MARK}_ran', 'w')\")",
    f"[c for c in ().__class__.__base__.__subclasses__()] and '{MARK}'",
    f"(lambda: '{MARK}')()",
    f"x.__class__.__init__.__globals__['{MARK}']",
    f"a*x if '{MARK}' else x",
    f"f'{{__import__(\"os\")}}{MARK}'",
    f"eval('{MARK}')*x",
    f"getattr(x, '{MARK}')",
    f"{MARK}()",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_parsed_and_never_run(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    data = {"x": np.arange(1.0, 9.0), "y": np.arange(1.0, 9.0)}
    with watched(tmp_path / "nowhere") as seen:
        for use in (
            lambda: parse_formula(text, ["x"]),
            lambda: least_squares(text, data),
            lambda: least_squares("a*x", data, y=text),
            lambda: least_squares("a*x", data, ties={"a": text}),
        ):
            with pytest.raises(CurvefitError):
                use()
    assert seen == []
    assert list(tmp_path.iterdir()) == []


def test_an_honest_formula_is_fitted_under_the_watch(tmp_path):
    x = np.linspace(1.0, 20.0, 40)
    y = 1 + 2 * x**-0.5 + 0.01 * np.random.default_rng(0).normal(size=40)
    with watched(tmp_path / "nowhere") as seen:
        fit = least_squares(f"E + {MARK}*x**-a", {"x": x, "y": y})
        fit.summary()
    assert seen == []
    assert fit.converged


def test_text_of_lmfit_parameters_does_not_reach_its_interpreter(tmp_path):
    lmfit = importlib.import_module("lmfit")
    parameters = lmfit.Parameters()
    parameters.add("a", value=1.0)
    parameters.add("b", value=1.0)
    parameters["b"]._expr = f"open('{MARK}_ran', 'w')"  # as if it came from a file
    data = {"x": np.arange(1.0, 9.0), "y": np.arange(1.0, 9.0)}
    with watched(tmp_path) as seen, pytest.raises(CurvefitError, match="not a known function"):
        least_squares("a*x + b", data, parameters)
    assert seen == []
