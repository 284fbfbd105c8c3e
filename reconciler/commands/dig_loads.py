"""`td_load>` of a workflow: an Import for what manifests have words for; everything else is told at its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.adoption.drafting import Reference
from reconciler.adoption.naming import secret_name
from reconciler.commands.dig_desk import Desk, Keys, LeftAlone, filled, holds_secret, is_secret
from reconciler.model.connections import FilesConnection
from reconciler.workflow import dig

READ: Final = frozenset({"td_load>", "database", "table", "config"})
_PARTS: Final = ("in", "out", "exec", "filters")


@dataclass(frozen=True, slots=True)
class _Config:
    """A configuration of a load, by the task at *task*. *marks* are those of its file; None when the workflow has it, at *at*."""

    task: Keys
    tree: Mapping[str, Any]
    marks: Mapping[tuple[str, ...], dig.Mark] | None = None
    at: Keys = ()

    @property
    def named(self) -> Keys:
        """Where the task says what it loads."""
        return (*self.task, "td_load>")


def import_of(desk: Desk, task: Mapping[str, Any], keys: Keys, known: Mapping[str, Any]) -> dict[str, Any]:
    """The `spec` of an Import for the `td_load>` *task* at *keys*.

    Raises:
        LeftAlone: there are no words for it.
    """
    config = _config(desk, task, keys, known)
    source = config.tree.get("in")
    if not isinstance(source, Mapping):
        raise LeftAlone("its configuration does not say under `in` where rows come from", *keys, "td_load>")
    for name, value in source.items():
        if is_secret(name) and holds_secret(value):
            _note(
                desk, config, ("in", name), f"`{name}` stands there in clear text; write ${{secret:NAME}} in its place"
            )
    kind = str(source.get("type"))
    if kind not in _SOURCES:
        _leave_out(
            desk, config, ("in", "type"), f"imports from {kind!r} have no words in manifests; keep it in a Workflow"
        )
        raise LeftAlone("nothing is made of its configuration", *keys, "td_load>")
    tree: dict[str, Any] = {"from": _SOURCES[kind](desk, config, source, known)}
    tree["to"] = _target(desk, task, config, known)
    return tree


def _config(desk: Desk, task: Mapping[str, Any], keys: Keys, known: Mapping[str, Any]) -> _Config:
    """What a task loads by: in the task, or in a file that it names."""
    named = task["td_load>"]
    if isinstance(named, Mapping):
        inner = named.get("config")
        at = (*keys, "td_load>", "config") if isinstance(inner, Mapping) else (*keys, "td_load>")
        return _Config(keys, inner if isinstance(inner, Mapping) else named, at=at)
    if isinstance(task.get("config"), Mapping):
        return _Config(keys, task["config"], at=(*keys, "config"))
    if not isinstance(named, str):
        raise LeftAlone("its configuration is neither in a file nor under `config`", *keys, "td_load>")
    name = filled(named, known, *keys, "td_load>")
    if desk.content(name) is None:
        raise LeftAlone(
            f"there is no file {name!r} in the folder of the workflow that can be read; if it is a load that the account has, "
            "`tdr import import/NAME` with its name takes it over",
            *keys,
            "td_load>",
        )
    try:
        read = dig.read(name, desk.content)
    except dig.DigError as error:
        raise LeftAlone(f"{desk.place(error.mark)}: {error.reason}", *keys, "td_load>") from error
    return _Config(keys, read.tree, read.marks)


def _files(desk: Desk, config: _Config, source: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    paths = source.get("paths")
    if not isinstance(paths, list) or not paths:
        raise LeftAlone("its source names no `paths`", *config.named)
    tree: dict[str, Any] = {"type": "files", "paths": [filled(str(path), known, *config.named) for path in paths]}
    root = filled(str(source.get("root", ".")), known, *config.named)
    if root != ".":
        tree["connection"] = _connection(desk, root, config.task)
    if "format" in source:
        tree["format"] = str(source["format"])
    for name in sorted(source.keys() - {"type", "paths", "root", "format"}):
        _leave_out(desk, config, ("in", name), "an Import from files does not say it")
    return tree


def _connection(desk: Desk, root: str, keys: Keys) -> str:
    for address, resource in sorted(desk.resources.items()):
        if isinstance(resource.spec, FilesConnection) and Path(resource.spec.root) == Path(root):
            return address.name
    return desk.keep("connection", f"files-{root}", {"type": "files", "root": root}, keys)


def _intercom(desk: Desk, config: _Config, source: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {"type": "intercom", "target": filled(str(source.get("target")), known, *config.named)}
    if "access_token" not in source:
        raise LeftAlone(
            "its source has no `access_token`, and nothing names the connection that has one", *config.named
        )
    tree["access_token"] = Reference(secret_name(config.task[-1][1:], "access_token"))
    if source.get("incremental"):
        tree["incremental"] = True
    for name in sorted(source.keys() - {"type", "target", "access_token", "incremental"}):
        _leave_out(desk, config, ("in", name), "an Import from Intercom does not say it")
    return tree


_SOURCES: Final = {"files": _files, "intercom": _intercom}
"""Type of a source -> the `from` of an Import."""


def _target(desk: Desk, task: Mapping[str, Any], config: _Config, known: Mapping[str, Any]) -> dict[str, Any]:
    td = known.get("td")
    usual = td if isinstance(td, Mapping) else {}
    beside = task["td_load>"] if isinstance(task["td_load>"], Mapping) else {}
    target: dict[str, Any] = {}
    for name in ("database", "table"):
        value = task.get(name, beside.get(name, usual.get(name) if name == "database" else None))
        if not isinstance(value, str):
            raise LeftAlone(f"nothing names its {name}", *config.named)
        target[name] = filled(value, known, *config.task, name)
    out = config.tree.get("out")
    placed = out if isinstance(out, Mapping) else {}
    target |= {to: str(placed[to]) for to in ("mode", "time_column") if placed.get(to) is not None}
    if target.get("mode") == "append":
        del target["mode"]
    for name in sorted(placed.keys() - {"mode", "time_column"}):
        _leave_out(desk, config, ("out", name), "an Import does not say it of its table")
    for name, value in config.tree.items():
        if name == "schedule":
            _leave_out(desk, config, (name,), "what a workflow loads runs when the workflow does")
        elif name in {"exec", "filters"} and value:
            _leave_out(desk, config, (name,), "an Import does not say it")
        elif name not in _PARTS and not (config.marks is None and name in READ):
            _leave_out(desk, config, (name,), "a configuration has no such part")
    return target


def _where(desk: Desk, config: _Config, keys: Keys) -> str:
    if config.marks is None:
        return desk.where((*config.at, *keys))
    while keys not in config.marks and len(keys) > 1:
        keys = keys[:-1]
    return desk.place(config.marks[keys])


def _leave_out(desk: Desk, config: _Config, keys: Keys, why: str) -> None:
    desk.leave_out_at(_where(desk, config, keys), keys[-1], why)


def _note(desk: Desk, config: _Config, keys: Keys, text: str) -> None:
    desk.notes.append(f"{_where(desk, config, keys)}: {text}")
