"""Records as earlier versions of tdr wrote them, made into records of today.

One pure function leads from a schema version to the next; they are applied in order, in memory. Only a command that writes
anyway puts the result on disk, and nothing leads back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

SCHEMA_VERSION = 4


class NewerError(ValueError):
    """A record of a schema version that this tdr does not know yet."""

    def __init__(self, version: int) -> None:
        """Hold the *version* that was found."""
        super().__init__(f"schema version {version}; this tdr reads {SCHEMA_VERSION}")
        self.version = version


def _may_be_absent(record: dict[str, object]) -> dict[str, object]:
    """1 → 2: an absence is remembered from its first sighting on; nothing was absent before."""
    return record | {"absent_since": ""}


def _columns_are_the_tables(record: dict[str, object]) -> dict[str, object]:
    """2 → 3: an import of files no longer repeats the columns of its table, so that their absence is no drift."""
    applied = record.get("applied")
    source = applied.get("source") if isinstance(applied, dict) else None
    if not isinstance(applied, dict) or not isinstance(source, dict) or source.get("type") != "files":
        return record
    kept = {name: value for name, value in source.items() if name != "columns"}
    return record | {"applied": applied | {"source": kept}}


def _is_made_of_something(record: dict[str, object]) -> dict[str, object]:
    """3 → 4: what a record was made of, and by which release, is remembered; of older ones it is not known."""
    return record | {"made_of": "", "written_by": ""}


UPGRADES: Mapping[int, Callable[[dict[str, object]], dict[str, object]]] = {
    1: _may_be_absent,
    2: _columns_are_the_tables,
    3: _is_made_of_something,
}
"""Schema version -> what leads from it to the next one."""


def upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """*record*, as some version wrote it, in the form of `SCHEMA_VERSION`.

    Raises:
        NewerError: a newer tdr wrote it.
        KeyError, ValueError: it names no schema version that ever was.
    """
    version = int(str(record["schema_version"]))
    if version > SCHEMA_VERSION:
        raise NewerError(version)
    while version < SCHEMA_VERSION:
        record = UPGRADES[version](dict(record)) | {"schema_version": version + 1}
        version += 1
    return record
