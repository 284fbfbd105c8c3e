"""Earlier documents, one file a serial."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.errors import NotKept, StateError
from reconciler.model.record import State
from reconciler.stores import document
from reconciler.stores.cipher import Cipher
from reconciler.stores.document import UnusableError
from reconciler.stores.files import Files, write_atomically


class History:
    """The folder ``history``."""

    def __init__(self, folder: Path, files: Files, cipher: Cipher, length: int) -> None:
        """Use *folder*, which is made when the first document is kept."""
        self._folder = folder
        self._files = files
        self._cipher = cipher
        self._length = length

    def serials(self) -> Sequence[int]:
        """Serials of the states kept, oldest first."""
        return sorted(int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdecimal())

    def past(self, serial: int) -> State:
        """The state kept as *serial*.

        Raises:
            NotKept: it is not there. StateError: it is damaged.
        """
        path = self._path(serial)
        try:
            return document.decode(path.read_bytes(), self._cipher)
        except FileNotFoundError as error:
            kept = ", ".join(str(known) for known in self.serials()) or "none"
            raise NotKept(f"no state {serial} is kept", hint=f"kept are: {kept}") from error
        except OSError as error:
            raise StateError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
        except UnusableError as error:
            raise StateError(f"{path} {error.why}", hint=error.remedy or self.way_out()) from error

    def keep(self, serial: int, data: bytes) -> None:
        """Keep a document. Raises OSError."""
        self._folder.mkdir(exist_ok=True)
        write_atomically(self._files, self._path(serial), data)

    def prune(self) -> None:
        """Remove the oldest beyond those that are kept."""
        for serial in self.serials()[: -self._length]:
            with suppress(OSError):  # the state is saved; an old copy too many harms nobody
                self._files.remove(self._path(serial))

    def way_out(self) -> str:
        """What to do about a damaged file, as a hint: names the newest state that is good."""
        for serial in reversed(self.serials()):
            path = self._path(serial)
            with suppress(OSError, StateError, UnusableError):
                document.decode(path.read_bytes(), self._cipher)
                return f"the newest good state is {path}; go on from it with `tdr state restore {serial}`"
        return "no good earlier state is kept; keep the file, and take the objects up again with `tdr import`"

    def _path(self, serial: int) -> Path:
        return self._folder / f"{serial}.json"
