"""What one task does. Those that reach out make jobs, as queries and bulk loads of their own do, and wait for them.

An operator that is not here fails the task that names it, as an unknown one does at the vendor. Source: docs.digdag.io.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
import yaml

from reconciler.service.answers import ApiError
from reconciler.service.connections import Connections
from reconciler.service.jobs import Jobs, NewJob
from reconciler.service.loads import Loads, check_place, read_config, seal_config
from reconciler.service.loads import run_of as run_of_load
from reconciler.service.ports import Sealer
from reconciler.service.queries import ENGINES, Queries
from reconciler.service.requests import Call
from reconciler.service.runs import run_of as run_of_query
from reconciler.service.targets import NO_TARGET, Target, read_target
from reconciler.service.workflows.variables import NoVariable, Secrets, filled

_TABLE: Final = re.compile(r"(?:[a-z0-9_]{3,255}\.)?[a-z0-9_]{3,255}")
_TARGETS: Final = frozenset({"result_connection", "result_settings", "result_url"})
_COMMON: Final = frozenset({"_type", "_export", "_retry", "_error", "_check", "_command", "_parallel"})


class TaskFailed(Exception):
    """A task that did not do what it should, and why."""


@dataclass(frozen=True, slots=True)
class Order:
    """A task to carry out, variables filled in but for secrets, which are filled in where they are sent.

    value: what stands behind the operator. options: its other settings. variables: for files that it names.
    """

    value: object
    options: Mapping[str, Any]
    variables: Mapping[str, Any] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    secrets: Secrets = field(repr=False)
    session_time: int
    log: Callable[[str], None]


class RunJob(Protocol):
    """Makes a job and waits for its end, that of its export included."""

    def __call__(self, job: NewJob) -> int:
        """The id of a job that succeeded.

        Raises:
            TaskFailed: it did not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators, and what they need of the service."""

    jobs: Jobs
    queries: Queries
    loads: Loads
    connections: Connections
    sealer: Sealer

    def carry_out(self, name: str, order: Order, run_job: RunJob) -> dict[str, Any]:
        """Do what the operator *name* does; the variables that it stores for the tasks after it.

        Raises:
            TaskFailed: it could not, or there is no such operator.
        """
        match name:
            case "td":
                return self._td(order, run_job)
            case "td_run":
                return self._td_run(order, run_job)
            case "td_load":
                return self._td_load(order, run_job)
            case "td_result_export":
                return self._td_result_export(order, run_job)
            case "echo":
                order.log(str(order.value))
                return {}
            case "fail":
                raise TaskFailed(str(order.value))
            case _:
                raise TaskFailed(f"Unknown task type: {name}; this service knows {', '.join(KNOWN)}")

    def _td(self, order: Order, run_job: RunJob) -> dict[str, Any]:
        options = _options(
            order,
            "td",
            {"query", "database", "engine", "create_table", "insert_into", "priority", "job_retry"} | _TARGETS,
        )
        engine = str(options.get("engine", "presto"))
        if engine not in ENGINES:
            raise TaskFailed(f"`engine` is none of {', '.join(ENGINES)}: {engine!r}")
        sql = _sql(order, options)
        target = self._target(order, options)
        table = options.get("create_table") or options.get("insert_into")
        if table is not None and not _TABLE.fullmatch(str(table)):
            raise TaskFailed(f"{table!r} is no name of a table")
        if table is not None and target is not NO_TARGET:
            raise TaskFailed("rows go into a table or to a connection, not both")
        statements = [sql]
        if "create_table" in options:
            statements = [f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} AS\n{sql}"]
        elif "insert_into" in options:
            statements = [f"INSERT INTO {table}\n{sql}"]
        job_id = 0
        for statement in statements:
            job_id = run_job(
                NewJob(
                    type=engine,
                    database=str(_wanted(options, "database")),
                    query=statement,
                    target=target.sealed,
                    result=target.result,
                    priority=_number(options, "priority"),
                    retry_limit=_number(options, "job_retry"),
                    scheduled_time=order.session_time,
                )
            )
        return self._stored(job_id)

    def _td_run(self, order: Order, run_job: RunJob) -> dict[str, Any]:
        _options(order, "td_run", set())
        name = str(order.value)
        row = self.queries.row_of_id(name) if name.isdecimal() else self.queries.row(name)
        return self._stored(run_job(run_of_query(row, order.session_time, "")))

    def _td_load(self, order: Order, run_job: RunJob) -> dict[str, Any]:
        options = _options(order, "td_load", {"database", "table", "config"})
        name = str(order.value or "")
        if name and name not in order.files and "config" not in options:
            return self._stored(run_job(run_of_load(self.loads.row(name), order.session_time, "")))
        written = options.get("config")
        if written is None:
            try:
                written = yaml.safe_load(_file(order, name))
            except yaml.YAMLError as error:
                raise TaskFailed(f"{name!r} is no YAML") from error
        config = read_config(filled(written, order.variables, order.secrets), "")
        database, table = str(_wanted(options, "database")), str(_wanted(options, "table"))
        check_place(config, database, table)
        return self._stored(
            run_job(
                NewJob(
                    type="bulkload",
                    database=database,
                    table=table,
                    config=seal_config(config, self.sealer),
                    scheduled_time=order.session_time,
                )
            )
        )

    def _td_result_export(self, order: Order, run_job: RunJob) -> dict[str, Any]:
        options = _options(order, "td_result_export", {"job_id"} | _TARGETS)
        # The documented form has the settings below the operator's name; both are read.
        source = self.jobs.row(str(_wanted(options, "job_id")))
        target = self._target(order, options)
        if target.sealed is None:
            raise TaskFailed("`result_connection` is missing")
        return self._stored(
            run_job(
                NewJob(
                    type="export",
                    database=source["database"],
                    target=target.sealed,
                    result=target.result,
                    exported_job=source["id"],
                )
            )
        )

    def _target(self, order: Order, options: Mapping[str, Any]) -> Target:
        """Where rows go, secrets filled in; they are sealed at once."""
        url, name, settings = (options.get(key) for key in ("result_url", "result_connection", "result_settings"))
        if settings is not None and not isinstance(settings, Mapping):
            raise TaskFailed("`result_settings` is no mapping")
        if name is None and settings is not None:
            raise TaskFailed("`result_settings` need a `result_connection`")
        secrets: Callable[[Any], Any] = lambda value: filled(value, order.variables, order.secrets)  # noqa: E731 - once
        if name is not None:
            fields = {
                "result_connection_id": str(self.connections.lookup(str(name))),
                "result_connection_settings": orjson.dumps(secrets(settings or {})).decode(),
            }
        elif url is not None:
            fields = {"result": secrets(str(url))}
        else:
            return NO_TARGET
        return read_target(Call({}, {}, fields), self.sealer, self.connections) or NO_TARGET

    def _stored(self, job_id: int) -> dict[str, Any]:
        row = self.jobs.row(job_id)
        job = {"id": str(job_id), "num_records": row["num_records"]}
        return {"td": {"last_job_id": str(job_id), "last_job": job}}


KNOWN: Final = ("td>", "td_run>", "td_load>", "td_result_export>", "echo>", "fail>")


def explained(error: Exception) -> str:
    """Why a task failed, for its log and its error."""
    return error.message if isinstance(error, ApiError) else str(error)


REASONS: Final = (TaskFailed, ApiError, NoVariable)
"""What a task fails of for reasons that are its own."""


def _options(order: Order, name: str, known: set[str] | frozenset[str]) -> dict[str, Any]:
    """The settings of a task, those of ``td:`` in its variables below them.

    Raises:
        TaskFailed: one is not known, and would be passed over in silence.
    """
    given = {key: value for key, value in order.options.items() if key not in _COMMON}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise TaskFailed(f"`{name}>` has options that this service does not know: {', '.join(unknown)}")
    shared = order.variables.get("td")
    usual = (
        {key: value for key, value in shared.items() if key in known & {"database", "engine", "priority"}}
        if isinstance(shared, Mapping)
        else {}
    )
    if isinstance(order.value, Mapping) and not given.keys() & order.value.keys():
        given |= {key: value for key, value in order.value.items() if key in known}
    return {**usual, **given}


def _sql(order: Order, options: Mapping[str, Any]) -> str:
    if order.value:
        return str(filled(_file(order, str(order.value)), order.variables)).rstrip("; \t\r\n")
    return str(_wanted(options, "query")).rstrip("; \t\r\n")


def _file(order: Order, path: str) -> str:
    content = order.files.get(path.removeprefix("./"))
    if content is None:
        raise TaskFailed(f"there is no file {path!r} in the project")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TaskFailed(f"the file {path!r} is not UTF-8") from error


def _wanted(options: Mapping[str, Any], name: str) -> Any:
    value = options.get(name)
    if value is None or value == "":
        raise TaskFailed(f"`{name}` is missing")
    return value


def _number(options: Mapping[str, Any], name: str) -> int:
    text = str(options.get(name, 0))
    if not text.lstrip("-").isdecimal() or abs(int(text)) > 32:
        raise TaskFailed(f"`{name}` is no whole number that is allowed: {text!r}")
    return int(text)
