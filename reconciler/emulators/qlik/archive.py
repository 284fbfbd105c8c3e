"""A project as a zip of YAML, and back. Source: public repositories of declarative pipelines, see docs/qlik.md."""

from __future__ import annotations

import io
import json
import zipfile
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

import yaml

from reconciler.emulators.qlik.refusals import invalid
from reconciler.emulators.qlik.world import Project, Task
from reconciler.model.json import Json

_TASKS: Final = "qtcp_tasks"
_BINDINGS: Final = "bindings.json"
_DEFAULTS: Final[dict[str, dict[str, Json]]] = {
    "LANDING": {"fullLoadOnly": True, "tableLoadInParallel": 5},
    "LAKE_LANDING": {"fullLoadOnly": False, "tableLoadInParallel": 5},
}
"""Source: the vendor's published schemas, as far as they were seen."""


def packed(project: Project, *, with_bindings: bool, in_full: bool) -> bytes:
    """All files of *project*. *in_full*: with what is as it is by default."""
    files = dict(project.files)
    for task in project.tasks.values():
        told = _in_full(task) if in_full else task.files
        files |= {f"{_TASKS}/{task.name}/{name}": text for name, text in told.items()}
    if with_bindings:
        files[_BINDINGS] = json.dumps({"variables": project.bindings})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(name, files[name])
    return content.getvalue()


def _in_full(task: Task) -> dict[str, str]:
    document = yaml.safe_load(task.files["task.yaml"]) or {}
    document["settings"] = {**_DEFAULTS.get(task.type, {}), **(document.get("settings") or {})}
    return task.files | {"task.yaml": yaml.safe_dump(document, sort_keys=False)}


def uploaded(content_type: str, body: bytes) -> bytes:
    """The file in the field ``zip`` of a form.

    Raises:
        Refused: 400, there is none.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in form.iter_parts() if form.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "zip":
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else b""
    raise invalid("the field zip of multipart/form-data is missing")


def unpack(project: Project, content: bytes) -> None:
    """Make *project* what the zip says; tasks that it lacks stay.

    Raises:
        Refused: 400, it is no zip, a file is no YAML, or the method of a prepared task would change without recreation.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name).decode() for name in archive.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, UnicodeDecodeError):
        raise invalid("the import is no zip of YAML files") from None
    if "qtcp_project.yaml" not in files:
        raise invalid("qtcp_project.yaml is missing")
    by_task: dict[str, dict[str, str]] = {}
    for name, text in files.items():
        try:
            yaml.safe_load(text)
        except yaml.YAMLError:
            raise invalid(f"{name} is no YAML") from None
        parts = name.split("/", 2)
        if parts[0] == _TASKS and len(parts) == 3:
            by_task.setdefault(parts[1], {})[parts[2]] = text
    for name, told in by_task.items():
        properties = _properties(told)
        task_id = str(properties["id"])
        there = project.tasks.get(task_id)
        if there is None:
            project.tasks[task_id] = Task(task_id, name, str(properties["type"]), told)
        elif (there.name, there.files) != (str(properties["name"]), told):
            there.name, there.files = str(properties["name"]), told
            there.prepared = False  # what was changed has to be prepared again


def _properties(files: dict[str, str]) -> dict[str, Json]:
    document = yaml.safe_load(files.get("task.yaml", "")) or {}
    properties = document.get("properties")
    if not isinstance(properties, dict) or not {"id", "name", "type"} <= properties.keys():
        raise invalid("task.yaml has no properties id, name and type")
    return properties
