"""From the files of a pushed project to its workflows, refused with the place when one cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.service.ports import CronPort
from reconciler.service.workflows.refusals import bad
from reconciler.service.workflows.timing import NoTiming, WorkflowTiming, check_timezone, read_timing
from reconciler.workflow import dig

# Digdag's own limit on the tasks of one workflow.
_MOST_TASKS: Final = 1000
_TASK_NAME: Final = re.compile(r"\+[^\s+^/:*?\"<>|]{1,255}")


@dataclass(frozen=True, slots=True)
class Definition:
    """One workflow of a project. *config* is its file without ``timezone`` and ``schedule``, which are kept apart."""

    name: str
    timezone: str
    config: Mapping[str, Any]
    timing: WorkflowTiming | None


def definitions(files: Mapping[str, bytes], cron: CronPort) -> list[Definition]:
    """The workflows of a project, by name.

    Raises:
        ApiError: 400, with the file and line of what cannot be read.
    """
    paths = sorted(path for path in files if dig.is_workflow(path))
    return [_definition(path, files, cron) for path in paths]


def subtasks(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tasks that stand in a task, in order."""
    return ((name, inner) for name, inner in config.items() if name.startswith("+"))


def operator(config: Mapping[str, Any]) -> str | None:
    """What a task does, such as ``td``; None for a group."""
    kind = config.get("_type")
    if isinstance(kind, str):
        return kind
    return next((key[:-1] for key in config if key.endswith(">")), None)


def _definition(path: str, files: Mapping[str, bytes], cron: CronPort) -> Definition:
    try:
        read = dig.read(path, files.get)
    except dig.DigError as error:
        raise bad(f"{error}{f'; {error.hint}' if error.hint else ''}") from error
    tree = dict(read.tree)
    timezone, schedule = tree.pop("timezone", None), tree.pop("schedule", None)
    try:
        zone = "UTC" if timezone is None else check_timezone(timezone)
    except NoTiming as error:
        raise bad(f"{path}:{read.lines['timezone',]}: {error}") from error
    try:
        timing = None if schedule is None else read_timing(schedule, zone, cron)
    except NoTiming as error:
        raise bad(f"{path}:{read.lines['schedule',]}: {error}") from error
    count = sum(1 for _ in _checked(path, tree, (), read.lines))
    if not count:
        raise bad(f"{path}: the workflow has no task; tasks are named `+NAME`")
    if count > _MOST_TASKS:
        raise bad(f"{path}: the workflow has {count:,} tasks; {_MOST_TASKS:,} at most")
    return Definition(path.removesuffix(dig.SUFFIX), zone, tree, timing)


def _checked(
    path: str, config: Mapping[str, Any], below: tuple[str, ...], lines: Mapping[tuple[str, ...], int]
) -> Iterator[str]:
    """The names of all tasks, each of which can be one."""
    kinds = [key for key in config if key.endswith(">")]
    if len(kinds) > 1:
        raise bad(
            f"{path}:{lines[*below, kinds[1]]}: a task does one thing, not {' and '.join(f'`{one}`' for one in kinds)}"
        )
    if kinds and any(True for _ in subtasks(config)):
        raise bad(f"{path}:{lines[*below, kinds[0]]}: a task with `{kinds[0]}` has no tasks in it")
    for name, inner in subtasks(config):
        line = lines[*below, name]
        if not _TASK_NAME.fullmatch(name):
            raise bad(f"{path}:{line}: `{name}` is no name of a task")
        if not isinstance(inner, Mapping):
            raise bad(f"{path}:{line}: the task `{name}` is no mapping")
        yield name
        yield from _checked(path, inner, (*below, name), lines)
