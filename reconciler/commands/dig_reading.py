"""`tdr import FILE.dig`, or a folder of them: documents of what workflows run. What it does not take over, it tells by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from reconciler.adoption.drafting import Draft, Drafts, LeftOut
from reconciler.commands import dig_exports, dig_loads
from reconciler.commands.dig_desk import Desk, Keys, LeftAlone, filled, variables_of
from reconciler.commands.dig_exports import TARGETS, Target
from reconciler.errors import TdrError, UsageError
from reconciler.schedule.parsing import check, parse
from reconciler.wiring import Runtime
from reconciler.workflow import dig

_ENGINES: Final = {"presto": "trino", "trino": "trino", "hive": "hive"}
_TIME: Final = re.compile(r"(?:(\d\d?):)?(\d\d?):00")
_WRITES: Final = frozenset({"create_table", "insert_into"})
_READ: Final = frozenset({"td>", "query", "database", "engine", "priority", "_export", *TARGETS})
_EXPORTS: Final = "td_result_export>"
_LAST_JOB: Final = re.compile(r"\$\{\s*td\.last_job_?(\.id|id)\s*\}")
_NOTHING: Final = Target({})


def read_workflow(runtime: Runtime, path: Path) -> tuple[Drafts, list[str]]:
    """Drafts for what the workflow at *path* runs, what is left alone, and notes. Asks no vendor, writes nothing.

    Raises:
        TdrError: it cannot be read as a workflow; with file, line and column.
    """
    if not path.is_file():
        raise UsageError(f"{str(path)!r} is no file", hint="name a .dig file, relative to the current folder")
    desk = Desk(runtime, path.parent, dig.Dig({}, {}))
    try:
        _file(desk, path)
    except dig.DigError as error:
        told = f"{desk.place(error.mark)}: {error.reason}"
        raise TdrError(told, hint=error.hint or "correct the line; nothing was written") from error
    return Drafts(tuple(desk.drafts), tuple(desk.left_out)), desk.notes


def read_project(runtime: Runtime, folder: Path) -> tuple[Drafts, list[str]]:
    """The same for all workflows of a project; a file that cannot be read is left out, and the others are not.

    The workflows of a project are the files right in its folder. Source: digdag's documentation, "Project".

    Raises:
        UsageError: there is none.
    """
    files = sorted(folder.glob("*.dig"))
    if not files:
        raise UsageError(f"{str(folder)!r} holds no .dig file", hint="name the folder of a workflow project")
    drafts: list[Draft] = []
    left_out: list[LeftOut] = []
    notes: list[str] = []
    for path in files:
        desk = Desk(runtime, folder, dig.Dig({}, {}), earlier=tuple(drafts))
        try:
            _file(desk, path)
        except dig.DigError as error:
            desk.leave_out_at(desk.place(error.mark), path.name, f"nothing of it can be read: {error.reason}")
        drafts += desk.drafts
        left_out += desk.left_out
        notes += desk.notes
    for path in sorted(set(folder.rglob("*.dig")) - set(files)):
        notes.append(
            f"{path.relative_to(folder).as_posix()} is no workflow by itself: only files right in the folder are"
        )
    return Drafts(tuple(drafts), tuple(left_out)), notes


def _file(desk: Desk, path: Path) -> None:
    desk.workflow = dig.read(path.name, desk.content)
    _root(desk, path.stem)


def _root(desk: Desk, stem: str) -> None:
    tree = desk.workflow.tree
    tasks = [task for key, task in tree.items() if key.startswith("+")]
    runs_one = [isinstance(task, Mapping) and _EXPORTS not in task for task in tasks].count(True) == 1
    if "schedule" in tree:
        try:
            desk.timing = _timing(tree, is_alone=runs_one)
        except LeftAlone as why:
            desk.leave_out(("schedule",), str(why))
    if "_export" in tree:
        desk.notes.append("values of `_export` are put in where a task names them; nothing else is made of them")
    _group(desk, tree, (), stem, {})
    if desk.timing is not None and not desk.is_timing_used:
        desk.leave_out(("schedule",), "nothing is taken over that it would start")
    if "timezone" in tree and not desk.is_timing_used:
        desk.leave_out(("timezone",), "no schedule is taken over that it would be of")


def _timing(tree: Mapping[str, Any], *, is_alone: bool) -> dict[str, Any]:
    """The workflow's schedule as that of its only task."""
    if not is_alone:
        raise LeftAlone(
            "it is taken over for a workflow of one task; declare a Workflow with `tasks` and this schedule"
        )
    schedule = tree["schedule"]
    if not isinstance(schedule, Mapping) or len(schedule) != 1:
        raise LeftAlone("only a schedule of one line, cron>, daily> or hourly>, is taken over")
    (key, value), zone = next(iter(schedule.items())), str(tree.get("timezone") or "UTC")
    time = _TIME.fullmatch(str(value))
    if key == "cron>":
        cron = str(value)
    elif key == "daily>" and time and time[1]:
        cron = f"{int(time[2])} {int(time[1])} * * *"
    elif key == "hourly>" and time and not time[1]:
        cron = f"{int(time[2])} * * * *"
    else:
        raise LeftAlone(f"`{key} {value}` cannot be said as the schedule of a document")
    problems = check(cron, zone)
    if problems:
        raise LeftAlone(problems[0].message)
    if parse(cron).names_both_days:
        raise LeftAlone("it names days of the month and of the week, which workflows and queries read differently")
    return {"cron": cron, "timezone": zone}


def _group(desk: Desk, tree: Mapping[str, Any], keys: Keys, label: str, above: Mapping[str, Any]) -> None:
    known = variables_of(tree, above)
    exporting = _exporting(tree, keys)
    for key, value in tree.items():
        here, called = (*keys, key), f"{label}-{key[1:]}"
        if not key.startswith("+"):
            if key != "_export" and not (not keys and key in {"schedule", "timezone"}):
                desk.leave_out(here, "it has no counterpart in a document")
        elif not isinstance(value, Mapping):
            desk.leave_out(here, "the task does nothing")
        elif "td>" in value:
            _query_task(desk, value, here, called, known, exporting[key][1] if key in exporting else _NOTHING)
        elif "td_load>" in value:
            _load_task(desk, value, here, called, known)
        elif key in {after for after, _ in exporting.values()}:
            continue
        elif operators := [one for one in value if one.endswith(">")]:
            why = _EXPORT_ALONE if operators[0] == _EXPORTS else f"tasks of `{operators[0]}` are not taken over"
            desk.leave_out(here, f"{why}; nor is what stands in this one")
        else:
            _group(desk, value, here, called, known)


_EXPORT_ALONE: Final = "rows of another query than that of the task before it cannot be told"


def _exporting(tree: Mapping[str, Any], keys: Keys) -> dict[str, tuple[str, Target]]:
    """Task of a query -> the task after it that sends its rows on, and where to."""
    if tree.get("_parallel"):
        return {}  # which job was the last is not known then
    tasks = [(key, task) for key, task in tree.items() if key.startswith("+") and isinstance(task, Mapping)]
    found = {}
    for (key, query), (after, export) in pairwise(tasks):
        if "td>" in query and _EXPORTS in export and not query.keys() & {*TARGETS, *_WRITES}:
            inner = export[_EXPORTS]
            at = (*keys, after)
            options, at = (inner, (*at, _EXPORTS)) if isinstance(inner, Mapping) else (export, at)
            job = options.get("job_id", export.get("job_id"))
            if _LAST_JOB.fullmatch(str(job)) and options.keys() <= {"job_id", _EXPORTS, *TARGETS}:
                found[key] = (after, Target(options, at))
    return found


def _query_task(
    desk: Desk, task: Mapping[str, Any], keys: Keys, label: str, above: Mapping[str, Any], exported: Target
) -> None:
    known = variables_of(task, above)
    target = exported or Target({name: task[name] for name in TARGETS if name in task}, keys)
    timing = {} if desk.timing is None or len(keys) > 1 else {"schedule": desk.timing}
    try:
        with desk.whole():
            query, counts = _query(desk, task, keys, known)
            if not target:
                desk.keep("query", label, {**query, **counts, **timing}, keys)
            elif dig_exports.is_for_audience(desk, target):
                spec = dig_exports.activation(desk, target, keys, known, query)
                desk.keep("activation", label, {**spec, **counts, **timing}, keys)
            else:
                export = dig_exports.exported(desk, target, known)
                desk.keep("query", label, {**query, **counts, **timing, "export": export}, keys)
    except LeftAlone as why:
        _leave_task(desk, keys, why)
        if exported:
            desk.leave_out(exported.at, "nothing is made of the task before it")
        return
    desk.is_timing_used |= bool(timing)
    for key in task:
        if key not in _READ:
            desk.leave_out((*keys, key), "it has no counterpart in a document")


def _load_task(desk: Desk, task: Mapping[str, Any], keys: Keys, label: str, above: Mapping[str, Any]) -> None:
    timing = {} if desk.timing is None or len(keys) > 1 else {"schedule": desk.timing}
    try:
        with desk.whole():
            spec = dig_loads.import_of(desk, task, keys, variables_of(task, above))
            desk.keep("import", label, {**spec, **timing}, keys)
    except LeftAlone as why:
        _leave_task(desk, keys, why)
        return
    desk.is_timing_used |= bool(timing)
    for key in task:
        if key not in dig_loads.READ and key != "_export":
            desk.leave_out((*keys, key), "it has no counterpart in an Import document")


def _leave_task(desk: Desk, keys: Keys, why: LeftAlone) -> None:
    desk.leave_out(why.keys or keys, f"{why}; nothing is made of this task")


def _query(
    desk: Desk, task: Mapping[str, Any], keys: Keys, known: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a document says of the rows of *task*, and of how the query that gives them runs."""
    writes = next((key for key in task if key in _WRITES), None)
    if writes:
        raise LeftAlone("a task that writes a table is no saved query; keep it in a Workflow document", *keys, writes)
    td = known.get("td")
    usual = td if isinstance(td, Mapping) else {}
    database = task.get("database", usual.get("database"))
    if not isinstance(database, str):
        raise LeftAlone("nothing names its database")
    engine = filled(str(task.get("engine", usual.get("engine", "presto"))), known, *keys, "engine")
    if engine not in _ENGINES:
        raise LeftAlone(f"{engine!r} is no engine", *keys, "engine")
    query = {
        "database": filled(database, known, *keys, "database"),
        "engine": _ENGINES[engine],
        "sql": _sql(desk, task, keys, known),
    }
    return query, {"priority": task["priority"]} if "priority" in task else {}


def _sql(desk: Desk, task: Mapping[str, Any], keys: Keys, known: Mapping[str, Any]) -> str:
    named = task["td>"]
    if named is None and isinstance(task.get("query"), str):
        key, text = (*keys, "query"), str(task["query"])
    elif isinstance(named, str):
        key = (*keys, "td>")
        path = filled(named, known, *key)
        content = desk.content(path)
        if content is None:
            raise LeftAlone(f"there is no file {path!r} in the folder of the workflow that can be read", *key)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise LeftAlone(f"{path!r} is not UTF-8: byte {error.start}", *key) from error
    else:
        raise LeftAlone("its SQL is neither in a file nor under `query`", *keys, "td>")
    return filled(text.replace("\r\n", "\n").strip(), known, *key)
