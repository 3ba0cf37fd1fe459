"""The tree keeps its shape: layers, no cycles, short modules, small folders of ways, a light import."""

from __future__ import annotations

import ast
import importlib.util
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import curvefit
from curvefit.commands._catalogue import registries

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(curvefit.__file__).resolve().parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"pandas", "matplotlib", "lmfit", "statsmodels", "scipy", "pyarrow", "rich", "narwhals", "asteval"}


def dotted(file: Path) -> str:
    """Name of a module relative to the package, ``""`` for the package itself."""
    parts = list(file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(f) for f in MODULES}


def own_imports(file: Path, *, top_level: bool) -> set[str]:
    """Modules of the package that a file imports, written either way; typing-only imports do not run."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    here = dotted(file).split(".") if dotted(file) else []
    package = here if file.name == "__init__.py" else here[:-1]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if top_level and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.ImportFrom):
                if child.level:
                    base = package[: len(package) - child.level + 1]
                elif (child.module or "").split(".")[0] == "curvefit":
                    base = []
                else:
                    continue
                module = (child.module or "").split(".") if child.module else []
                target = [*base, *(module if child.level else module[1:])]
                for alias in child.names:
                    full = ".".join([*target, alias.name])
                    found.add(full if full in NAMES else ".".join(target))
            elif isinstance(child, ast.Import):
                found.update(a.name[9:] for a in child.names if a.name.startswith("curvefit."))
            visit(child)

    visit(tree)
    return found


def layers() -> list[list[str]]:
    """Rooms from the top down, as the import-linter contract names them."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = config["tool"]["importlinter"]["contracts"][0]
    return [[room.strip() for room in line.split("|")] for line in contract["layers"]]


def test_every_room_stands_in_the_contract():
    rooms = {dotted(f).split(".")[0] for f in MODULES} - {"", "__main__"}
    assert rooms <= {room for line in layers() for room in line}


def test_imports_point_down_only():
    height = {room: -i for i, line in enumerate(layers()) for room in line}
    wrong = []
    for file in MODULES:
        room = dotted(file).split(".")[0]
        if room in ("", "__main__"):
            continue
        for target in own_imports(file, top_level=False):
            other = target.split(".")[0]
            if other and other != room and height[other] >= height[room]:
                wrong.append(f"{dotted(file)} imports {target}")
    assert not wrong


def test_the_layer_check_sees_a_wrong_import(tmp_path, monkeypatch):
    """Negative control: an import that points up is found in every way of writing it."""
    file = PACKAGE / "curves" / "not_there.py"
    for text in (
        "from ..fitting import autocorrelation",
        "import curvefit.fitting.autocorrelation",
        "def f():\n    from ..fitting.autocorrelation import lag1",
    ):
        monkeypatch.setattr(Path, "read_text", lambda self, encoding=None, text=text: text)
        assert any(t.startswith("fitting") for t in own_imports(file, top_level=False))


def test_no_import_cycles():
    graph = {dotted(f): own_imports(f, top_level=True) & NAMES for f in MODULES}
    assert cycles(graph) == []


def test_the_cycle_search_finds_a_cycle():
    """Negative control."""
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other."""
    reach = {n: set(graph[n]) for n in graph}
    changed = True
    while changed:
        changed = False
        for seen in reach.values():
            more = set().union(*(reach.get(m, set()) for m in seen)) - seen if seen else set()
            if more:
                seen |= more
                changed = True
    groups = {
        tuple(sorted(m for m in graph if m in reach[n] and n in reach.get(m, set()))) for n in graph if n in reach[n]
    }
    return sorted(list(g) for g in groups if g)


@pytest.mark.parametrize("file", MODULES, ids=[dotted(f) or "curvefit" for f in MODULES])
def test_modules_are_short_and_say_what_they_are(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "no docstring"


def test_folders_are_at_most_two_deep():
    assert max(len(f.relative_to(PACKAGE).parts) - 1 for f in MODULES) <= 2


REGISTRIES = [f for f in MODULES if f.name == "__init__.py" and "\nregistry" in f.read_text(encoding="utf-8")]


def test_there_are_registries():
    assert {"models", "readers", "commands"} <= {dotted(f) for f in REGISTRIES}


@pytest.mark.parametrize("file", REGISTRIES, ids=[dotted(f) for f in REGISTRIES])
def test_a_folder_of_ways_has_a_small_init_and_a_contract_in_writing(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) < 40
    base = file.with_name("_base.py")
    assert base.is_file()
    assert len(ast.get_docstring(ast.parse(base.read_text(encoding="utf-8"))) or "") > 20


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


# they must not end the training that they watch; interrupts by the user pass
NEVER_RAISES = {("decisions.monitor", "Exception"), ("integrations._base", "BaseException")}


@pytest.mark.parametrize("file", MODULES, ids=[dotted(f) or "curvefit" for f in MODULES])
def test_nothing_is_unpickled_or_evaluated(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not {n.split(".")[0] for n in names} & {
            "pickle",
            "cPickle",
            "dill",
            "joblib",
            "shelve",
            "marshal",
            "xml",
        }
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "a bare except"
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None  # cleans up and passes it on
            broad = ast.unparse(node.type) in ("Exception", "BaseException")
            assert again or not broad or (dotted(file), ast.unparse(node.type)) in NEVER_RAISES


def measure(code: str) -> float:
    """Seconds of processor time that the code takes inside a fresh interpreter; waiting for others is not counted."""
    program = f"import time\nt = time.process_time()\n{code}\nprint(time.process_time() - t)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return float(out.stdout.strip().splitlines()[-1])


HELP = "import contextlib, io\nfrom curvefit.__main__ import main\nwith contextlib.redirect_stdout(io.StringIO()): main(['--help'])"


@pytest.mark.parametrize("code", ["import curvefit; curvefit.Curve", HELP], ids=["import", "help"])
def test_a_light_import_costs_little_more_than_numpy(code):
    """Medians of interleaved pairs; a second and third round only when the machine was busy in the first."""
    ours = budget = float("nan")
    for _ in range(3):
        pairs = [(measure(code), measure("import numpy")) for _ in range(5)]
        ours, numpy = (statistics.median(column) for column in zip(*pairs, strict=True))
        budget = 1.3 * numpy + 0.050
        if ours <= budget:
            break
    assert ours <= budget


@pytest.mark.parametrize(
    "code", ["import curvefit; curvefit.Curve; curvefit.Metric.infer('val_loss')", HELP], ids=["import", "help"]
)
def test_a_light_import_loads_nothing_heavy(code):
    program = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & set(out.stdout.split())


@pytest.mark.parametrize("name", [n for n in curvefit.__all__ if n != "__version__"])
def test_public_names_exist_and_are_documented(name):
    assert (getattr(curvefit, name).__doc__ or "").strip()


def reference():
    """Text of the generated reference pages by path, made as the documentation makes them."""
    file = ROOT / "docs" / "_ext" / "ways.py"
    spec = importlib.util.spec_from_file_location("docs_ways", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_every_way_and_every_public_name_is_documented():
    pages = reference()
    for folder, registry in registries().items():
        for name in registry:
            assert f"curvefit.{folder}.{name}" in pages[f"{folder}/{name}.rst"]
            assert f"{folder}/{name}" in pages[f"{folder}.rst"]
    public = [name for name in curvefit.__all__ if not name.startswith("__")]
    documented = re.findall(r"^.. auto(?:function|class):: curvefit\.(\w+)", pages["python.rst"], re.M)
    assert sorted(documented) == sorted(public)


def test_every_way_is_tested_by_a_contract():
    """Collected, not written down: a contract test asks the registry for its ways."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests/contract"]
    ids = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for folder, registry in registries().items():
        for name in registry:
            assert f"{folder}.{name}]" in ids
