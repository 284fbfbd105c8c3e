"""What a forge holds of one repository, whatever its API looks like."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LONGEST_BODY = 65_536
BOT = "tdr-bot"
TOKEN = "FAKE-forge-token-0123456789"


@dataclass
class Change:
    """A pull or merge request."""

    number: int
    branch: str
    head: str
    title: str = ""
    body: str = ""
    state: str = "open"
    merge_commit: str = ""
    labels: set[str] = field(default_factory=set)
    of_fork: bool = False


@dataclass
class Issue:
    """An issue."""

    number: int
    title: str
    body: str
    label: str
    author: str = BOT
    closed_at: str = ""
    comments: list[str] = field(default_factory=list)


@dataclass
class Note:
    """A comment on a change."""

    note_id: int
    change: int
    author: str
    body: str


@dataclass
class Left:
    """Files that a job left."""

    number: int
    name: str
    head: str
    files: dict[str, bytes]
    of_fork: bool = False
    expired: bool = False


@dataclass
class World:
    """Everything. *git*: the bare repository. refused: paths whose last part is refused with 403.

    archives_at: where files of jobs are said to be; "" for here. ignores_pages: every page is the first one.
    damage: what becomes of an archive.
    """

    git: Path
    changes: dict[int, Change] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    past_failed: bool = False
    may_ask_who: bool = True
    archives_at: str = ""
    ignores_pages: bool = False
    damage: Callable[[bytes], bytes] = bytes
    refused: set[str] = field(default_factory=set)
    busy: int = 0
    longest: int = LONGEST_BODY
    calls: list[str] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> str:
        """The time at the forge."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def number(self) -> int:
        return next(self._numbers)

    def head_of(self, branch: str) -> str:
        """The commit that *branch* is at."""
        return self.in_git("rev-parse", f"refs/heads/{branch}")

    def in_git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.git, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def open_change(self, branch: str, title: str = "", body: str = "") -> Change:
        change = Change(self.number(), branch, self.head_of(branch), title, body)
        self.changes[change.number] = change
        return change

    def note(self, change: int, body: str, author: str = BOT) -> Note:
        note = Note(self.number(), change, author, body)
        self.notes.append(note)
        return note

    def ours(self, change: int) -> list[str]:
        """Bodies of what we wrote there."""
        return [note.body for note in self.notes if note.change == change and note.author == BOT]

    def open_issues(self) -> list[Issue]:
        return [issue for issue in self.issues.values() if not issue.closed_at]
