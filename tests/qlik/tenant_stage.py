"""A project that keeps a connection in a tenant of Qlik Cloud, the tenant beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stage import Said, Stage, environment

from reconciler.emulators.qlik.sandbox import QlikSandbox

APP_SECRET = "FAKE+pinterest/app-secret=="
KEY = "FAKE-qlik-key-of-the-tests"
MANIFESTS = {
    "tdr.yaml": "apiVersion: tdr/v1\nproject: ads\n",
    "manifests/environments/local.yaml": """\
qlik: {tenant: "${var:tenant}", api_key: "${secret:env:QLIK_API_KEY}"}
""",
    "manifests/pinterest.yaml": """\
apiVersion: tdr/v1
kind: QlikConnection
metadata: {name: pinterest-ads}
spec:
  client_id: "1500001"
  client_secret: ${secret:env:PINTEREST_APP_SECRET}
  start_time: 2026-01-01
  space: Marketing
  name: Pinterest ads
""",
}
FILE = "manifests/pinterest.yaml"
ADDRESS = "qlikconnection/pinterest-ads"


@dataclass
class TenantStage:
    """The project and its tenant."""

    stage: Stage
    qlik: QlikSandbox

    def tdr(self, *arguments: str, expect: int | None = 0, **environ: str) -> Said:
        """Run a command line."""
        return self.stage.tdr(*arguments, expect=expect, **environ)

    def control(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What people and time do in the tenant."""
        return self.qlik.control.call(method, path, body)

    def connections(self) -> list[dict[str, Any]]:
        """All that are there."""
        told: list[dict[str, Any]] = self.control("GET", "/connections")["connections"]
        return told

    def the_connection(self) -> dict[str, Any]:
        """The only one."""
        (only,) = self.connections()
        return only

    def consent_in_the_console(self) -> None:
        """A person authenticates the only connection in Qlik's console."""
        self.control("POST", f"/connections/{self.the_connection()['id']}/authorise")

    def code_of(self, said: str) -> str:
        """A person opens the page that *said* tells of, and is shown a code."""
        page = said.partition("/oauth-page/")[2].partition("?")[0]
        return str(self.control("POST", f"/authorisations/{page}/approve")["code"])

    def writes(self) -> list[tuple[str, str]]:
        """Calls that change something, but for the question where a person consents, which makes nothing."""
        return [
            (one["method"], one["path"]) for one in self.qlik.control.traffic() if one["method"] not in {"GET", "POST"}
        ]


def tenant_stage(folder: Path, qlik: QlikSandbox) -> TenantStage:
    """A new project; nothing of it is applied, and the tenant has its space only."""
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.environ |= {"TDR_VAR_tenant": qlik.base_url, "QLIK_API_KEY": KEY, "PINTEREST_APP_SECRET": APP_SECRET}
    for path, text in MANIFESTS.items():
        stage.write(path, text)
    made = TenantStage(stage, qlik)
    made.control("POST", "/spaces", {"name": "Marketing"})
    return made
