"""Chooses an environment and reads it: only the chosen one needs its variables and secrets."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from reconciler.diagnostics import did_you_mean
from reconciler.errors import UsageError
from reconciler.manifest.findings import Findings
from reconciler.manifest.interpolation import Resolved, Unresolved, Values, resolve
from reconciler.manifest.mistakes import mistakes
from reconciler.manifest.overlays import KEY as OVERLAYS
from reconciler.manifest.overlays import Overlays
from reconciler.manifest.project import Project
from reconciler.manifest.secrets import SecretNames, SecretSource
from reconciler.model.environment import EnvironmentSpec

BUILT_IN = "local"
NOTIFICATIONS = "notifications"
"""Of these only what is sent needs its secrets, and when it is sent."""


def choose(project: Project, name: str | None) -> str:
    """The environment to work in: *name*, or the only one there is; `local` is built in until one is declared.

    Raises:
        UsageError: there is no such environment, or there are several and none is named.
    """
    declared = project.environments or (BUILT_IN,)
    listed = ", ".join(declared)
    if name is None:
        if len(declared) > 1:
            raise UsageError(f"several environments are declared: {listed}", hint=f"choose one: --env {declared[0]}")
        return declared[0]
    if name not in declared:
        hint = did_you_mean(name, declared) or f"declared: {listed}"
        raise UsageError(f"no environment `{name}` is declared", hint=hint)
    return name


def overlays_of(project: Project, name: str, spec: EnvironmentSpec | None, findings: Findings) -> Overlays:
    """What the environment *name* lays over documents; nothing where something is wrong with it (*spec* is None)."""
    written = project.written.get(name)
    if spec is None or written is None or not isinstance(written.tree, dict):
        return Overlays(findings)
    entries = written.tree.get(OVERLAYS)
    path = f"{written.path}/{OVERLAYS}"
    return Overlays(findings, entries if isinstance(entries, dict) else {}, written.place, path)


def read_environment(
    project: Project,
    name: str,
    findings: Findings,
    *,
    variables: Mapping[str, str],
    environ: Mapping[str, str],
    secret: SecretSource,
) -> EnvironmentSpec | None:
    """The environment *name*; None when something is wrong with it, which *findings* then tells.

    *variables* come from the command line and win over the environment's own, which its other fields may use.
    """
    written = project.written.get(name)
    if written is None:
        return EnvironmentSpec(variables=dict(variables))
    failed: set[str] = set()

    def report(unresolved: Unresolved) -> None:
        failed.add(unresolved.path)
        field = unresolved.path.lstrip("/").replace("/", ".")
        message = f"`{field}`: {unresolved.message}"
        findings.add(unresolved.rule, message, written.place, written.path + unresolved.path, hint=unresolved.hint)

    tree = written.tree
    if isinstance(tree, dict):
        own: Resolved = resolve(tree.get("variables", {}), Values(variables, environ, secret), report, "/variables")
        texts = {key: value for key, value in own.items() if isinstance(value, str)} if isinstance(own, dict) else {}
        # What is laid over documents is resolved with them, so that only what is used needs its secrets.
        apart = {"variables": own} | {key: value for key, value in tree.items() if key == OVERLAYS}
        told = {key: value for key, value in tree.items() if key == NOTIFICATIONS}
        others = {key: value for key, value in tree.items() if key not in {"variables", OVERLAYS, NOTIFICATIONS}}
        known = {**texts, **variables}
        resolved = resolve(others, Values(known, environ, secret), report)
        named = resolve(told, Values(known, environ, SecretNames(project.spec.secret_commands)), report)
        apart |= named if isinstance(named, dict) else {}
        tree_resolved: object = {**resolved, **apart} if isinstance(resolved, dict) else resolved
    else:
        tree_resolved = tree
    try:
        spec = EnvironmentSpec.model_validate(tree_resolved)
    except ValidationError as error:
        for mistake in mistakes(error, EnvironmentSpec, tree, is_secretive=True):
            if mistake.path not in failed:
                where = written.path + mistake.path
                findings.add(
                    mistake.rule, mistake.message, written.place, where, hint=mistake.hint, at_key=mistake.at_key
                )
        return None
    return None if failed else spec.model_copy(update={"variables": {**spec.variables, **variables}})
