"""Loads a project: all files, all documents, all mistakes in one pass."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from reconciler.diagnostics import Severity, sorted_by_place
from reconciler.errors import ManifestError
from reconciler.manifest import settled
from reconciler.manifest.cache import TreeCache
from reconciler.manifest.environment import choose, overlays_of, read_environment
from reconciler.manifest.findings import Findings
from reconciler.manifest.interpolation import Values
from reconciler.manifest.loaded import Loaded
from reconciler.manifest.project import Project
from reconciler.manifest.queries import MOST_AT_ONCE, QueryCheck
from reconciler.manifest.reading import Reading
from reconciler.manifest.secrets import SecretNames, SecretValues
from reconciler.manifest.source_specs import check_source_specs
from reconciler.model.environment import EMBEDDED


def load(
    project: Project,
    environment: str | None,
    *,
    cache_dir: Path | None,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    resolve_secrets: bool,
    may_be_empty: bool = False,
    parse_all: bool = False,
    sets_aside: bool = False,
) -> Loaded:
    """Read everything that *project* declares, as *environment* sees it (None: the only one there is).

    cache_dir: folder for parsed trees, or None to parse every time.
    variables: from the command line; they win over those of the environment.
    environ: environment variables, for ``${env:…}`` and secrets.
    resolve_secrets: whether values of secrets are looked up; without, a secret is known by its reference only.
    may_be_empty: whether a project that declares nothing yet is no mistake, as before its first import.
    parse_all: whether every query is parsed, however many are new; else none of more than `queries.MOST_AT_ONCE` new ones.
    sets_aside: whether documents that the last plan found settled are left out, see `Loaded.aside`.

    Raises:
        UsageError: the environment does not exist, or is not named although there are several.
        ManifestError: with all errors of the pass, and its notices.
    """
    name = choose(project, environment)
    commands = project.spec.secret_commands
    secret = SecretValues(project.root, commands, environ) if resolve_secrets else SecretNames(commands)
    known = settled.read(cache_dir, name) if sets_aside else settled.NOTHING
    with collection_paused():
        findings = Findings()
        spec = read_environment(project, name, findings, variables=variables, environ=environ, secret=secret)
        values = Values(spec.variables if spec else variables, environ, secret)
        overlays = overlays_of(project, name, spec, findings)
        reading = Reading(project, spec, values, findings, name, known.documents, overlays)
        reading.read(TreeCache(cache_dir), may_be_empty=may_be_empty)
        resources = reading.resources()
        is_run_here = spec is not None and spec.treasure_data.endpoint == EMBEDDED
        severity = Severity.ERROR if is_run_here else Severity.WARNING
        most = None if parse_all else MOST_AT_ONCE
        check = QueryCheck(findings, cache_dir, severity, most, forgets=not reading.aside)
        check.check(resources, reading.places())
        check_source_specs(resources, reading.places(), findings)
        transitions = reading.transitions()
    if findings.has_errors and reading.aside:
        # Everything that is to be told beside the errors comes from a pass over everything.
        return load(
            project,
            environment,
            cache_dir=cache_dir,
            variables=variables,
            environ=environ,
            resolve_secrets=resolve_secrets,
            may_be_empty=may_be_empty,
            parse_all=parse_all,
        )
    if spec is None or findings.has_errors:
        raise ManifestError(sorted_by_place(findings.diagnostics))
    notices = tuple(sorted_by_place(findings.diagnostics))
    return Loaded(
        MappingProxyType(resources),
        spec,
        name,
        notices,
        MappingProxyType(reading.places()),
        transitions,
        settled=known,
        aside=frozenset(reading.aside),
        digests=reading.digests,
    )


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the collector away where all that is made stays: walking it over and over takes longer than making it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            # Moves all there is to the oldest generation without a walk; else the next allocation walks it all at once.
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()
