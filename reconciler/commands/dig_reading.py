"""`tdr import FILE.dig`: documents of the queries that a workflow file runs. What it does not take over, it tells by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from reconciler.adoption import writing
from reconciler.adoption.drafting import Draft, Drafts, LeftOut, resource_of
from reconciler.adoption.naming import document_name
from reconciler.errors import TdrError, UsageError
from reconciler.manifest.files import FileRefused, read_file
from reconciler.manifest.queries import unparsed
from reconciler.model.address import Address
from reconciler.model.kinds import QuerySpec
from reconciler.schedule.parsing import check, parse
from reconciler.wiring import Runtime
from reconciler.workflow import dig

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_ENGINES: Final = {"presto": "trino", "trino": "trino", "hive": "hive"}
_TIME: Final = re.compile(r"(?:(\d\d?):)?(\d\d?):00")
_WRITES: Final = frozenset({"create_table", "insert_into"})
_READ: Final = frozenset({"td>", "query", "database", "engine", "priority"})
_EXPORT: Final = (
    "an export is no part of a Query: declare an Activation with this SQL; "
    "an action is never taken over, for tdr decides itself between create and update"
)

Keys = tuple[str, ...]


class _LeftAlone(Exception):
    """Why something is not taken over. *keys* is where, when it is not the task as a whole."""

    def __init__(self, why: str, *keys: str) -> None:
        super().__init__(why)
        self.keys = keys


@dataclass
class _Desk:
    """What is known while drafts are made, one after the other."""

    runtime: Runtime
    folder: Path
    workflow: dig.Dig
    timing: dict[str, Any] | None = None
    drafts: list[Draft] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, keys: Keys, why: str) -> None:
        self.left_out.append(LeftOut("line", str(self.workflow.marks[keys]), keys[-1], why))


def read_workflow(runtime: Runtime, path: Path) -> tuple[Drafts, list[str]]:
    """Drafts for the queries of the workflow at *path*, what is left alone, and notes. Asks no vendor, writes nothing.

    Raises:
        TdrError: it cannot be read as a workflow; with file, line and column.
    """
    if not path.is_file():
        raise UsageError(f"{str(path)!r} is no file", hint="name a .dig file, relative to the current folder")
    folder = path.parent
    try:
        workflow = dig.read(path.name, lambda name: _content(folder, name))
    except dig.DigError as error:
        raise TdrError(str(error), hint=error.hint or "correct the line; nothing was written") from error
    desk = _Desk(runtime, folder, workflow)
    _root(desk, path.stem)
    return Drafts(tuple(desk.drafts), tuple(desk.left_out)), desk.notes


def _content(folder: Path, name: str) -> bytes | None:
    """The file *name* of the project in *folder*; None when there is none, also when it leads out of it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    try:
        return read_file(path, name)
    except (FileRefused, OSError):
        return None


def _root(desk: _Desk, stem: str) -> None:
    tree = desk.workflow.tree
    tasks = [key for key in tree if key.startswith("+")]
    is_alone = len(tasks) == 1 and isinstance(tree[tasks[0]], Mapping) and not _exports(tree[tasks[0]])
    if "schedule" in tree:
        try:
            desk.timing = _timing(tree, is_alone=is_alone)
        except _LeftAlone as why:
            desk.leave_out(("schedule",), str(why))
    if "_export" in tree:
        desk.notes.append("values of `_export` are put in where a query names them; nothing else is made of them")
    _group(desk, tree, (), stem, {})
    is_timed = any("schedule" in draft.tree for draft in desk.drafts)
    if desk.timing is not None and not is_timed:
        desk.leave_out(("schedule",), "no query is taken over that it would start")
    if "timezone" in tree and not is_timed:
        desk.leave_out(("timezone",), "no schedule is taken over that it would be of")


def _timing(tree: Mapping[str, Any], *, is_alone: bool) -> dict[str, Any]:
    """The workflow's schedule as that of its only query."""
    if not is_alone:
        raise _LeftAlone(
            "it is taken over for a workflow of one query without export; declare a Workflow with `tasks` and this schedule"
        )
    schedule = tree["schedule"]
    if not isinstance(schedule, Mapping) or len(schedule) != 1:
        raise _LeftAlone("only a schedule of one line, cron>, daily> or hourly>, is taken over")
    (key, value), zone = next(iter(schedule.items())), str(tree.get("timezone") or "UTC")
    time = _TIME.fullmatch(str(value))
    if key == "cron>":
        cron = str(value)
    elif key == "daily>" and time and time[1]:
        cron = f"{int(time[2])} {int(time[1])} * * *"
    elif key == "hourly>" and time and not time[1]:
        cron = f"{int(time[2])} * * * *"
    else:
        raise _LeftAlone(f"`{key} {value}` cannot be said as the schedule of a query")
    problems = check(cron, zone)
    if problems:
        raise _LeftAlone(problems[0].message)
    if parse(cron).names_both_days:
        raise _LeftAlone("it names days of the month and of the week, which workflows and queries read differently")
    return {"cron": cron, "timezone": zone}


def _group(desk: _Desk, tree: Mapping[str, Any], keys: Keys, label: str, above: Mapping[str, Any]) -> None:
    exported = tree.get("_export")
    known = {**above, **exported} if isinstance(exported, Mapping) else above
    for key, value in tree.items():
        here = (*keys, key)
        if not key.startswith("+"):
            if key != "_export" and not (not keys and key in {"schedule", "timezone"}):
                desk.leave_out(here, "it has no counterpart in a document")
        elif not isinstance(value, Mapping):
            desk.leave_out(here, "the task does nothing")
        elif "td>" in value:
            _task(desk, value, here, f"{label}-{key[1:]}", known)
        elif operators := [one for one in value if one.endswith(">")]:
            desk.leave_out(here, f"tasks of `{operators[0]}` are not taken over; nor is what stands in this one")
        else:
            _group(desk, value, here, f"{label}-{key[1:]}", known)


def _task(desk: _Desk, task: Mapping[str, Any], keys: Keys, label: str, above: Mapping[str, Any]) -> None:
    exported = task.get("_export")
    known = {**above, **exported} if isinstance(exported, Mapping) else above
    try:
        tree = _query(desk, task, known)
        if desk.timing is not None and len(keys) == 1:
            tree["schedule"] = desk.timing
        _keep(desk, keys, label, tree)
    except _LeftAlone as why:
        desk.leave_out((*keys, *why.keys), f"{why}; nothing is made of this task")
        for key in _exports(task):
            desk.leave_out((*keys, key), _EXPORT)
        return
    for key in task:
        if key not in _READ and key != "_export":
            desk.leave_out(
                (*keys, key), _EXPORT if key in _exports(task) else "it has no counterpart in a Query document"
            )


def _exports(task: Mapping[str, Any]) -> list[str]:
    return [key for key in task if key.startswith("result_")]


def _query(desk: _Desk, task: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    writes = next((key for key in task if key in _WRITES), None)
    if writes:
        raise _LeftAlone("a task that writes a table is no saved query; keep it in a Workflow document", writes)
    td = known.get("td")
    defaults = td if isinstance(td, Mapping) else {}
    database = task.get("database", defaults.get("database"))
    if not isinstance(database, str):
        raise _LeftAlone("nothing names its database")
    engine = _filled(str(task.get("engine", defaults.get("engine", "presto"))), known, "engine")
    if engine not in _ENGINES:
        raise _LeftAlone(f"{engine!r} is no engine", *(("engine",) if "engine" in task else ()))
    tree: dict[str, Any] = {
        "database": _filled(database, known, "database" if "database" in task else ""),
        "engine": _ENGINES[engine],
        "sql": _sql(desk, task, known),
    }
    if "priority" in task:
        tree["priority"] = task["priority"]
    return tree


def _sql(desk: _Desk, task: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    named = task["td>"]
    if named is None and isinstance(task.get("query"), str):
        text = str(task["query"])
        key = "query"
    elif isinstance(named, str):
        key, path = "td>", _filled(named, known, "td>")
        content = _content(desk.folder, path)
        if content is None:
            raise _LeftAlone(f"there is no file {path!r} in the folder of the workflow that can be read", "td>")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _LeftAlone(f"{path!r} is not UTF-8: byte {error.start}", "td>") from error
    else:
        raise _LeftAlone("its SQL is neither in a file nor under `query`", "td>")
    return _filled(text.replace("\r\n", "\n").strip(), known, key)


def _filled(text: str, known: Mapping[str, Any], key: str) -> str:
    """*text* with the values of `_export`.

    Raises:
        _LeftAlone: it names what is known only when the task runs.
    """

    def value(match: re.Match[str]) -> str:
        found: Any = known
        for part in match[1].strip().split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None or isinstance(found, Mapping | list | bool) or "${" in str(found):
            raise _LeftAlone(f"`{match[0]}` is known only when the task runs", *((key,) if key else ()))
        return str(found)

    return _VARIABLE.sub(value, text)


def _keep(desk: _Desk, keys: Keys, label: str, tree: Mapping[str, Any]) -> None:
    where = str(desk.workflow.marks[keys])
    runtime = desk.runtime
    declared = _same(runtime, tree)
    if declared is not None:
        desk.notes.append(f"{where}: {declared} declares it already")
        return
    taken: Iterable[Address] = {*runtime.world.resources, *(one.address for one in desk.drafts)}
    root, manifests = runtime.project.root, runtime.project.spec.manifests

    def is_free(name: str) -> bool:
        address = Address("query", name)
        return address not in taken and writing.is_free(root, manifests, address)

    address = Address("query", document_name("query", label, label, is_free))
    try:
        resource = resource_of(address, tree)
    except ValidationError as error:
        first = error.errors()[0]
        raise _LeftAlone(f"`{'.'.join(map(str, first['loc']))}` {first['msg']}") from error
    why = unparsed(resource) if runtime.embedded is not None else ""
    if why:
        raise _LeftAlone(why, "td>")
    desk.drafts.append(Draft(address, "", label, tree, resource))


def _same(runtime: Runtime, tree: Mapping[str, Any]) -> Address | None:
    """The query that is declared already with this SQL in this database."""
    for address, resource in sorted(runtime.world.resources.items()):
        spec = resource.spec
        if isinstance(spec, QuerySpec) and (spec.database, spec.engine.value, (spec.sql or "").strip()) == (
            tree["database"],
            tree["engine"],
            tree["sql"],
        ):
            return address
    return None
