from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bucket_lake import lake, lake_connection, prefix, s3
from made_by_others import empty, grown
from stage_fixtures import applied, filled_state, loaded, running_sandbox, stage

__all__ = [
    "applied",
    "empty",
    "filled_state",
    "grown",
    "lake",
    "lake_connection",
    "loaded",
    "prefix",
    "running_sandbox",
    "s3",
    "stage",
]
