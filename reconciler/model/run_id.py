"""What names one call of tdr wherever it left something: in the log, the lock, the journal and the history."""

from __future__ import annotations

import os


def new_run_id() -> str:
    """Twelve hexadecimal digits that nobody else came to."""
    return os.urandom(6).hex()
