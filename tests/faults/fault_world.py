"""Both vendors with faults, and projects that talk to them, each with names of its own."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_scenes import NOTHING, Call, Scene, counted
from stage import PLANTED, Stage, environment, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.sandbox import Sandbox

SERVICE = Path(__file__).parent / "faulty_service.py"


@dataclass
class FaultWorld:
    """A Pinterest and a Treasure Data that every project of the matrix shares."""

    folder: Path
    sandbox: Sandbox
    service: RemoteControl
    base: Stage
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def project(self, scene: Scene) -> Project:
        """A new project, as the scene has it before the fault."""
        name = f"{next(self.numbers):04}"
        folder = self.folder / f"shop-{name}"
        folder.mkdir()
        stage = Stage(folder, self.sandbox, environment(folder, self.sandbox))
        stage.environ["PINTEREST_OTHER_SECRET"] = stage.environ["PINTEREST_CLIENT_SECRET"] + "2"
        for path in ("tdr.yaml", "manifests/environments/local.yaml"):
            stage.write(path, (self.base.folder / path).read_text(encoding="utf-8"))
        note = stage.state / "service" / "serve.json"
        note.parent.mkdir(parents=True)
        shutil.copy(self.base.state / "service" / "serve.json", note)
        project = Project(self, scene, stage, name)
        project.declare(scene.before)
        if scene.before:
            stage.tdr("apply", "--yes", "--no-settle")
        if scene.others is not None:
            with stage.somebody() as td:
                scene.others(td, name)
        project.declare(scene.after)
        return project

    def arm(self, call: Call, fault: Mapping[str, Any]) -> None:
        """Let *fault* strike at *call* from now on."""
        body = {"method": call.method, "path": call.path, **fault}
        (self.sandbox.control if call.vendor == "pinterest" else self.service).call(
            "POST", "/faults" if call.vendor == "pinterest" else "", body
        )

    def calm(self) -> int:
        """Disarm everything; returns how many calls were struck."""
        armed: list[dict[str, Any]] = self.sandbox.control.call("GET", "/faults")["faults"]
        self.sandbox.control.clear_faults()
        return int(self.service.call("DELETE", "")["struck"]) + sum(int(one["struck"]) for one in armed)


@dataclass
class Project:
    """One project of the matrix."""

    world: FaultWorld
    scene: Scene
    stage: Stage
    name: str

    def declare(self, manifests: str) -> None:
        """Make these the only manifests."""
        self.stage.write("manifests/all.yaml", (manifests or NOTHING).replace("XX", self.name))

    def addresses(self) -> set[str]:
        """What its manifests declare or declared."""
        texts = (self.scene.before + "---\n" + self.scene.after).replace("XX", self.name)
        found = re.findall(r"kind: (\w+)\nmetadata: \{name: ([\w-]+)\}", texts)
        return {f"{kind.lower()}/{name}" for kind, name in found}

    def left(self) -> dict[str, int]:
        """How many of each object of the scene are there."""
        with self.stage.somebody() as td:
            there = counted(td, self.world.sandbox.control, self.name)
        return {what: there[what] for what in self.scene.left}


@contextmanager
def opened(folder: Path) -> Iterator[FaultWorld]:
    """Start both vendors; the service has a table of customers."""
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        base = stage_in(folder / "base", sandbox)
        base.tdr("apply", "--yes", "--target", "import/customers")
        base.tdr("run", "import/customers")
        process = subprocess.Popen(
            [sys.executable, str(SERVICE), sandbox.base_url],
            cwd=base.folder,
            env=base.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            assert process.stdin is not None
            port = int(process.stdout.readline())
            yield FaultWorld(folder, sandbox, RemoteControl(f"http://127.0.0.1:{port}/_faults"), base)
            process.stdin.close()
