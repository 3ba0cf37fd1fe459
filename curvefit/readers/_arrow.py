"""Arrow columns as columns of cells: numbers, texts, missing; nothing is loaded that Arrow's core does not know."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curves._checks import safe_text
from ._cells import BOOLEAN, MISSING, NUMBER, TEXT, Column

__all__ = ["column_of", "is_scalar"]


def is_scalar(kind: Any, pa: Any) -> bool:
    """Whether cells of this type can be read: numbers, decimals, booleans, texts, dates, and dictionaries of these."""
    types = pa.types
    if types.is_dictionary(kind):
        return is_scalar(kind.value_type, pa) and not types.is_dictionary(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return False
    tests = (
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_boolean,
        types.is_string,
        types.is_large_string,
        types.is_timestamp,
        types.is_date,
        types.is_null,
    )
    return any(test(kind) for test in tests)


def column_of(name: str, chunked: Any, pa: Any) -> Column:
    """A column of cells from an Arrow column.

    Parameters
    ----------
    name : str
        Name of the column.
    chunked : pyarrow.ChunkedArray
        Its values, of a type for which `is_scalar` holds.
    pa : module
        pyarrow.
    """
    types = pa.types
    kind = chunked.type
    array = chunked.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # an empty column has no chunk
        array = array.chunk(0) if array.num_chunks else pa.array([], kind)
    missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    n = len(array)
    state = np.where(missing, MISSING, NUMBER).astype(np.uint8)
    if types.is_null(kind):
        return Column(name, np.full(n, np.nan), np.full(n, MISSING, np.uint8))
    if types.is_boolean(kind):
        return Column(name, np.full(n, np.nan), np.where(missing, MISSING, BOOLEAN).astype(np.uint8))
    if types.is_dictionary(kind) and not _is_text(kind.value_type, types):
        array, kind = array.dictionary_decode(), kind.value_type
    if types.is_timestamp(kind) or types.is_date(kind):
        array = array.cast(pa.string())
        kind = pa.string()
    if types.is_dictionary(kind) or _is_text(kind, types):
        return _texts(name, array if types.is_dictionary(kind) else array.dictionary_encode(), missing, state)
    if types.is_decimal(kind) or types.is_integer(kind) or types.is_float16(kind):
        array = array.cast(pa.float64(), safe=False)
    values = np.array(array.to_numpy(zero_copy_only=False), dtype=np.float64)
    values[missing] = np.nan
    return Column(name, values, state)


def _is_text(kind: Any, types: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _texts(name: str, encoded: Any, missing: NDArray[np.bool_], state: NDArray[np.uint8]) -> Column:
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    raw = encoded.dictionary.to_pylist()
    texts = [safe_text(str(t)) if t is not None else "" for t in raw]
    state = np.where(missing, state, TEXT).astype(np.uint8)
    codes = np.where(missing, np.nan, codes)
    return Column(name, codes, state, texts)
