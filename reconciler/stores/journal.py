"""The journal: lines of JSON that say what was begun, what came of it, and what is remembered since the document.

The first line names the lineage. Every line carries a checksum over the rest of itself and the serial that the state has
once the line is there; lines whose serial the document has reached already are not applied again, so that a crash between
a new document and its new journal is harmless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record, State
from reconciler.model.upgrades import NewerError
from reconciler.ports.store import Entry, Phase, Snapshot
from reconciler.sealing import DamagedError
from reconciler.stores.cipher import PLAIN, Cipher
from reconciler.stores.document import UnusableError
from reconciler.stores.records import Records

FORMAT = "tdr.journal"
FORMAT_VERSION = "1.0"

_CHECK = b'{"check":"'
_CHECK_HEX = 16
_BODY = len(_CHECK) + _CHECK_HEX + len(b'",')


@dataclass(frozen=True, slots=True)
class Line:
    """An entry and the *serial* the state has from it on."""

    entry: Entry
    serial: int


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal's bytes say. *size_bytes* ends after the last whole line; what follows is torn."""

    lineage: str
    lines: tuple[Line, ...]
    size_bytes: int


def begin(lineage: str, carried: Iterable[Entry], serial: int, cipher: Cipher = PLAIN) -> bytes:
    """A new journal of *lineage* that starts after *serial* and carries on with what is unfinished."""
    header = _sealed({"format": FORMAT, "format_version": FORMAT_VERSION, "lineage": lineage}, cipher)
    return header + b"".join(encode(Line(entry, serial), cipher) for entry in carried)


def encode(line: Line, cipher: Cipher = PLAIN) -> bytes:
    """One line, with its newline.

    Raises:
        TypeError: the entry holds something that is not JSON.
    """
    entry = line.entry
    return _sealed(
        {
            "serial": line.serial,
            "op": entry.op,
            "phase": entry.phase.value,
            "step": entry.step,
            "address": str(entry.address),
            "at": entry.at,
            "run": entry.run,
            "natural_key": entry.natural_key,
            "details": dict(entry.details),
            "remembers": entry.remembers,
            "record": entry.record.to_json() if entry.record else None,
        },
        cipher,
    )


def decode(data: bytes, cipher: Cipher = PLAIN) -> Journal:
    """Read a journal; its last line may be torn by a crash.

    Raises:
        UnusableError: it does not begin as a journal, or a line before the last is damaged.
        StateError: it is sealed with a key that *cipher* does not have.
    """
    raw = data.split(b"\n")
    # What follows the last newline was never acknowledged.
    whole = raw[:-1]
    header = _opened(whole[0], cipher) if whole else None
    if header is None or header.get("format") != FORMAT:
        raise UnusableError("does not begin as a journal")
    if header.get("format_version") != FORMAT_VERSION:
        version = header.get("format_version")
        raise UnusableError(
            f"has format version {version!r}; this tdr reads {FORMAT_VERSION!r}", remedy="install a newer tdr"
        )
    lines: list[Line] = []
    size_bytes = len(whole[0]) + 1
    for number, text in enumerate(whole[1:], start=2):
        body = _opened(text, cipher)
        if body is None:
            if number == len(whole) and not raw[-1]:
                break  # blocks of one write reach the disk in any order, so a torn last line may have its newline
            raise UnusableError(f"has a damaged line {number} of {len(whole)}")
        try:
            lines.append(_line(body))
        except NewerError as error:
            raise UnusableError(f"has a line {number} of {error}", remedy="install a newer tdr") from error
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableError(f"has a line {number} that cannot be read: {error!r}") from error
        size_bytes += len(text) + 1
    return Journal(str(header.get("lineage")), tuple(lines), size_bytes)


def salvage(data: bytes, document: State, cipher: Cipher = PLAIN) -> tuple[Journal, int]:
    """As much of a damaged journal as goes on from *document*, and how many of its lines are lost."""
    texts = data.splitlines(keepends=True)

    def read(count: int) -> Journal | None:
        # What is tried ends with a whole line: a torn one is no more than a damaged one here.
        part = b"".join(texts[:count]).rstrip(b"\n") + b"\n"
        try:
            tried = decode(part, cipher)
            replay(document, tried)
        except (UnusableError, StateError):
            return None
        return tried

    # Every beginning of a good beginning is good.
    good, bad = 0, len(texts) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if read(middle) is None else (middle, bad)
    salvaged = read(good) if good else None
    if salvaged is None:
        return Journal(document.lineage, (), 0), max(0, len(texts) - 1)
    return salvaged, len(texts) - 1 - len(salvaged.lines)


def replay(document: State, journal: Journal) -> Snapshot:
    """*document* with the lines of *journal* that it does not contain yet, and the intents that nothing closed.

    Raises:
        UnusableError: the journal belongs to another state, or a line between document and journal is missing.
    """
    if journal.lineage != document.lineage:
        raise UnusableError(f"belongs to lineage {journal.lineage}, the state is of lineage {document.lineage}")
    serial = document.serial
    news: list[Entry] = []
    for line in journal.lines:
        if not line.entry.remembers or line.serial <= document.serial:
            continue
        if line.serial != serial + 1:
            raise UnusableError(f"goes on with serial {line.serial} where the state has {serial}; lines are missing")
        serial = line.serial
        news.append(line.entry)
    state = replace(document, records=Records(document.records).after(news), serial=serial) if news else document
    return Snapshot(state, unfinished(journal.lines))


def unfinished(lines: Iterable[Line]) -> tuple[Entry, ...]:
    """The intents that nothing closed, in the order of their lines."""
    intents: dict[str, Entry] = {}
    for entry in (line.entry for line in lines):
        if entry.phase is Phase.INTENT:
            intents[entry.op] = entry
        elif entry.phase in (Phase.DONE, Phase.FAILED):
            intents.pop(entry.op, None)
    return tuple(intents.values())


def _sealed(body: Mapping[str, object], cipher: Cipher) -> bytes:
    text = orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return cipher.seal(_CHECK + _checksum(text) + b'",' + text[1:]) + b"\n"


def _opened(text: bytes, cipher: Cipher) -> dict[str, object] | None:
    """The body of a line, or None when its checksum says that it is not what was written."""
    try:
        text = cipher.open(text)
    except DamagedError:
        return None
    body = b"{" + text[_BODY:]
    if text[:_BODY] != _CHECK + _checksum(body) + b'",':
        return None
    opened = orjson.loads(body)
    return opened if isinstance(opened, dict) else None


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK_HEX // 2).hexdigest().encode()


def _line(body: Mapping[str, object]) -> Line:
    details, record = body["details"], body["record"]
    if not isinstance(details, dict) or not isinstance(record, dict | None):
        raise TypeError("details or record")
    entry = Entry(
        op=str(body["op"]),
        phase=Phase(str(body["phase"])),
        step=str(body["step"]),
        address=Address.parse(str(body["address"])),
        at=float(str(body["at"])),
        run=str(body["run"]),
        natural_key=str(body["natural_key"]),
        details=details,
        remembers=bool(body["remembers"]),
        record=None if record is None else Record.from_json(record),
    )
    return Line(entry, int(str(body["serial"])))
