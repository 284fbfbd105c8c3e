"""`tdr init --ci`: the pipeline of a project, for the host that its repository is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reconciler import __version__
from reconciler.errors import UsageError
from reconciler.model.address import NAME

TEMPLATES = Path(__file__).parent / "pipeline_templates"


class Forge(StrEnum):
    """Where repositories live and pipelines run."""

    GITHUB = "github"
    GITLAB = "gitlab"


FILES: Mapping[Forge, str] = {Forge.GITHUB: ".github/workflows/tdr.yml", Forge.GITLAB: ".gitlab-ci.yml"}
"""Where each looks for pipelines, from the root of a repository."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What plans, applies and looks for drift in *environment*.

    Raises:
        UsageError: *environment* is no name.
    """

    forge: Forge
    environment: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.environment):
            raise UsageError(f"{self.environment!r} is no name of an environment", hint="such as --env prod")

    @property
    def file(self) -> str:
        """Its path in the repository."""
        return FILES[self.forge]

    def text(self) -> str:
        """The file, which installs this version of tdr."""
        text = (TEMPLATES / f"{self.forge}.yml").read_text(encoding="utf-8")
        return text.replace("ENVIRONMENT", self.environment).replace("VERSION", __version__)


def remarks(pipeline: Pipeline, folder: Path) -> list[str]:
    """What is left to do before *pipeline*, of the project in *folder*, can run."""
    folder = folder.resolve()
    left = []
    written = folder / "manifests" / "environments" / f"{pipeline.environment}.yaml"
    if not written.exists():
        left.append(
            f"say in manifests/environments/{pipeline.environment}.yaml where {pipeline.environment} is: its account, and a"
            " state that all runs share"
        )
    repository = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
    if repository != folder:
        left.append(
            f"move {pipeline.file} to {repository}, where {pipeline.forge} looks for it, and let its commands run in"
            f" {folder.relative_to(repository)}"
        )
    left.append(f"read the first lines of {pipeline.file}: they name the secrets it needs")
    return left
