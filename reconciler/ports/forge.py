"""Where a repository lives and its changes are discussed: what a pipeline reads and writes there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Provider(StrEnum):
    """Who runs the pipeline."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class Conclusion(StrEnum):
    """How a check of a commit came out."""

    SUCCESS = "success"
    FAILURE = "failure"
    ACTION_REQUIRED = "action_required"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a change request. *author* is a login name."""

    comment_id: str
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue. *closed_at*: RFC 3339, "" while it is open."""

    number: int
    author: str
    body: str
    closed_at: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A pull or merge request. *head*: its newest commit. is_of_fork: it comes from another repository."""

    number: int
    head: str
    is_merged: bool = False
    is_of_fork: bool = False


class Forge(Protocol):
    """One repository of a forge. Whatever fails raises a `ProviderError` that says which permission is missing, if one is."""

    def close(self) -> None:
        """Close the connections."""
        ...

    def me(self) -> str:
        """The login name under which we write."""
        ...

    def comments(self, change: int) -> Iterator[Comment]:
        """All comments on a change request, the oldest first."""
        ...

    def add_comment(self, change: int, body: str) -> None:
        """Comment on a change request."""
        ...

    def edit_comment(self, change: int, comment_id: str, body: str) -> None:
        """Put *body* in the place of what a comment says."""
        ...

    def labels(self, change: int) -> frozenset[str]:
        """Names of the labels that a change request has."""
        ...

    def add_label(self, change: int, name: str) -> None:
        """Put a label on a change request; the repository gets it where it does not know it."""
        ...

    def remove_label(self, change: int, name: str) -> None:
        """Take a label off a change request. One that is off already is no error."""
        ...

    def issues(self, label: str) -> Iterator[Issue]:
        """All issues with *label*, open and closed."""
        ...

    def open_issue(self, title: str, body: str, label: str) -> int:
        """Open an issue; returns its number."""
        ...

    def edit_issue(self, number: int, body: str) -> None:
        """Put *body* in the place of what an issue says. Nobody is told."""
        ...

    def close_issue(self, number: int) -> None:
        """Close an issue as done."""
        ...

    def reopen_issue(self, number: int) -> None:
        """Open a closed issue again."""
        ...

    def comment_on_issue(self, number: int, body: str) -> None:
        """Comment on an issue, of which people are told."""
        ...

    def change(self, number: int) -> ChangeRequest:
        """A change request as it is now."""
        ...

    def merged_by(self, commit: str) -> ChangeRequest | None:
        """The change request that brought *commit* to its branch; None where it was pushed."""
        ...

    def planned(self, environment: str, change: ChangeRequest) -> bytes | None:
        """The saved plan that a pipeline of *change*'s head left for *environment*; None where there is none, or no longer."""
        ...

    def judge(self, commit: str, name: str, conclusion: Conclusion, title: str, page: str) -> None:
        """Put a check on *commit*. *page* is Markdown, which not every forge shows."""
        ...

    def failed_before(self) -> bool:
        """Whether the scheduled run of this pipeline before this one failed."""
        ...

    def propose(self, branch: str, onto: str, title: str, body: str) -> int:
        """Open a change request from *branch*, or bring the one that is open up to date; returns its number."""
        ...
