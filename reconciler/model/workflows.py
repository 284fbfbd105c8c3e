"""Workflow projects, as a person writes them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.model.spec import ActivationName, FolderTexts, ImportName, KeyedBy, OneLine, QueryName, SecretText, Spec
from reconciler.model.timing import NamedTiming


class WorkflowTask(Spec):
    """One step of a workflow: the run of something that these manifests declare."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$")]
    """Name of the task in the workflow."""
    query: QueryName | None = None
    """Name of a Query document to run."""
    activation: ActivationName | None = None
    """Name of an Activation document to run."""
    import_: Annotated[ImportName | None, Field(alias="import")] = None
    """Name of an Import document to run."""

    @model_validator(mode="after")
    def _runs_one(self) -> Self:
        if sum(one is not None for one in (self.query, self.activation, self.import_)) != 1:
            message = "needs exactly one of `query`, `activation`, `import`"
            raise ValueError(message)
        return self


class WorkflowSpec(Spec):
    """A workflow project: files that are pushed as they are, or tasks that run what is declared here, one after the other."""

    name: OneLine | None = None
    """Name of the project in Treasure Workflow; the document's name when left out."""
    directory: Annotated[str, FolderTexts(into="files")] | None = None
    """Folder of the project, relative to tdr.yaml, with `.dig` files and what they name."""
    files: dict[str, str] | None = None
    """The files themselves, path -> text; or name a `directory`."""
    tasks: Annotated[tuple[WorkflowTask, ...], KeyedBy("name")] | None = None
    """What to run, in order, instead of files."""
    schedule: NamedTiming = None
    """When `tasks` run; files say that themselves."""
    enabled: bool | None = None
    """Whether its schedules start anything; left out, that stays as it is."""
    secrets: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,254}$")], SecretText] | None = None
    """Secrets of the project, all of them; left out, they stay as they are."""

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if (self.tasks is None) == (self.directory is None and self.files is None):
            message = "needs either `directory`, or `files`, or `tasks`"
            raise ValueError(message)
        if self.schedule is not None and self.tasks is None:
            message = "`schedule` goes with `tasks`; files say when they run themselves"
            raise ValueError(message)
        return self
