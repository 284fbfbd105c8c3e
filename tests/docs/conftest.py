from __future__ import annotations

import sys
from pathlib import Path

# What makes the reference stands beside it, and the stage on which journeys run is theirs.
sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "making"))
sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
