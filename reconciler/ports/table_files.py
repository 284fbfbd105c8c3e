"""Parquet files that loads fill as if they were tables, as the embedded service sees them, wherever they are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from reconciler.model.json import Json

if TYPE_CHECKING:
    import threading


class TableFile(Protocol):
    """One such file. Everything raises TdrError when its place cannot be reached or refuses."""

    named: str
    """For messages."""

    def find(self) -> Path | None:
        """The file as it is now, as one to be read here; None where there is none.

        Raises:
            Permanent: what is there is no file.
        """
        ...

    def alone(self, stop: threading.Event) -> AbstractContextManager[None]:
        """While inside, nobody else on this machine who asks for it is.

        Raises:
            Interrupted: *stop* was set while somebody else was.
        """
        ...

    def exchange(self, write: Callable[[Path], None]) -> None:
        """Put what *write* makes of an empty file where the file is, or is to be: whole or not at all, and for good.

        Raises:
            Conflict: what is there is not what `find` last found.
        """
        ...


OpenTableFile: TypeAlias = Callable[[Mapping[str, Json], str, Path], TableFile]
"""Opens a file for one run, given its place (``path``, and the settings of the connection that it is below, if it is below
one), the id of the job, and a folder for what is fetched, which goes with the run.

Raises Permanent for a place that cannot be.
"""
