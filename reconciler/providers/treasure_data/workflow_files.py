"""The files of a workflow project: those that a document has, or those made of the tasks that it lists. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping

import orjson

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.kinds import ActivationSpec
from reconciler.model.resource import Resource
from reconciler.model.workflows import WorkflowSpec, WorkflowTask
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.names import name_of, not_ours, timing
from reconciler.workflow import archive, dig

_NOT_TEXT = "(no text, SHA-256 "


def spec_of(resource: Resource) -> WorkflowSpec:
    """What the document says."""
    if not isinstance(resource.spec, WorkflowSpec):
        raise not_ours(resource)
    return resource.spec


def texts(resource: Resource, context: Context) -> dict[str, str]:
    """Path in the project -> text of every file, by path."""
    spec = spec_of(resource)
    if spec.tasks is None:
        return dict(sorted((spec.files or {}).items()))
    return {f"{resource.address.name}{dig.SUFFIX}": _rendered(spec, context)}


def packed(files: Mapping[str, str]) -> bytes:
    """The archive of *files*; the same for the same files."""
    return archive.pack({path: text.encode() for path, text in files.items()})


def md5(content: bytes) -> str:
    """The sum by which the vendor names an archive. Not a safeguard, only a short cut: what differs is downloaded."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def revision(files: Mapping[str, str], before: str) -> str:
    """Name of the revision that *files* become after *before* ("": none): their digest, and what tells a return to them apart.

    Pushing the same files twice after the same revision is one revision, so that a push that lost its answer is found again.
    """
    content = archive.digest({path: text.encode() for path, text in files.items()})
    return f"tdr-{content[:32]}-{hashlib.sha256(before.encode()).hexdigest()[:8]}"


def unpacked(content: bytes) -> dict[str, str]:
    """The files in an archive of the vendor's; what is no text stands there by its digest.

    Raises:
        ArchiveRefused: it is none.
    """
    return {path: _text(data) for path, data in sorted(archive.unpack(content).items())}


def without_text(files: Mapping[str, str]) -> list[str]:
    """The paths of files that are no text."""
    return [path for path, text in files.items() if text.startswith(_NOT_TEXT)]


def problems(resource: Resource, context: Context) -> Iterator[Diagnostic]:
    """What can be said against the files before any push."""
    address, spec = resource.address, spec_of(resource)
    subject, path = (
        str(address),
        "/spec/" + next(field for field in ("tasks", "directory", "files") if getattr(spec, field) is not None),
    )
    if spec.tasks is not None:
        yield from _task_problems(resource, spec, context)
        return
    files = {one: text.encode() for one, text in (spec.files or {}).items()}
    for one in files:
        if not archive.is_inside(one):
            yield Diagnostic("workflow-path", f"{one!r} is no path inside a project", subject=subject, path=path)
    workflows = [one for one in files if dig.is_workflow(one)]
    if not workflows:
        yield Diagnostic(
            "no-workflow",
            "the project has no workflow",
            subject=subject,
            path=path,
            hint="put a file ending in `.dig` into the folder itself",
        )
    for one in workflows:
        try:
            dig.read(one, files.get)
        except dig.DigError as error:
            yield Diagnostic("workflow-file", str(error), subject=subject, path=path, hint=error.hint)


def _task_problems(resource: Resource, spec: WorkflowSpec, context: Context) -> Iterator[Diagnostic]:
    subject = str(resource.address)
    if not spec.tasks:
        yield Diagnostic("no-workflow", "the workflow has no task", subject=subject, path="/spec/tasks")
    names = [task.name for task in spec.tasks or ()]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Diagnostic(
                "name-twice",
                f"task {name!r} is declared twice",
                subject=subject,
                path=f"/spec/tasks/{place}/name",
                hint="give each a name of its own",
            )
    for place, task in enumerate(spec.tasks or ()):
        activation = context.resources.get(Address("activation", task.activation)) if task.activation else None
        if (
            activation is not None
            and isinstance(activation.spec, ActivationSpec)
            and activation.spec.from_.query is None
        ):
            yield Diagnostic(
                "workflow-activation",
                f"{activation.address} sends a segment, which no task of a workflow can run",
                subject=subject,
                path=f"/spec/tasks/{place}/activation",
                hint="give the activation a schedule of its own, or let it send a query",
            )
    declared = timing(spec.schedule, context)
    if declared is not None and declared.delay:
        yield Diagnostic(
            "workflow-delay",
            "workflows have no delay",
            subject=subject,
            path="/spec/schedule",
            hint="write the later time into the cron",
        )
    if declared is None and spec.enabled is not None:
        yield Diagnostic(
            "workflow-unscheduled",
            "there is no schedule that could be enabled",
            Severity.WARNING,
            subject=subject,
            path="/spec/enabled",
            hint="add `schedule`, or leave `enabled` out",
        )


def _rendered(spec: WorkflowSpec, context: Context) -> str:
    declared = timing(spec.schedule, context)
    lines = [f"timezone: {_quoted(declared.timezone)}"] if declared is not None else []
    if declared is not None and declared.cron:
        lines += ["schedule:", f"  cron>: {_quoted(_plain(declared.cron))}"]
    for task in spec.tasks or ():
        operator, name = _operation(task, context)
        lines += ["", f"+{task.name}:", f"  {operator}>: {_quoted(name)}"]
    return "\n".join([*lines, ""]).lstrip("\n")


def _operation(task: WorkflowTask, context: Context) -> tuple[str, str]:
    for kind, name, operator in (
        ("query", task.query, "td_run"),
        ("activation", task.activation, "td_run"),
        ("import", task.import_, "td_load"),
    ):
        if name is not None:
            declared = context.resources.get(Address(kind, name))
            return operator, name if declared is None else name_of(declared, context)
    raise AssertionError(task.name)  # the model wants one of them


def _plain(cron: str) -> str:
    presets = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@monthly": "0 0 1 * *"}
    return presets.get(cron.strip(), cron)


def _quoted(text: str) -> str:
    """As a text in any YAML; ``${`` would be a variable there."""
    return orjson.dumps(text).decode()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"{_NOT_TEXT}{hashlib.sha256(data).hexdigest()})"
