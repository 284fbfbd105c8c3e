"""Which revision of a project is at work."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.manifest import Project
from reconciler.manifest.project import SETTINGS
from reconciler.model.json import Json

_IN_PIPELINES = ("GITHUB_SHA", "CI_COMMIT_SHA")
_LONGEST_S = 5.0
_OID = "# branch.oid "
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Revision:
    """What a project was checked out from.

    commit: hex digits; "" when nobody knows.
    is_dirty: whether its settings and manifests differ from that commit; None when nobody can tell.
    """

    commit: str
    is_dirty: bool | None = None

    def to_json(self) -> dict[str, Json]:
        """As it stands in a document: nothing when there is no commit."""
        return {"commit": self.commit, "dirty": self.is_dirty} if self.commit else {}


def revision_of(project: Project, environ: Mapping[str, str]) -> Revision:
    """What the project's folder was checked out from: what a pipeline says, else git, else the files of git itself."""
    told = next((environ[name] for name in _IN_PIPELINES if environ.get(name)), "")
    folder = _git_folder(project.root)
    if folder is None:
        return Revision(told)
    asked = _asked(project)
    if asked is None:
        return Revision(told or _head(folder))
    return Revision(told or asked.commit, asked.is_dirty)


def _git_folder(root: Path) -> Path | None:
    """Where git keeps what it knows of *root*; a worktree has a file that says where."""
    for folder in (root, *root.parents):
        place = folder / ".git"
        if place.is_dir():
            return place
        if place.is_file():
            named = _read(place).removeprefix("gitdir:").strip()
            return folder / named if named else None
    return None


def _asked(project: Project) -> Revision | None:
    """What git says; None when it is not installed or does not answer."""
    paths = (SETTINGS, str(project.manifests))
    command = ("git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=all", "--")
    try:
        asked = subprocess.run(
            [*command, *paths],
            cwd=project.root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = asked.stdout.splitlines()
    commit = next((line.removeprefix(_OID) for line in lines if line.startswith(_OID)), "")
    if asked.returncode or not commit:
        return None
    is_dirty = any(not line.startswith("#") for line in lines)
    return Revision(commit if _HEX.issuperset(commit) else "", is_dirty)


def _head(folder: Path) -> str:
    """The commit that the files of git in *folder* name; "" when there is none or they are kept in another form."""
    head = _read(folder / "HEAD").strip()
    if not head.startswith("ref:"):
        return head if _HEX.issuperset(head) else ""
    name = head.removeprefix("ref:").strip()
    # Branches of a worktree are kept with those of the folder that it belongs to.
    common = folder / (_read(folder / "commondir").strip() or ".")
    loose = _read(common / name).strip()
    packed = (line.partition(" ") for line in _read(common / "packed-refs").splitlines())
    found = loose or next((commit for commit, _, known in packed if known == name), "")
    return found if _HEX.issuperset(found) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
