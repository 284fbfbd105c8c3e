"""A file of the service that is not as it was written: which one, and what now."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Final

from reconciler.errors import StateError

_UNUSABLE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
# What DuckDB says of files that were cut, overwritten or exchanged; its kinds of errors do not tell that apart.
_DAMAGE: Final = re.compile(
    r"not a valid DuckDB database|read enough bytes|corrupt|checksum|deserializ|database file is truncated|invalid block",
    re.IGNORECASE,
)


def damaged(path: Path) -> StateError:
    """The error for *path*, one of the two files of the service that are worth nothing without each other."""
    folder = path.parent
    return StateError(
        f"{path} is damaged",
        hint=(
            f"restore the folder {folder} from a copy, the whole of it; without a copy, move it away and run `tdr apply`, "
            "which asks for your approval to make everything in it anew, and then the imports, which fill the tables"
        ),
    )


def is_metadata_damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is none of its own any more."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _UNUSABLE


def is_data_damaged(error: Exception) -> bool:
    """Whether DuckDB says that the file cannot be what it wrote."""
    return type(error).__module__.partition(".")[0] in {"duckdb", "_duckdb"} and bool(_DAMAGE.search(str(error)))
