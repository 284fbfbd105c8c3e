"""From what a query returns to what may travel: normalised, hashed, de-duplicated, or refused with a reason.

Everything happens in SQL, on columns. Normalising comes first and detection second: a digest with blanks around it or in
capitals is a digest all the same, and must not be hashed again.

Source: Treasure Data's Pinterest export page (one column, SHA-256 or plain e-mail, ids hashed beforehand); Pinterest's
help page on customer lists (trim and lower case, nothing else is taken away from an address).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.dataplane.keyfile import write_keys
from reconciler.dataplane.quarantine import Rejections
from reconciler.dataplane.reasons import REASONS, Reason
from reconciler.dataplane.workspace import ROWS_PER_BATCH, Workspace
from reconciler.errors import Permanent, Transient
from reconciler.model.kinds import Identifier

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

    from reconciler.dataplane.keyfile import BinaryColumn


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


@dataclass(frozen=True, slots=True)
class Screening:
    """What came of looking at all rows.

    rows: read. keys: distinct keys written to the key file. rejections: the rows that are not sent, with reasons.
    """

    rows: int
    keys: int
    rejections: Rejections

    @property
    def duplicates(self) -> int:
        """Valid rows beyond the first of their key."""
        return self.rows - self.keys - self.rejections.total


def screen(
    rows: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    identifier: Identifier,
    target: Path,
    cancelled: threading.Event,
) -> Screening:
    """Read the view ``rows`` and write the distinct keys of its valid rows to *target*.

    rows: connection with a view ``rows`` that has a text column named like *identifier*. The view is read once, and once
    more whenever the keys turn out to be too many for the workspace's memory so far.
    The order of the keys is not that of the rows.

    Raises:
        Permanent: the query behind the view failed. The engine's own message may quote values and is left out.
        Transient: the run was cancelled while rows were read.
    """
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it

    try:
        screening = workspace.with_room(lambda engine: _screen(rows, engine, identifier, target, cancelled))
    except duckdb.Error as error:
        name = type(error).__name__
        raise Permanent(
            f"the rows could not be read: {name}", hint="run the query by itself; the engine's message may quote values"
        ) from None
    if cancelled.is_set():
        raise Transient("the run was cancelled while its rows were read; nothing was sent")
    return screening


def _screen(
    rows: duckdb.DuckDBPyConnection,
    engine: duckdb.DuckDBPyConnection,
    identifier: Identifier,
    target: Path,
    cancelled: threading.Event,
) -> Screening:
    count = 0
    rejections = Rejections()

    def counted(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        nonlocal count
        for batch in reader:
            if cancelled.is_set():
                return  # The stream ends early; whoever cancelled does not look at what came of it.
            count += batch.num_rows
            yield batch

    # Only a relation streams; execute() would hold the whole result (DuckDB 2.0). Numbering happens on this side, where
    # the order is known, so that hashing on the other may use all threads.
    numbered = rows.sql(f'SELECT row_number() OVER () AS row, "{identifier.value}" AS value FROM rows')
    # Both streams are closed whatever happens: a connection with an open result takes no other query (DuckDB 2.0).
    with numbered.to_arrow_reader(ROWS_PER_BATCH) as reader:
        stream = type(reader).from_batches(reader.schema, counted(reader))
        engine.from_arrow(stream).create_view("numbered", replace=True)
        with engine.sql(_VERDICTS[identifier]).to_arrow_reader(ROWS_PER_BATCH) as verdicts:
            keys = write_keys(target, _valid(verdicts, rejections))
    return Screening(count, keys, rejections)


def _valid(verdicts: pa.RecordBatchReader, rejections: Rejections) -> Iterator[BinaryColumn]:
    """Keys of the valid rows; the others go to *rejections*."""
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and only runs that move rows need it

    for batch in verdicts:
        key, reason, row = batch.columns
        if reason.null_count == len(batch):
            yield key
            continue
        is_rejected = pc.is_valid(reason)
        rejections.add(row.filter(is_rejected), reason.filter(is_rejected))
        yield key.filter(pc.invert(is_rejected))


def _code(reason: Reason) -> int:
    return REASONS.index(reason) + 1


def _verdicts(usable: str, classify: str) -> str:
    """SQL over ``numbered(row, value)`` that gives distinct (key, reason, row): reason and row are null for valid rows.

    usable: pattern of what can be sent; most rows match it with nothing but spaces around them, and the slower trimming of
    every kind of blank is done only for the rest.
    """
    return f"""
        {_judged(usable, classify)}
        SELECT DISTINCT
            CASE verdict WHEN 0 THEN unhex(sha256(text)) WHEN -1 THEN unhex(text) END AS key,
            CASE WHEN verdict > 0 THEN verdict::UTINYINT END AS reason,
            CASE WHEN verdict > 0 THEN row END AS row
        FROM judged
    """


def _judged(usable: str, classify: str) -> str:
    """SQL over ``numbered(row, value)`` that makes ``judged(row, text, verdict)``: 0 an address, -1 a digest, else a reason."""
    blanks = _BLANKS.replace("'", "''")
    return f"""
        WITH lowered AS (SELECT row, lower(trim(value)) AS text FROM numbered),
        matched AS (SELECT row, text, regexp_full_match(text, '{usable}') AS fits FROM lowered),
        trimmed AS (SELECT row, fits, CASE WHEN fits THEN text ELSE trim(text, '{blanks}') END AS text FROM matched),
        judged AS (SELECT row, text, {classify} AS verdict FROM trimmed)
    """


_JUDGED_EMAIL = f"""
    CASE
        WHEN (fits OR regexp_full_match(text, '{_ADDRESS}|{_DIGEST}')) THEN
            CASE WHEN contains(text, '@') THEN 0 WHEN text = '{_EMPTY_DIGEST}' THEN {_code(Reason.HASH_OF_EMPTY)} ELSE -1 END
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
                 ELSE -1 END
        WHEN text IS NULL OR text = '' THEN {_code(Reason.EMPTY)}
        ELSE {_code(Reason.NOT_SHA256)}
    END
"""

_RULES: Mapping[Identifier, tuple[str, str]] = {
    Identifier.EMAIL: (f"{_ADDRESS}|{_DIGEST}", _JUDGED_EMAIL),
    Identifier.MAID: (_DIGEST, _JUDGED_ID),
    Identifier.IDFA: (_DIGEST, _JUDGED_ID),
}
_VERDICTS: Mapping[Identifier, str] = {identifier: _verdicts(*rules) for identifier, rules in _RULES.items()}


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


def judge(values: Sequence[str | None], identifier: Identifier) -> list[Judged]:
    """What `screen` would make of each of *values*, in their order. For as many as fit in memory."""
    import duckdb  # noqa: PLC0415 - heavy, and only runs that move rows need it
    import pyarrow as pa  # noqa: PLC0415 - as above

    table = pa.table({"row": pa.array(range(len(values)), pa.int64()), "value": pa.array(values, pa.string())})
    with duckdb.connect() as engine:
        engine.from_arrow(table).create_view("numbered")
        found = engine.execute(
            f"{_judged(*_RULES[identifier])} SELECT CASE verdict WHEN 0 THEN sha256(text) WHEN -1 THEN text ELSE '' END, "
            "verdict FROM judged ORDER BY row"
        ).fetchall()
    return [Judged(key, verdict == -1, REASONS[verdict - 1] if verdict > 0 else None) for key, verdict in found]
