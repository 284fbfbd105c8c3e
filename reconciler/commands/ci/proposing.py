"""What a command changed in the manifests, as a change request of its own: nothing reaches the branch unreviewed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reconciler.errors import TdrError, UsageError
from reconciler.ports.forge import Forge
from reconciler.reports.characters import block
from reconciler.scrubbing import everything

_LONGEST_S: Final = 120.0
_AUTHOR: Final = ("-c", "user.name=tdr", "-c", "user.email=tdr@localhost")


def propose(
    forge: Forge, root: Path, manifests: Path, branch: str, onto: str, title: str, say: Callable[[str], None]
) -> None:
    """Commit what differs under *manifests*, push it to *branch*, and open a change request or bring it up to date.

    The branch is ours: what was on it is replaced. The commit is made beside the checkout's branch, which stays as it is.

    Raises:
        UsageError: *branch* is where changes are merged into.
        TdrError: git or the forge refuses.
    """
    if branch == onto:
        raise UsageError(f"{branch!r} is the branch that changes are merged into", hint="name another with --branch")
    if not _git(root, "status", "--porcelain", "--", str(manifests)):
        say("the manifests are as they were committed: there is nothing to propose")
        return
    _git(root, "check-ref-format", "--branch", branch)
    _git(root, "add", "--all", "--", str(manifests))
    tree = _git(root, "write-tree")
    commit = _git(root, *_AUTHOR, "commit-tree", tree, "-p", "HEAD", "-m", title)
    _git(root, "push", "--force", "origin", f"{commit}:refs/heads/{branch}")
    changed = _git(root, "diff", "--stat", "HEAD", commit)
    number = forge.propose(
        branch, onto, title, f"What differs outside, written into the manifests.\n\n{block(changed.splitlines())}\n"
    )
    say(f"change request {number} proposes it")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TdrError(f"git {arguments[0]} cannot be run: {type(error).__name__}", hint="is git installed?") from error
    if done.returncode:
        verb = next(one for one in arguments if not one.startswith("-") and "=" not in one)
        raise TdrError(
            f"git {verb} ended with {done.returncode}: {everything().clean(done.stderr.strip())[:500]}",
            hint="run the same in the checkout; to push, the job's token must be one that may write to the repository",
        )
    return done.stdout.strip()
