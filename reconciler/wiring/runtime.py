"""One project in one environment, ready to be asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import logs, spans
from reconciler.diagnostics import Diagnostic
from reconciler.engine.world import World
from reconciler.manifest import Loaded, Project, find_project, load
from reconciler.model.address import Address
from reconciler.model.environment import EMBEDDED
from reconciler.model.run_id import new_run_id
from reconciler.phases import phase
from reconciler.ports.clock import Clock
from reconciler.ports.store import StateStore
from reconciler.wiring.clock import clock_of
from reconciler.wiring.keys import LazyKey
from reconciler.wiring.probing import Kept, recorded
from reconciler.wiring.state import StateOnNeed
from reconciler.wiring.tokens import TokensOnNeed
from reconciler.wiring.vendors import providers

if TYPE_CHECKING:
    from reconciler.wiring.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a command needs. Closed by `open_runtime`.

    state_folder: of this environment, such as ``state/local``.
    embedded: the service on this machine, or None where Treasure Data itself answers.
    probed: what an account was found to do.
    tokens: where those are kept that rotate.
    run_id: what this call is named by; see `model.run_id`.
    """

    project: Project
    environment_name: str
    state_folder: Path
    loaded: Loaded
    world: World
    state: StateOnNeed
    clock: Clock
    embedded: Embedded | None
    probed: Kept
    tokens: TokensOnNeed
    run_id: str

    @property
    def store(self) -> StateStore:
        """The memory of this environment; opened on first need, and then `StateOnNeed.open` may raise."""
        return self.state.open()

    def placed(self, address: Address, diagnostic: Diagnostic) -> Diagnostic:
        """*diagnostic* with the place in the manifests that it is about."""
        if diagnostic.position is not None:
            return diagnostic
        # A finding about something shared, such as a named schedule, says so itself.
        subject = Address.parse(diagnostic.subject) if diagnostic.subject else address
        if subject not in self.world.resources:
            return diagnostic
        position = self.loaded.locate(subject, diagnostic.path)
        frame = diagnostic.frame or self.loaded.frame(subject, position)
        return replace(diagnostic, subject=str(subject), position=position, frame=frame)


@contextmanager
def open_runtime(
    *,
    start: Path,
    environment: str | None,
    variables: Mapping[str, str],
    resolve_secrets: bool,
    clock: Clock | None = None,
    may_be_empty: bool = False,
    parse_all: bool = False,
    sets_aside: bool = False,
    run_id: str = "",
) -> Iterator[Runtime]:
    """Find the project around *start* and build everything for one of its environments.

    resolve_secrets: False where no vendor is asked, so that nobody needs credentials to validate.
    may_be_empty: whether a project may declare nothing yet.
    parse_all: whether every query is parsed; see `manifest.load`.
    sets_aside: whether what the last plan found settled is left out; see `manifest.load`.
    run_id: "" where nobody gave the call a name yet.

    Raises:
        UsageError: there is no project, or more than one environment and none chosen.
        ManifestError: the manifests are invalid.
    """
    logs.guard_libraries()
    clock = clock or clock_of(os.environ)
    project = find_project(start)
    states = project.root / project.spec.state
    with phase("load", "reading manifests"):
        loaded = load(
            project,
            environment,
            cache_dir=states / ".cache",
            variables=variables,
            environ=os.environ,
            resolve_secrets=resolve_secrets,
            may_be_empty=may_be_empty,
            parse_all=parse_all,
            sets_aside=sets_aside,
        )
    spans.tell({"tdr.project": project.spec.project, "tdr.environment": loaded.environment_name})
    probed = recorded(project, loaded.environment_name)
    if probed.damage is not None:
        loaded = replace(loaded, notices=(*loaded.notices, probed.damage))
    folder = states / loaded.environment_name
    key = LazyKey(os.environ)
    owner = f"{project.spec.project}/{loaded.environment_name}"
    tokens = TokensOnNeed(folder / "tokens", owner, project.spec.tokens, key, clock, os.environ)
    with ExitStack() as closing:
        embedded = None
        if loaded.environment.treasure_data.endpoint == EMBEDDED:
            from reconciler.wiring.embedded import Embedded  # noqa: PLC0415 - only where no account answers

            embedded = Embedded(folder, project.root, loaded.environment, key, tokens, clock, os.environ)
            closing.callback(embedded.close)
        world = World(
            environment_name=loaded.environment_name,
            environment=loaded.environment,
            resources=loaded.resources,
            providers=providers(
                loaded,
                tokens,
                clock,
                embedded,
                closing,
                project.spec.project,
                probed.record,
            ),
            fingerprint=key.fingerprint,
            clock=clock,
            # Of a part nobody can make a digest of the whole; a plan of it is neither saved nor shown as a document.
            config_digest=loaded.config_digest(key.fingerprint) if resolve_secrets and not loaded.aside else "",
            sources=loaded.sources,
            transitions=loaded.transitions,
            owner=owner,
            settled=loaded.aside,
        )
        place = loaded.environment.state
        history = loaded.environment.history.over(project.spec.history)
        state = StateOnNeed(project, loaded.environment_name, place, history, folder, clock, os.environ, closing)
        yield Runtime(
            project=project,
            environment_name=loaded.environment_name,
            state_folder=folder,
            loaded=loaded,
            world=world,
            state=state,
            clock=clock,
            embedded=embedded,
            probed=probed,
            tokens=tokens,
            run_id=run_id or new_run_id(),
        )
