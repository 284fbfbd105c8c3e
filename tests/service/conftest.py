from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from file_twins import project, twins
from world_fixtures import open_world, open_world_for_all, world

__all__ = ["open_world", "open_world_for_all", "project", "twins", "world"]
