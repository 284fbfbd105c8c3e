from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
sys.path.insert(0, str(Path(__file__).parents[1] / "http"))
sys.path.insert(0, str(Path(__file__).parents[1] / "sourcespec"))

from stage_fixtures import applied, filled_state, loaded, running_sandbox, stage

__all__ = ["applied", "filled_state", "loaded", "running_sandbox", "stage"]
