"""Which files are in form, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.manifest.masking import masked_lines
from reconciler.reports.documents import Document, diagnostic_document, heading
from reconciler.reports.values import counted

NOT_WRITTEN = "not-written"
"""Rule of what is wrong with a file and not with what it says."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """One file as it was and as it should be. *file*: relative to the project where it is in one."""

    file: str
    before: bytes
    after: bytes
    is_written: bool

    @property
    def is_different(self) -> bool:
        """Whether it is not in form."""
        return self.before != self.after

    def diff(self) -> str:
        """What is to be changed, as a unified diff; "" when nothing is. Values in place of secrets are masked."""
        before, after = _lines(self.before), _lines(self.after)
        return "".join(_ended(line) for line in unified_diff(before, after, f"a/{self.file}", f"b/{self.file}"))


def _lines(data: bytes) -> list[str]:
    """Lines as tools for diffs see them: nothing but a line feed ends one."""
    *ended, rest = masked_lines(data.decode())
    return [line + "\n" for line in ended] + ([rest] if rest else [])


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def document(files: Iterable[Formatted], problems: Iterable[Diagnostic], created_at: str, *, check: bool) -> Document:
    """Every file that is not in form, and what could not be read or written. *check*: nothing was to be written."""
    every, told = list(files), list(problems)
    changed = sorted((file for file in every if file.is_different), key=lambda file: file.file)
    return heading("fmt", created_at) | {
        "check": check,
        "summary": {
            "files": len(every),
            "changed": len(changed),
            "errors": sum(problem.is_error for problem in told),
        },
        "files": [{"file": file.file, "written": file.is_written, "diff": file.diff()} for file in changed],
        "diagnostics": [diagnostic_document(problem) for problem in told],
    }


def text(document: Mapping[str, Any]) -> str:
    """The names of the files that are not in form, a line each. Ends with a line break, unless there are none."""
    return "".join(f"{line}\n" for line in _names(document))


def diff(document: Mapping[str, Any]) -> str:
    """What is to be changed, as a unified diff."""
    return "".join(file["diff"] for file in document["files"])


def summary(document: Mapping[str, Any]) -> str:
    """One line about all of it."""
    counts = document["summary"]
    done = "not in form" if document["check"] else "put in form"
    errors = f", {counted(counts['errors'], 'error')}" if counts["errors"] else ""
    return f"{counted(counts['files'], 'file')} looked at, {counts['changed']} {done}{errors}."


def _names(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (file["file"] for file in document["files"])
