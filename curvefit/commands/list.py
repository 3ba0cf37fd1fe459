"""List the models, readers, forecasters, diagnostics and every other interchangeable way."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import final

from ..curves.errors import unknown_name
from ._base import Command, Exit
from ._catalogue import registries
from ._document import write_json
from ._options import add_json
from ._table import table, terminal_width

__all__ = ["List"]


@final
class List(Command):
    """Every registry with one line per way, read from the files without importing them."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("kind", nargs="?", help="one folder of ways, for example models (default: all)")
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Print the ways of one folder or of all."""
        found = registries()
        if args.kind is not None:
            chosen = {folder: ways for folder, ways in found.items() if args.kind in folder.split(".")}
            if args.kind in found:
                chosen = {args.kind: found[args.kind]}
            if not chosen:
                raise unknown_name("folder of ways", args.kind, found)
            found = chosen
        ways = {k: {name: registry.summary(name) for name in registry} for k, registry in found.items()}
        if args.json:
            write_json(args.json, "list", {"ways": ways})
        if args.json != "-":
            for i, (folder, rows) in enumerate(ways.items()):
                print(("\n" if i else "") + folder)
                print(table(("name", "what it is"), list(rows.items()), width=terminal_width()))
        return Exit.OK
