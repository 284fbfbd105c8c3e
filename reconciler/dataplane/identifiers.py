"""From what a query returns to what may travel: normalised and hashed, or refused with a reason.

Everything happens in SQL, on columns. Normalising comes first and detection second: a digest with blanks around it or in
capitals is a digest all the same, and must not be hashed again.

Source: Treasure Data's Pinterest export page (one column, SHA-256 or plain e-mail, ids hashed beforehand); Pinterest's
help page on customer lists (trim and lower case, nothing else is taken away from an address).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reconciler.dataplane.keyfile import keys_from_hex
from reconciler.dataplane.plain_values import PlainKeys, plain_keys
from reconciler.dataplane.reasons import REASONS, Reason
from reconciler.model.kinds import Identifier

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from reconciler.dataplane.keyfile import Keys

MOST_ROWS: Final = 100_000
"""That are looked at together. Measured: fewer cost more, and more gain nothing."""

# What Python's str.strip() takes away, and the byte order mark at the start of a file that was read as text is not among it.
_BLANKS = "".join(
    map(
        chr,
        [
            *range(9, 14),
            *range(28, 33),
            0x85,
            0xA0,
            0x1680,
            *range(0x2000, 0x200B),
            0x2028,
            0x2029,
            0x202F,
            0x205F,
            0x3000,
        ],
    )
)
# Controls, invisible and private characters (C), blanks (Z), what separates addresses, a full-width @, and letters and marks
# that show nothing: fillers, the braille blank, joiners and variation selectors.
_INSIDE = r"\pC\pZ,;:<>\x{115F}\x{1160}\x{3164}\x{FFA0}\x{2800}\x{034F}\x{FE00}-\x{FE0F}"
_ADDRESS = rf"[^{_INSIDE}@\x{{FF20}}]+@[^{_INSIDE}@\x{{FF20}}]+"
_DIGEST = "[0-9a-f]{64}"

_EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()
_ZERO_DIGESTS = tuple(
    hashlib.sha256(text.encode()).hexdigest() for text in ("00000000-0000-0000-0000-000000000000", "0" * 32)
)

_ADDRESS_VERDICT: Final = 0
_DIGEST_VERDICT: Final = -1


def _code(reason: Reason) -> int:
    return REASONS.index(reason) + 1


def _judged(usable: str, classify: str) -> str:
    """SQL over ``given(value)`` that gives (verdict, key in hex), row by row.

    A verdict is one of those above, else the number of a reason.

    usable: pattern of what can be sent; most rows match it with nothing but spaces around them, and the slower trimming of
    every kind of blank is done only for the rest.
    """
    blanks = _BLANKS.replace("'", "''")
    return f"""
        WITH lowered AS (SELECT lower(trim(value)) AS text FROM given),
        matched AS (SELECT text, regexp_full_match(text, '{usable}') AS fits FROM lowered),
        trimmed AS (SELECT fits, CASE WHEN fits THEN text ELSE trim(text, '{blanks}') END AS text FROM matched),
        judged AS (SELECT text, {classify} AS verdict FROM trimmed)
        SELECT verdict, CASE verdict WHEN {_ADDRESS_VERDICT} THEN sha256(text) WHEN {_DIGEST_VERDICT} THEN text END AS key
        FROM judged
    """


_JUDGED_EMAIL = f"""
    CASE
        WHEN (fits OR regexp_full_match(text, '{_ADDRESS}|{_DIGEST}')) THEN
            CASE WHEN contains(text, '@') THEN {_ADDRESS_VERDICT}
                 WHEN text = '{_EMPTY_DIGEST}' THEN {_code(Reason.HASH_OF_EMPTY)}
                 ELSE {_DIGEST_VERDICT} END
        WHEN text IS NULL OR text = '' THEN {_code(Reason.EMPTY)}
        WHEN regexp_full_match(text, '[0-9a-f]{{32}}') THEN {_code(Reason.LOOKS_LIKE_MD5)}
        WHEN regexp_full_match(text, '[0-9a-f]{{40}}') THEN {_code(Reason.LOOKS_LIKE_SHA1)}
        WHEN regexp_full_match(text, '[^@\\x{{FF20}}]+@[^@\\x{{FF20}}]+') THEN {_code(Reason.FORBIDDEN_CHARACTER)}
        ELSE {_code(Reason.NOT_AN_ADDRESS)}
    END
"""

_JUDGED_ID = f"""
    CASE
        WHEN fits OR regexp_full_match(text, '{_DIGEST}') THEN
            CASE WHEN text = '{_EMPTY_DIGEST}' THEN {_code(Reason.HASH_OF_EMPTY)}
                 WHEN text IN {_ZERO_DIGESTS!r} THEN {_code(Reason.ZERO_ID)}
                 ELSE {_DIGEST_VERDICT} END
        WHEN text IS NULL OR text = '' THEN {_code(Reason.EMPTY)}
        ELSE {_code(Reason.NOT_SHA256)}
    END
"""

_QUERIES: Mapping[Identifier, str] = {
    Identifier.EMAIL: _judged(f"{_ADDRESS}|{_DIGEST}", _JUDGED_EMAIL),
    Identifier.MAID: _judged(_DIGEST, _JUDGED_ID),
    Identifier.IDFA: _judged(_DIGEST, _JUDGED_ID),
}


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What becomes of some rows.

    rows: of them. keys: of those that are sent, as pieces, in an order that means nothing.
    rejected: places, from 0, of those that are not, None for none; codes: the number of each one's reason, from 1.
    """

    rows: int
    keys: Sequence[Keys]
    rejected: pa.Array[Any] | None = None
    codes: pa.Array[Any] | None = None


class Screener:
    """Looks at the values of one identifier. For any number of threads."""

    def __init__(self, identifier: Identifier, engine: duckdb.DuckDBPyConnection, plain: PlainKeys | None) -> None:
        self._identifier = identifier
        self._engine = engine
        self.plain = plain
        """What takes on values that leave no doubt; None for nobody."""

    def verdicts(self, values: pa.Array[Any]) -> Verdicts:
        """What becomes of each of *values*, `MOST_ROWS` of them at most. Lets go of Python's lock nearly all the time."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only runs that move rows need it
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        rows = len(values)
        keys: list[Keys] = []
        places: Any = None
        if self.plain is not None:
            keys, places = self.plain(values)
            if not len(places):
                return Verdicts(rows, keys)
            values = values.take(places)
        verdict, key = self._judged(values)
        keys.append(keys_from_hex(key.drop_null()))
        is_rejected = pc.greater(verdict, pa.scalar(0, verdict.type))
        rejected: Any = pc.indices_nonzero(is_rejected)
        if not len(rejected):
            return Verdicts(rows, keys)
        codes = verdict.filter(is_rejected).cast(pa.uint8())
        return Verdicts(rows, keys, (rejected if places is None else places.take(rejected)).cast(pa.int64()), codes)

    def judge(self, values: Sequence[str | None]) -> list[Judged]:
        """What `verdicts` says of each of *values*, in their order."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        verdicts, keys = (column.to_pylist() for column in self._judged(pa.array(values, pa.string())))
        return [
            Judged(key or "", verdict == _DIGEST_VERDICT, REASONS[verdict - 1] if verdict > 0 else None)
            for verdict, key in zip(verdicts, keys, strict=True)
        ]

    def _judged(self, values: pa.Array[Any]) -> list[Any]:
        """Verdict and key of each value."""
        import pyarrow as pa  # noqa: PLC0415 - as above

        with self._engine.cursor() as cursor:
            cursor.register("given", pa.table({"value": values}))
            table = cursor.sql(_QUERIES[self._identifier]).to_arrow_table()
        return [column.combine_chunks() for column in table.columns]


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one value.

    key: what is sent, 64 hexadecimal digits; "" when it is not.
    was_digest: whether it came as a digest, so that nothing is hashed.
    reason: why it is not sent.
    """

    key: str
    was_digest: bool
    reason: Reason | None


@contextmanager
def screener(identifier: Identifier, *, quick: bool = True) -> Iterator[Screener]:
    """A `Screener`, with an engine of its own that is closed when the context ends.

    quick: whether plain values are for the quicker engine, where that is installed.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    # Each thread that asks does its own work, so that the engine needs none.
    with duckdb.connect(
        ":memory:",
        config={"threads": "1", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    ) as engine:
        plain = plain_keys(addresses=identifier is Identifier.EMAIL, doubtful=(_EMPTY_DIGEST, *_ZERO_DIGESTS))
        yield Screener(identifier, engine, plain if quick else None)


def judge(values: Sequence[str | None], identifier: Identifier) -> list[Judged]:
    """What becomes of each of *values*, in their order. For as many as fit in memory."""
    with screener(identifier, quick=False) as one:
        return one.judge(values)
