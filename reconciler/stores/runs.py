"""What runs did: one document a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from reconciler.errors import NotKept, StateError
from reconciler.model.json import Json
from reconciler.ports.store import Keeps
from reconciler.stores import retention
from reconciler.stores.cipher import Cipher
from reconciler.stores.files import Files, write_atomically


def name_of(run_id: str, document: Mapping[str, Json]) -> str:
    """Name of the document of a run. Names sort by time, and by the state's serial where times are the same."""
    serial = document.get("serial_after", 0)
    # Earlier versions knew the second only; two runs that changed nothing in the state had then one place.
    at = document.get("ended_at", document["created_at"])
    return f"{str(at).replace(':', '')}-{int(str(serial)):08}-{run_id}"


def id_of(name: str) -> str:
    """The run that a name is of."""
    return name.rpartition("-")[2]


def encode(document: Mapping[str, Json], cipher: Cipher) -> bytes:
    """A document as it is kept."""
    return cipher.seal(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def decode(data: bytes, where: str, cipher: Cipher) -> Mapping[str, Json]:
    """Read what `encode` wrote.

    Raises:
        StateError: it is damaged, or sealed with a key that *cipher* does not have.
    """
    try:
        document = orjson.loads(cipher.open(data))
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise StateError(f"{where} is damaged", hint="it is only a report; remove it")
    return document


def not_kept(run_id: str, names: Iterable[str]) -> NotKept:
    """The error of a run that nobody kept, with those that are."""
    newest = ", ".join([id_of(name) for name in names][-5:]) or "none"
    return NotKept(f"no run {run_id!r} is kept", hint=f"the newest that are: {newest}")


def beyond(
    reports: Iterable[tuple[str, bytes]], cipher: Cipher, keeps: Keeps, remembered: Collection[str], now: float
) -> list[str]:
    """Names of those of *reports*, by name and as they are kept, that go.

    remembered: addresses of the state.
    """
    return retention.let_go([_described(*one, cipher) for one in sorted(reports)], keeps, remembered, now)


def _described(name: str, data: bytes, cipher: Cipher) -> retention.KeptRun:
    try:
        return retention.described(name, decode(data, name, cipher))
    except StateError:
        return retention.KeptRun(name)  # damaged, or sealed with a key that is gone: its place says how old it is


class Runs:
    """The folder ``runs``."""

    def __init__(self, folder: Path, files: Files, cipher: Cipher) -> None:
        """Use *folder*, which is made when the first document is kept."""
        self._folder = folder
        self._files = files
        self._cipher = cipher

    def names(self) -> Sequence[str]:
        """Names of what is kept, newest last."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def keep(self, name: str, document: Mapping[str, Json]) -> None:
        """Keep *document*. Raises OSError."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        write_atomically(self._files, self._folder / f"{name}.json", encode(document, self._cipher))

    def tidy(self, keeps: Keeps, remembered: Collection[str], now: float) -> None:
        """Let go of what goes. *remembered*: addresses of the state; *now*: Unix seconds."""
        found = [(path.stem, data) for path in self._folder.glob("*.json") if (data := _content(path)) is not None]
        for old in beyond(found, self._cipher, keeps, remembered, now):
            with suppress(OSError):  # a report too many harms nobody
                self._files.remove(self._folder / f"{old}.json")

    def read(self, run_id: str) -> Mapping[str, Json]:
        """What was kept of *run_id*.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        names = self.names()
        for name in reversed(names):
            if id_of(name) == run_id:
                path = self._folder / f"{name}.json"
                try:
                    return decode(path.read_bytes(), str(path), self._cipher)
                except FileNotFoundError:
                    break  # who writes has let go of it meanwhile
                except OSError as error:
                    raise StateError(
                        f"{path} cannot be read: {error.strerror}",
                        hint="make it readable for who runs tdr, then try again",
                    ) from error
        raise not_kept(run_id, self.names())


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # it went meanwhile, or is nobody's to remove who may not read it
