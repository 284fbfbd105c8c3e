"""A small tenant to look at: a space, a project that lands and one task that stores."""

from __future__ import annotations

from typing import Final

from reconciler.emulators.qlik.world import World
from reconciler.model.json import Json

_LANDING: Final = """\
settings:
  fullLoadOnly: false
  tableLoadInParallel: 5
  landingDwSettings:
    landingArtifactsLocation:
      dataAssetSchema: LANDING
"""
_TABLES: Final = """\
sourceConnection: '{{sourceConnection}}'
explicitlySelected:
- name: campaigns
  type: TABLE
- name: ads
  type: TABLE
"""
_SCHEDULE: Final = """\
scheduling:
- schedulingType: TIME_BASED
  enabled: true
  timeBasedScheduling:
    schedule:
    - RRULE:FREQ=HOURLY;INTERVAL=6
    startDateTime: '2026-01-01T00:00:00.0000000Z'
    timezone: Etc/UTC
"""


def fill(world: World) -> None:
    """Put the sample into *world*."""
    space = str(world.put_space("Marketing")["id"])
    project = world.put_project("Pinterest ads", {"space": space}).id
    landed: dict[str, Json] = {
        "type": "LANDING",
        "files": {"task.yaml": _LANDING, "sourceSelection.yaml": _TABLES},
        "prepared": True,
    }
    world.put_task(project, "Pinterest landing", landed)
    stored: dict[str, Json] = {"task.yaml": "settings: {}\n", "schedule.yaml": _SCHEDULE}
    world.put_task(project, "Pinterest storage", {"type": "STORAGE", "files": stored, "prepared": True})
