"""From rows of JSON to columns, in types that hold every value exactly.

Many rows at a time, and mostly by what Python does in C: a step in Python for each value would cost more than all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import orjson

from reconciler.model.json import Json

if TYPE_CHECKING:
    import pyarrow as pa

Way: TypeAlias = tuple[str, ...]
"""Names from the outermost object to a value, such as ``("owner", "name")``."""
Rows: TypeAlias = Sequence[Mapping[str, Json]]
Keys: TypeAlias = dict[str, "Keys"]
"""Keys of objects in the order of first sight, with those inside each."""

EXACT: Final = 2**53
"""Whole numbers up to this are exact as fractions too."""


@dataclass(frozen=True, slots=True)
class Columns:
    """*count* rows by columns. A column of nothing but nulls is not there."""

    count: int
    arrays: Mapping[Way, Any]


def columns(rows: Rows, keys: Keys) -> Columns:
    """*rows* by columns: objects taken apart, lists as JSON. *keys* takes in what is new."""
    arrays: dict[Way, Any] = {}
    _flatten(rows, (), arrays, keys)
    return Columns(len(rows), arrays)


def joined(parts: Sequence[Columns], keys: Keys) -> dict[Way, Any] | None:
    """What `columns` makes of the rows of all *parts* together; None where only another look at their values can tell."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it

    whole: dict[Way, Any] = {}
    for way in _ways(keys, ()):
        there = [part.arrays[way] for part in parts if way in part.arrays]
        if not there:
            continue
        types = {array.type for array in there}
        if types == {pa.int64(), pa.float64()}:
            if any(array.type == pa.int64() and widest(array) > EXACT for array in there):
                return None
            type_ = pa.float64()
        elif len(types) == 1:
            (type_,) = types
        else:
            return None
        arrays = [part.arrays.get(way) for part in parts]
        chunks = [
            pa.nulls(part.count, type_) if array is None else array.cast(type_)
            for part, array in zip(parts, arrays, strict=True)
        ]
        whole[way] = pa.chunked_array(chunks, type_)
    return whole


def widest(array: Any) -> int:
    """The largest whole number of *array*, by its amount."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    ends: Any = pc.min_max(array)
    return max(abs(int(ends[end].as_py() or 0)) for end in ("min", "max"))


def _ways(keys: Keys, above: Way) -> Iterator[Way]:
    for key, below in keys.items():
        way = (*above, key)
        yield from _ways(below, way)
        yield way


def _flatten(rows: Sequence[Mapping[str, Json] | None], above: Way, into: dict[Way, Any], keys: Keys) -> None:
    """Put the columns of *rows* into *into*; a row that is None has none of them."""
    for key, values in _by_key(rows):
        _column(values, (*above, key), into, keys.setdefault(key, {}))


def _by_key(rows: Sequence[Mapping[str, Json] | None]) -> Iterable[tuple[str, Sequence[Json]]]:
    """Each key, in the order of first sight, with its values in all rows."""
    names = tuple(rows[0]) if rows and rows[0] is not None else ()
    if names:
        # Rows of one page mostly have the same keys.
        with suppress(KeyError, TypeError):
            whole = cast("Rows", rows)
            values = list(map(itemgetter(*names), whole))
            if set(map(len, whole)) == {len(names)}:
                return ((names[0], values),) if len(names) == 1 else zip(names, zip(*values, strict=True), strict=True)
    return ((key, [None if row is None else row.get(key) for row in rows]) for key in _keys(rows))


def _keys(rows: Sequence[Mapping[str, Json] | None]) -> Iterable[str]:
    """All keys, in the order of first sight."""
    keys: dict[str, None] = {}
    seen: object = None
    for row in rows:
        # Comparing is cheaper than taking each in.
        if row is not None and row.keys() != seen:
            seen = row.keys()
            keys.update(dict.fromkeys(row))
    return keys


def _column(values: Sequence[Json], way: Way, into: dict[Way, Any], keys: Keys) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as above

    kinds = set(map(type, values))
    if kinds == {dict}:
        _flatten(cast("Rows", values), way, into, keys)
        return
    kinds.discard(type(None))
    if not kinds:
        return
    if dict in kinds:
        _flatten([value if isinstance(value, dict) else None for value in values], way, into, keys)
        if kinds == {dict}:
            return
        values = [None if isinstance(value, dict) else value for value in values]
        kinds.discard(dict)
    into[way] = _array(values, kinds, {str: pa.string(), bool: pa.bool_(), float: pa.float64()})


def _array(values: Sequence[Json], kinds: set[type], plain: Mapping[type, pa.DataType]) -> Any:
    """*values* in a type that holds all of them. plain: type of Python -> type of columns of nothing else."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if len(kinds) == 1 and kinds <= plain.keys():
        return pa.array(values, plain[next(iter(kinds))])
    if kinds <= {int, float}:
        try:
            if kinds == {int}:
                return pa.array(values, pa.int64())
            if all(abs(value) <= EXACT for value in values if isinstance(value, int)):
                return pa.array(values, pa.float64())
        except OverflowError:
            pass  # more than 64 bits: text
    if kinds <= {int, float, Decimal} and all(map(_is_exact, values)):
        with suppress(pa.ArrowInvalid):  # more digits than a decimal has
            return pa.array([None if value is None else Decimal(str(value)) for value in values])
    return pa.array(_texts(values, kinds), pa.string())


def _is_exact(value: object) -> bool:
    """Whether a fraction of the machine holds a number: then a decimal differs from it in how it is written only."""
    match value:
        case Decimal():
            return Decimal(repr(float(value))) == value
        case int():
            return abs(value) <= EXACT
        case _:
            return True


def _texts(values: Sequence[Json], kinds: set[type]) -> list[str | None]:
    if kinds == {list}:
        with suppress(TypeError):
            return [None if value is None else orjson.dumps(value).decode() if value else "[]" for value in values]
    return list(map(_text, values))


def _text(value: Json) -> str | None:
    """A value among values of other types: text as it is, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number of more than 64 bits inside a list, or an exact fraction
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
