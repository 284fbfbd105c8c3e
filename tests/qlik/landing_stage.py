"""A project that keeps a connection and a landing task in a tenant of Qlik Cloud, in which a person has made the task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tenant_stage import TenantStage, tenant_stage

from reconciler.emulators.qlik.sandbox import QlikSandbox
from reconciler.emulators.qlik.world import Task

FILE = "manifests/landing.yaml"
ADDRESS = "qliktask/landing"
DOCUMENT = """\
apiVersion: tdr/v1
kind: QlikTask
metadata: {name: landing}
lifecycle: {adopt: always}
spec:
  project: Ads
  name: Ads landing
  type: landing
  connection: pinterest-ads
  method: cdc
  tables: [campaigns, ads]
  settings: {tableLoadInParallel: 7, landingAppRuntime.sourceCdcFetchIntervalMinutes: 60}
  enabled: true
"""
TASK = "settings:\n  fullLoadOnly: false\n  landingDwSettings: {schema: LANDING}\n"
TABLES = """\
sourceConnection: '{{sourceConnection}}'
explicitlySelected:
- {name: campaigns, schema: pinterest, type: TABLE}
- {name: keywords, schema: pinterest, type: TABLE}
"""


@dataclass
class Landing:
    """The project in the folder, and the task in the tenant."""

    tenant: TenantStage
    project: str
    task: str

    @property
    def there(self) -> Task:
        """The task as it is."""
        return self.tenant.qlik.tenant.world.projects[self.project].tasks[self.task]

    def document(self, name: str = "task.yaml") -> dict[str, Any]:
        """A file of the task as it is."""
        read: dict[str, Any] = yaml.safe_load(self.there.files[name])
        return read

    @property
    def run_state(self) -> str:
        """What became of its last run."""
        return self.there.run.state if self.there.run else ""

    @property
    def at(self) -> str:
        """Where people reach it."""
        return f"/projects/{self.project}/tasks/{self.task}"


def landing_in(folder: Path, qlik: QlikSandbox) -> Landing:
    """A prepared task, whose document wants something else; nothing is applied."""
    tenant = tenant_stage(folder, qlik)
    project = tenant.control("POST", "/projects", {"name": "Ads"})["id"]
    told = {
        "name": "Ads landing",
        "prepared": True,
        "files": {"task.yaml": TASK, "sourceSelection.yaml": TABLES},
    }
    task = tenant.control("POST", f"/projects/{project}/tasks", told)["id"]
    tenant.stage.write(FILE, DOCUMENT)
    return Landing(tenant, project, task)
