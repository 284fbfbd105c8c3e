"""Files in object stores, as those see them who move rows; who keeps the client of a store is somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from reconciler.model.secret import Secret


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where in which store. What is "" or None is looked for as the store's own tools do."""

    bucket: str
    prefix: str = ""
    region: str = ""
    endpoint: str = ""
    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None


class Bucket(Protocol):
    """Objects below a prefix. Everything raises TdrError when the store cannot be reached or refuses."""

    where: str
    """For messages."""

    def sizes(self, below: str) -> Mapping[str, int]:
        """Key -> size in bytes of the objects below the folder *below*, "" for all, by key."""
        ...

    def fetch(self, key: str, path: Path) -> None:
        """Write an object to a file."""
        ...

    def store(self, path: Path, key: str) -> None:
        """Make an object of a file: whole or not at all."""
        ...

    def version(self, key: str) -> str:
        """Tells the object that is there now from those before and after it; "" where there is none."""
        ...

    def exchange(self, path: Path, key: str, seen: str) -> None:
        """As `store`, if the version of what is there is *seen*.

        Raises:
            Conflict: it is another one.
        """
        ...


OpenBucket: TypeAlias = Callable[[BucketPlace], Bucket]
