"""Errors that say what happened, where, and what to try."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["CurvefitError", "DataError", "DependencyError", "LimitError", "ReadError", "UsageError", "unknown_name"]


class CurvefitError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    what : str
        What happened, in one sentence.
    code : str
        Stable identifier, such as ``CF-IO-007``.
    where : str
        File (and line or byte), argument or run the error belongs to; may be empty.
    hint : str
        What to try; may be empty.
    """

    code = "CF-000"

    def __init__(self, what: str, *, code: str | None = None, where: str = "", hint: str = "") -> None:
        self.what = what
        self.code = code or type(self).code
        self.where = where
        self.hint = hint
        super().__init__(self._text())

    def _text(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{self.code}: {place}{self.what}{hint}"

    def __str__(self) -> str:
        return self._text()


class UsageError(CurvefitError, ValueError):
    """The caller asked for something that does not exist or makes no sense."""

    code = "CF-USE-001"


class DataError(CurvefitError, ValueError):
    """The values handed over cannot be used as they are."""

    code = "CF-DATA-001"


class ReadError(CurvefitError, ValueError):
    """A file cannot be read as a training log."""

    code = "CF-IO-001"


class LimitError(ReadError):
    """A file is larger, longer or deeper than is safe to read."""

    code = "CF-IO-LIMIT"


class DependencyError(CurvefitError, ImportError):
    """An optional package is needed and missing."""

    code = "CF-DEP-001"


def unknown_name(what: str, name: str, choices: Iterable[str], *, where: str = "") -> UsageError:
    """Build the error for an unknown name: it lists the choices and the closest match.

    Parameters
    ----------
    what : str
        The kind of thing, for example ``"model"``.
    name : str
        The name that was asked for.
    choices : iterable of str
        The names that exist.
    where : str, optional
        Place the name came from.
    """
    from difflib import get_close_matches  # slow to import and only for mistakes

    names = sorted(choices)
    plain = {n.lower(): n for n in names}
    close = get_close_matches(name.lower(), plain, n=1, cutoff=0.5) if isinstance(name, str) else []
    guess = f" Did you mean {plain[close[0]]!r}?" if close else ""
    listed = ", ".join(names[:40]) + (" ..." if len(names) > 40 else "") or "none"
    return UsageError(f"no {what} named {name!r}.{guess}", code="CF-USE-002", where=where, hint=f"choices: {listed}")
