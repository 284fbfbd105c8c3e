"""A project as Qlik exports it: a zip of YAML, a folder for each task.

Source: the vendor's published schemas (`qtcp/*.schema.json`) and public repositories of projects kept as code: in
``qtcp_tasks/NAME/`` stand ``task.yaml`` (``properties: {id, name, type}`` and ``settings``), ``sourceSelection.yaml``
(``explicitlySelected``, ``includePatterns``) and ``schedule.yaml`` (``scheduling``).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from reconciler.errors import Permanent

_FOLDER: Final = "qtcp_tasks"
_TASK, _TABLES, _SCHEDULE = "task.yaml", "sourceSelection.yaml", "schedule.yaml"
_MOST_BYTES: Final = 256 * 2**20
"""More than any project of YAML has; what claims more is not unpacked."""

Document = dict[str, Any]


class _PlainLoader(yaml.SafeLoader):
    """YAML in which times stay text, as they were written."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """What an export says of one task. *tables* and *schedule* are empty where it has no such file."""

    task: Document
    tables: Document
    schedule: Document

    @property
    def settings(self) -> Document:
        """Its settings."""
        told = self.task.get("settings")
        return told if isinstance(told, dict) else {}


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of a project: name -> content."""

    files: Mapping[str, bytes]

    @classmethod
    def of(cls, content: bytes) -> Archive:
        """Unpack *content*.

        Raises:
            Permanent: it is no zip, or far too large.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                if sum(entry.file_size for entry in entries) > _MOST_BYTES:
                    raise Permanent("Qlik Cloud: an export of more than 256 MB is not unpacked")
                return cls({entry.filename: archive.read(entry) for entry in entries})
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError) as error:
            raise Permanent("Qlik Cloud answered an export with something that is no zip file") from error

    def packed(self) -> bytes:
        """As a zip."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(self.files):
                archive.writestr(name, self.files[name])
        return content.getvalue()

    def task(self, task_id: str, name: str) -> TaskFiles:
        """The files of the task of that id, or else of that name.

        Raises:
            Permanent: the export says nothing of it.
        """
        folder = self._folder(task_id, name)
        return TaskFiles(*(self._document(f"{folder}/{file}") for file in (_TASK, _TABLES, _SCHEDULE)))

    def with_task(self, task_id: str, name: str, after: TaskFiles) -> Archive:
        """The same with other files of that task; those that say the same stay as they are written."""
        folder, files = self._folder(task_id, name), dict(self.files)
        for file, document in ((_TASK, after.task), (_TABLES, after.tables), (_SCHEDULE, after.schedule)):
            at = f"{folder}/{file}"
            if document != self._document(at):
                files[at] = yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
        return replace(self, files=files)

    def _folder(self, task_id: str, name: str) -> str:
        named = ""
        for at in sorted(self.files):
            if not at.endswith(f"/{_TASK}") or f"{_FOLDER}/" not in at:
                continue
            properties = self._document(at).get("properties")
            told = properties if isinstance(properties, dict) else {}
            if task_id in {told.get("id"), told.get("taskId")}:
                return at.removesuffix(f"/{_TASK}")
            if told.get("name") == name:
                named = at.removesuffix(f"/{_TASK}")
        if named:
            return named
        raise Permanent(
            f"Qlik Cloud: the export of the project says nothing of task {name!r} in {_FOLDER}/",
            hint="projects of the older form export JSON: migrate it in Qlik Cloud, or leave `method`, `tables`, `settings` and "
            "`schedule` out of its document",
        )

    def _document(self, at: str) -> Document:
        if at not in self.files:
            return {}
        try:
            document = yaml.load(self.files[at], Loader=_PlainLoader)  # noqa: S506 - a SafeLoader with fewer types
        except (yaml.YAMLError, UnicodeDecodeError):
            raise Permanent(f"Qlik Cloud: {at} of the export is no YAML") from None
        return document if isinstance(document, dict) else {}
