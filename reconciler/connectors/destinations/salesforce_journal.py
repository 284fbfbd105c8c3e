"""The journal of one export to Salesforce: what is to be sent, what was asked of Salesforce, and what came of it.

A document beside the rows of the run, replaced before anything leaves that a second try must know of. It holds numbers of rows,
ids of jobs and codes, and no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.dataplane.durable import read_document, write_document
from reconciler.errors import Permanent, StateError
from reconciler.model.json import Json
from reconciler.ports.exports import ExportReport

Api = Literal["bulk2", "bulk1", "bulk1-serial"]
"""Which of Salesforce's APIs a round goes through. `bulk1-serial`: it works on one batch at a time."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", validate_assignment=False)


class PartState(StrEnum):
    """How far a part is. SENDING: its rows may have arrived, and perhaps nobody heard of it."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DONE = "done"


class Part(_Entry):
    """Rows that travel together: those numbered *first* to *last* in the file of their round.

    job: of Bulk API 2.0, of this part alone. batch: of Bulk API 1.0, in the job of the round.
    codes: code -> rows, of those that were not taken, whether they are sent again or not.
    """

    first: int
    last: int
    rows: int
    state: PartState = PartState.WAITING
    job: str = ""
    batch: str = ""
    codes: dict[str, int] = Field(default_factory=dict)


class Round(_Entry):
    """One sending of rows; a later one sends again what may be sent again. *job* is that of Bulk API 1.0, for all parts."""

    api: Api
    parts: list[Part]
    job: str = ""


class Stage(_Entry):
    """One kind of change, in rounds. *columns* are those that are sent; *key* tells records apart, or is "".

    refused: code -> rows that Salesforce did not take in the end; complete once the stage is over.
    """

    name: str
    operation: str
    columns: list[str]
    key: str = ""
    rounds: list[Round] = Field(default_factory=list)
    is_over: bool = False
    refused: dict[str, int] = Field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the first round, which are all."""
        return sum(part.rows for part in self.rounds[0].parts) if self.rounds else 0

    @property
    def done(self) -> int:
        """Rows of the first round that Salesforce has answered for."""
        parts = self.rounds[0].parts if self.rounds else []
        return sum(part.rows for part in parts if part.state is PartState.DONE)


class Again(_Entry):
    """Rows that were refused and are kept: how they were sent, which is how a retry sends them."""

    operation: str
    columns: list[str]
    key: str
    rows: int


class _Ended(_Entry):
    message: str
    hint: str = ""


class _Document(_Entry):
    rows: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    stages: list[Stage] = Field(default_factory=list)
    target: str = ""
    purpose: str = ""
    columns: list[str] = Field(default_factory=list)
    retries: Again | None = None
    kept: Again | None = None
    report: dict[str, Any] | None = None
    ended: _Ended | None = None


class Journal:
    """The journal in *folder*, as it is there; begun when there is none.

    Raises:
        StateError: what is there is none, so that nobody knows what was sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "run.json"
        told = read_document(path)
        self.is_known = told is not None
        try:
            self._document = _Document.model_validate(told or {})
        except ValidationError:  # which quotes what is there
            hint = f"restore {path} from a backup, or move it away"
            raise StateError(f"`{path.name}` is no journal of an export", hint=hint) from None

    @property
    def rows(self) -> int:
        """Rows of the query."""
        return self._document.rows

    @property
    def target(self) -> str:
        """Org and object that the run writes to."""
        return self._document.target

    @property
    def rejected(self) -> dict[str, int]:
        """Reason -> rows that were never sent."""
        return self._document.rejected

    @property
    def is_open(self) -> bool:
        """Whether the run was begun and is not over."""
        return self.is_known and self._document.report is None and self._document.ended is None

    @property
    def columns(self) -> list[str]:
        """Columns of the query."""
        return self._document.columns

    @property
    def retries(self) -> Again | None:
        """What this run sends once more; None for a run of its own."""
        return self._document.retries

    @property
    def kept(self) -> Again | None:
        """What stands in `kept_file`: rows that were refused in the end; None when there are none."""
        return self._document.kept

    @property
    def kept_file(self) -> Path:
        """The rows that `kept` is about, readable by their owner only."""
        return self.folder / "refused.parquet"

    @property
    def purpose(self) -> str:
        """What tells runs of one activation from those of another to the same object, as far as anything here does."""
        return self._document.purpose

    def begin(self, target: str, write: str, rows: int, rejected: Mapping[str, int], columns: Sequence[str]) -> None:
        """Write that a run begins whose rows are staged. write: what rows do, and by which key."""
        purpose = f"{write}: {', '.join(columns)}"
        self._document = _Document(
            target=target, purpose=purpose, rows=rows, rejected=dict(rejected), columns=list(columns)
        )
        self.keep()

    def begin_again(self, former: Journal, rows: Again) -> None:
        """Write that a run begins which sends *rows* of a *former* one once more; they are staged."""
        self._document = _Document(
            target=former.target, purpose=former.purpose, rows=rows.rows, columns=rows.columns, retries=rows
        )
        self.keep()

    def hold(self, rows: Again) -> None:
        """Say that *rows* stand in `kept_file` and outlive the run; written with its end."""
        self._document.kept = rows

    def let_go(self) -> None:
        """Take away the rows that were kept."""
        self._document.kept = None
        self.keep()
        self.kept_file.unlink(missing_ok=True)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name, when it was begun."""
        return next((one for one in self._document.stages if one.name == name), None)

    def add_stage(self, stage: Stage, rejected: Mapping[str, int] | None = None) -> Stage:
        """Write that *stage* begins; *rejected*: reason -> rows that turned out not to be sendable on the way to it."""
        self._document.rejected.update(rejected or {})
        self._document.stages.append(stage)
        self.keep()
        return stage

    @property
    def stages(self) -> list[Stage]:
        """Those that were begun."""
        return self._document.stages

    @property
    def asked_anything(self) -> bool:
        """Whether a part's rows may have reached Salesforce."""
        parts = (part for stage in self.stages for one in stage.rounds for part in one.parts)
        return any(part.state is not PartState.WAITING for part in parts)

    def keep(self) -> None:
        """Write it; durable when it returns."""
        write_document(self.folder / "run.json", cast("dict[str, Json]", self._document.model_dump(mode="json")))
        self.is_known = True

    @property
    def finished(self) -> ExportReport | None:
        """What came of the run; None while it is not over.

        Raises:
            Permanent: it ended with this; what was taken by then is not sent a second time.
        """
        if self._document.ended is not None:
            raise Permanent(self._document.ended.message, hint=self._document.ended.hint)
        return ExportReport(**self._document.report) if self._document.report is not None else None

    def finish(self, report: ExportReport) -> None:
        """Keep the counts, so that the same job never sends twice."""
        counts = {
            "rows": report.rows,
            "rejected": dict(report.rejected),
            "sent": report.sent,
            "removed": report.removed,
            "requests": report.requests,
        }
        self._end(_Document(report=counts))

    def end_with(self, error: Permanent) -> None:
        """Keep *error*: the same job must not do again what it did."""
        self._end(_Document(ended=_Ended(message=error.message, hint=error.hint)))

    def _end(self, document: _Document) -> None:
        document.target, document.purpose = self._document.target, self._document.purpose
        document.kept = self._document.kept
        self._document = document
        self.keep()
        lasting = {"run.json", *([self.kept_file.name] if document.kept else [])}
        for path in self.folder.iterdir():
            if path.name not in lasting:
                path.unlink()
