"""How each resource stands: what is declared, what was found of it, and what its runs say, put together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.commands import drift, graph, history, status
from reconciler.errors import StateError
from reconciler.logs import logger

if TYPE_CHECKING:
    from reconciler.wiring import Runtime
    from reconciler.wiring.left_out import LeftOut

Document = Mapping[str, Any]

WORST_FIRST: Final = (
    "missing", "failing", "drifted", "unknown", "not applied", "not declared", "converging", "in sync",
)  # fmt: skip
_VERDICTS: Final = {"in_sync": "in sync"}
_EXPORTING: Final = ("activation/", "query/")
_LISTED: Final = 50
_COMING: Final = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """One resource. *how* is one of `WORST_FIRST`; *status*, *drift*: its part of these documents, where it has one.

    left_out: rows of its newest run that did not arrive; None where nobody knows of any.
    """

    address: str
    source: str
    how: str
    findings: Sequence[Document]
    status: Document | None = None
    drift: Document | None = None
    left_out: LeftOut | None = None

    @property
    def kind(self) -> str:
        """The first part of the address."""
        return self.address.partition("/")[0]

    @property
    def last_run(self) -> Document | None:
        """The newest run, as far as its vendor tells."""
        runs = self.status["runs"] if self.status else ()
        return runs[0] if runs else None

    @property
    def next_run(self) -> str:
        """When it runs next by itself, RFC 3339; "" when it does not."""
        schedule = self.status["schedule"] if self.status else None
        return str(schedule["next"][0]) if schedule and schedule["next"] else ""

    @property
    def is_incomplete(self) -> bool:
        """Whether rows of its newest run are known not to have arrived. A run that is still under way has not broken off."""
        left = self.left_out
        if left is None:
            return False
        return bool(left.rows or left.waiting) or self.has_broken_off

    @property
    def has_broken_off(self) -> bool:
        """Whether its newest run ended before its rows did, so that `tdr retry` goes on with it."""
        last = self.last_run
        is_over = last is not None and last["status"] not in {"queued", "running"}
        return is_over and self.left_out is not None and self.left_out.is_broken_off

    @property
    def size(self) -> int | None:
        """Members of an audience, as its vendor tells."""
        size = self.status["size"] if self.status else None
        return size if isinstance(size, int) else None


@dataclass(frozen=True, slots=True)
class Standings:
    """All of a project. *history*, *graph*, *drift*: these documents."""

    environment: str
    project: str
    all: Sequence[Standing]
    history: Document
    graph: Document
    drift: Document
    unread: Sequence[str] = field(default=())
    cron_dialect: str = "documented"

    @property
    def counts(self) -> dict[str, int]:
        """How many stand how, the worst first."""
        counts = Counter(one.how for one in self.all)
        return {how: counts[how] for how in WORST_FIRST if counts[how]}

    def of(self, address: str) -> Standing | None:
        """The one called so."""
        return next((one for one in self.all if one.address == address), None)

    def coming(self) -> list[Standing]:
        """Those that run next."""
        return sorted((one for one in self.all if one.next_run), key=lambda one: (one.next_run, one.address))[:_COMING]

    def with_rows_left_out(self) -> list[Standing]:
        """Those whose newest run left rows out, or broke off with some under way."""
        return [one for one in self.all if one.left_out is not None and one.is_incomplete]

    @property
    def waiting(self) -> int:
        """Rows of all of them that `tdr retry` would send once more."""
        return sum(one.left_out.waiting for one in self.all if one.left_out is not None)

    def worst(self) -> list[Standing]:
        """Those that somebody should look at."""
        return [one for one in self.all if one.how in WORST_FIRST[:4] or one.findings]


def standings(runtime: Runtime) -> Standings:
    """Ask everybody, and put together what they said.

    Raises:
        TdrError: the manifests are invalid, the state cannot be read, or a wrong account answers.
    """
    drifted: Document = drift.drift(runtime).document
    told: Document = status.status(runtime).document
    by_drift = {str(one["address"]): one for one in drifted["resources"]}
    by_status = {str(one["address"]): one for one in told["resources"]}
    findings: defaultdict[str, list[Document]] = defaultdict(list)
    for finding in told["findings"]:
        findings[str(finding["address"])].append(finding)
    sources = {str(address): source for address, source in runtime.loaded.sources.items()}
    declared = {str(address) for address in runtime.world.resources}
    everything = [
        Standing(
            address=address,
            source=sources.get(address, ""),
            how=_how(address in declared, by_drift.get(address), by_status.get(address), findings[address]),
            findings=findings[address],
            status=by_status.get(address),
            drift=by_drift.get(address),
            left_out=_left_out(runtime, address, by_status.get(address)),
        )
        for address in sorted(declared | by_drift.keys())
    ]
    return Standings(
        environment=runtime.environment_name,
        project=runtime.project.spec.project,
        all=sorted(everything, key=lambda one: (WORST_FIRST.index(one.how), one.address)),
        history=history.history(runtime, _LISTED).document,
        graph=graph.graph(runtime).document,
        drift=drifted,
        unread=list(told["unread"]),
        cron_dialect=runtime.world.environment.cron_dialect,
    )


def _left_out(runtime: Runtime, address: str, status: Document | None) -> LeftOut | None:
    runs = status["runs"] if status else ()
    if runtime.embedded is None or not runs or not address.startswith(_EXPORTING):
        return None
    try:
        return runtime.embedded.left_out(str(runs[0]["job_id"]))
    except (OSError, ValueError, StateError) as error:
        # Files that are written while they are read, or damaged: nothing else of the page depends on them.
        logger("reconciler.web").warning("rows_left_out_not_read", address=address, why=type(error).__name__)
        return None


def _how(is_declared: bool, drift: Document | None, status: Document | None, findings: Sequence[Document]) -> str:  # noqa: FBT001 - one of four facts
    if drift is None:
        return "not applied"
    verdict = str(drift["verdict"])
    if verdict == "missing":
        return "missing"
    if any(finding["rule"] != "missing" for finding in findings):
        return "failing"
    if verdict != "in_sync":
        return _VERDICTS.get(verdict, verdict)
    if status is not None and status["error"]:
        return "unknown"
    return "in sync" if is_declared else "not declared"
