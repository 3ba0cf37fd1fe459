"""What holds for every file of every folder of interchangeable ways, whatever it does."""

from __future__ import annotations

import ast
import inspect
import sys
from importlib import import_module
from pathlib import Path

import pytest

from curvefit.commands._catalogue import registries

WAYS = [(folder, name) for folder, registry in registries().items() for name in registry.names()]
IDS = [f"{folder}.{name}" for folder, name in WAYS]


def load(folder: str, name: str):
    return registries()[folder][name], sys.modules[f"curvefit.{folder}.{name}"]


def kind_of(way):
    return way if inspect.isfunction(way) else type(way)


@pytest.mark.parametrize(("folder", "name"), WAYS, ids=IDS)
def test_it_loads_and_lives_in_the_file_of_its_name(folder, name):
    way, module = load(folder, name)
    thing = kind_of(way)
    assert thing.__module__ == module.__name__
    assert thing.__name__.lower() == name.replace("_", "") if inspect.isclass(thing) else thing.__name__ == name


@pytest.mark.parametrize(("folder", "name"), WAYS, ids=IDS)
def test_its_first_line_says_what_it_is(folder, name):
    line = registries()[folder].summary(name)
    assert 10 < len(line) <= 120
    assert line[0].isupper() or not line[0].isalpha()
    assert line.endswith(".")


@pytest.mark.parametrize(("folder", "name"), WAYS, ids=IDS)
def test_it_is_documented_and_annotated(folder, name):
    way, _ = load(folder, name)
    thing = kind_of(way)
    assert (thing.__doc__ or "").strip()
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


OF_CLASSES = [way for way in WAYS if not inspect.isfunction(load(*way)[0])]


@pytest.mark.parametrize(("folder", "name"), OF_CLASSES, ids=map(".".join, OF_CLASSES))
def test_a_class_is_final_and_keeps_the_contract(folder, name):
    way, _ = load(folder, name)
    base = import_module(f"curvefit.{folder}._base")
    contracts = [c for _, c in inspect.getmembers(base, inspect.isclass) if inspect.isabstract(c)]
    assert any(isinstance(way, c) for c in contracts)
    assert not type(way).__subclasses__(), "an implementation is never overridden"


@pytest.mark.parametrize("folder", sorted(registries()))
def test_one_way_per_file(folder):
    package = Path(import_module(f"curvefit.{folder}").__file__).parent
    for name in registries()[folder].names():
        tree = ast.parse((package / f"{name}.py").read_text(encoding="utf-8"))
        public = [n.name for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
        assert sum(p.lower() == name.replace("_", "") for p in public) <= 1
