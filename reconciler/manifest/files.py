"""Text files that manifests name: read from inside the project only, and put where the spec wants the text."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

from pydantic import BaseModel

from reconciler.manifest.shapes import Slot, file_fields, slots
from reconciler.manifest.source import Undecodable, decode
from reconciler.model.spec import FolderTexts

MAX_BYTES = 8 * 1024 * 1024
MAX_FOLDER_BYTES = 50 * 1024 * 1024
MOST_FILES = 5_000

Model = TypeVar("Model", bound=BaseModel)


class FileRefused(Exception):
    """A file cannot be used. The message never shows its content."""

    def __init__(self, rule: str, message: str, hint: str) -> None:
        """Hold the reason and what to do."""
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.hint = hint


def confined(root: Path, path: str) -> Path:
    """The file at *path* below *root*, links followed.

    Raises:
        FileRefused: it lies outside, or the path is absolute on any system.
    """
    windows = PureWindowsPath(path)
    is_absolute = PurePosixPath(path).is_absolute() or bool(windows.drive or windows.root)
    resolved = root.joinpath(path).resolve() if not is_absolute and "\0" not in path else None
    if resolved is None or not resolved.is_relative_to(root.resolve()):
        message = f"file {path!r} lies outside the project"
        raise FileRefused(
            "file-outside-project", message, "name a file inside the project, relative to tdr.yaml; links are followed"
        )
    return resolved


def read_file(path: str | Path, file: str) -> bytes:
    """The bytes of the file at *path*, which messages call *file*.

    Opening a pipe waits for somebody to write into it, perhaps for ever; so nothing but a regular file is waited for.

    Raises:
        FileRefused: it is none, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(handle, "rb") as opened:  # noqa: PTH123 - ten thousand times; a Path each is the larger part of it
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode):
                raise _no_file(mode, file)
            return opened.read()
    except OSError as error:
        # A socket cannot even be opened, and a folder not as a file.
        mode = _mode(path)
        if mode and not stat.S_ISREG(mode):
            raise _no_file(mode, file) from error
        message = f"`{file}` cannot be read: {error.strerror}"
        raise FileRefused("file-not-readable", message, "check its permissions") from error


def _mode(path: str | Path) -> int:
    """Kind and permissions of what is at *path*; 0 when that cannot be told."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - the path may be text
    except OSError:
        return 0


def _no_file(mode: int, file: str) -> FileRefused:
    what = next((name for is_one, name in _KINDS if is_one(mode)), "something else")
    return FileRefused("not-a-file", f"`{file}` is {what}, not a file", "put a file there, or give it another name")


_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class TextFiles:
    """Reads text files of one project, each once."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._root = root
        self._texts: dict[str, str] = {}

    def read(self, path: str) -> str:
        """The text of a file, line ends as LF.

        Raises:
            FileRefused: it lies outside the project, is not there, is too large or is not UTF-8.
        """
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def read_folder(self, path: str) -> dict[str, str]:
        """The files below a folder, by their paths in it, texts as they are; what begins with a dot is left out, as by the vendor.

        Raises:
            FileRefused: it is no folder of the project, or something in it is no text or no plain file.
        """
        folder = confined(self._root, path)
        if not folder.is_dir():
            raise FileRefused("folder-not-found", f"folder {path!r} does not exist", "it is relative to tdr.yaml")
        texts: dict[str, str] = {}
        size = 0
        for file in _files_below(folder):
            inside = file.relative_to(folder).as_posix()
            if not confined(folder, inside).is_relative_to(folder):
                raise FileRefused(
                    "file-outside-project", f"{inside!r} in {path!r} leads out of it", "copy the file there"
                )
            content = read_file(file, f"{path}/{inside}")
            size += len(content)
            if len(texts) >= MOST_FILES or size > MAX_FOLDER_BYTES:
                message = f"folder {path!r} has more than {MOST_FILES:,} files or {MAX_FOLDER_BYTES:,} bytes"
                raise FileRefused("folder-too-large", message, "name the folder of one workflow project")
            try:
                texts[inside] = content.decode()
            except UnicodeDecodeError as error:
                message = f"file {inside!r} in {path!r} is no UTF-8: byte 0x{content[error.start]:02X} at offset {error.start}"
                raise FileRefused("not-utf-8", message, "only text files are pushed; put others elsewhere") from error
        if not texts:
            raise FileRefused("folder-empty", f"folder {path!r} holds no file", "put a `.dig` file there")
        return texts

    def read_so_far(self) -> Mapping[str, str]:
        """Path -> text of what was read."""
        return self._texts

    def _read(self, path: str) -> str:
        file = confined(self._root, path)
        if not file.exists():
            raise FileRefused(
                "file-not-found", f"file {path!r} does not exist", "paths are relative to the folder of tdr.yaml"
            )
        try:
            if file.is_file() and file.stat().st_size > MAX_BYTES:
                raise FileRefused(
                    "file-too-large", f"file {path!r} has more than {MAX_BYTES:,} bytes", "name a text file"
                )
            return decode(read_file(file, path))
        except OSError as error:
            message = f"file {path!r} cannot be read: {error.strerror}"
            raise FileRefused("file-not-readable", message, "check its permissions") from error
        except Undecodable as error:
            message = f"file {path!r} is not valid UTF-8: byte 0x{error.byte:02X} at offset {error.offset}"
            raise FileRefused("not-utf-8", message, "save the file as UTF-8") from error


def _files_below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files_below(entry)
        else:
            yield entry


Refuse = Callable[[str, FileRefused], None]
"""Told the pointer of a field and why its file cannot be used."""


def with_texts(value: Model, files: TextFiles, refuse: Refuse, path: str = "") -> Model:
    """*value* with the text of every file that it names put into the field beside the name."""
    if not file_fields(type(value)):
        return value
    changed: dict[str, object] = {}
    for slot in slots(type(value)):
        inner = getattr(value, slot.attribute)
        where = f"{path}/{slot.key}"
        if isinstance(inner, BaseModel):
            filled = with_texts(inner, files, refuse, where)
            if filled is not inner:
                changed[slot.attribute] = filled
        elif slot.file_text is not None and isinstance(inner, str):
            try:
                _refuse_both(value, slot, slot.file_text.into)
                is_folder = isinstance(slot.file_text, FolderTexts)
                changed[slot.file_text.into] = files.read_folder(inner) if is_folder else files.read(inner)
            except FileRefused as refused:
                refuse(where, refused)
    return value.model_copy(update=changed) if changed else value


def _refuse_both(value: BaseModel, slot: Slot, into: str) -> None:
    if getattr(value, into) is not None:
        message = f"`{slot.key}` and `{into}` are both given"
        raise FileRefused("file-and-text", message, f"keep `{slot.key}` or `{into}`")
