"""One comment for each environment on a change request, edited in place, and a check beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from reconciler.commands.answer import BLOCKED, DIFFERENCES, OK
from reconciler.errors import Permanent, TdrError
from reconciler.ports.forge import Comment, Conclusion, Forge
from reconciler.reports.forge_pages import Mark, Told, closed, comment, mark_of, past_of, verdict_of
from reconciler.reports.markdown import page
from reconciler.wiring.forges import Setting

_SMALLER: Final = 3
"""How often a page that is too long for the forge is made half as long."""
_SHORTEST: Final = 2_000
_CHECK_CHARS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to.

    document: None where it was ended before it could say. what: ``run`` for what an apply did, else ``plan``.
    """

    document: Mapping[str, Any] | None
    exit_code: int
    what: str

    @classmethod
    def of(cls, document: Mapping[str, Any] | None, exit_code: int) -> Self:
        """By what the document says."""
        return cls(document, exit_code, "run" if document is not None and document["format"] == "tdr.run" else "plan")

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing that anybody has to read."""
        told = self.document
        return (
            told is not None
            and told["format"] == "tdr.plan"
            and self.exit_code == OK
            and all(one["actions"] == ["noop"] for one in told["changes"])
            and not told["warnings"]
        )


def discuss(
    forge: Forge, setting: Setting, about: Told, result: Result, max_chars: int, say: Callable[[str], None]
) -> None:
    """Write the comment of *about*'s environment on the change request, or bring it up to date.

    A job that was overtaken by a newer commit of the change leaves the comment alone. Nothing is written where nothing changes and
    nothing was said before.

    Raises:
        TdrError: there is no change request, or the forge refuses.
    """
    change = setting.change
    if change is None:
        merged = forge.merged_by(setting.commit)
        if merged is None:
            say(f"commit {setting.commit[:12]} was not merged by a change request: there is nothing to comment on")
            return
        change = merged.number
    elif is_overtaken(forge, change, about, say):
        return
    known = mine(forge, change, Mark(result.what, {"project": about.project, "env": about.environment}), about.key)
    if known is None and result.is_quiet:
        say("nothing changes, and nothing was said before: no comment")
        return
    past = past_of(known.body) if known is not None else []
    if past and past[0].head == about.head[:12]:
        past = past[1:]  # the same commit, planned again

    def write(length: int) -> None:
        body = comment(result.what, result.document, about, result.exit_code, past, max_chars=length)
        if known is None:
            forge.add_comment(change, body)
        elif body != known.body:
            forge.edit_comment(change, known.comment_id, body)

    _fitting(write, max_chars)
    say(f"{'edited' if known is not None else 'wrote'} the comment on change request {change}")


def is_overtaken(forge: Forge, change: int, about: Told, say: Callable[[str], None]) -> bool:
    """Whether the change request has a newer commit than the one that this job is about, which is then told."""
    newest = forge.change(change).head
    if newest in {"", about.head}:
        return False
    say(f"{newest[:12]} is newer than {about.head[:12]}: what its job says there is left alone")
    return True


def close(forge: Forge, setting: Setting, about: Told, say: Callable[[str], None]) -> None:
    """Say on the comment of a change request that was closed without being merged that nothing of it was applied."""
    if setting.change is None:
        raise TdrError("there is no change request", hint="run this where one was closed")
    known = mine(forge, setting.change, Mark("plan", {"project": about.project, "env": about.environment}), about.key)
    if known is not None and (body := closed(known.body)) != known.body:
        forge.edit_comment(setting.change, known.comment_id, body)
        say(f"closed the comment on change request {setting.change}")


def judge(forge: Forge, about: Told, result: Result, say: Callable[[str], None]) -> None:
    """Put a check on the commit: done, failed, or waiting for a person."""
    name = f"tdr {result.what} {about.environment}"
    match result.exit_code:
        case code if code in (OK, DIFFERENCES) and result.document is not None:
            conclusion = Conclusion.SUCCESS
        case code if code == BLOCKED:
            conclusion = Conclusion.ACTION_REQUIRED
        case _:
            conclusion = Conclusion.FAILURE
    title = (
        verdict_of(result.document, result.exit_code) if result.document else f"no result, exit code {result.exit_code}"
    )
    shown = page(dict(result.document), verbose=False, max_chars=_CHECK_CHARS) if result.document else title
    forge.judge(about.head, name, conclusion, title, shown)
    say(f"{name}: {conclusion.value}, {title}")


def mine(forge: Forge, change: int, mark: Mark, key: bytes) -> Comment | None:
    """Our comment about the same.

    The author is looked at, for anybody can write a mark; and the seal, where there is a *key*, for all jobs of a repository at
    GitHub write under one name, and some of them write what others tell them.
    """
    found = [
        one
        for one in forge.comments(change)
        if mark.is_same(told := mark_of(one.body)) and told is not None and (not key or told.is_sealed(key))
    ]
    if not found:
        return None
    me = forge.me()
    return next((one for one in found if one.author == me), None)


def _fitting(write: Callable[[int], None], max_chars: int) -> None:
    length = max_chars
    for attempt in range(_SMALLER + 1):
        try:
            write(length)
        except Permanent as refused:
            # A forge that counts otherwise than we do says that it is too long.
            if refused.status not in {413, 422} or attempt == _SMALLER or length // 2 < _SHORTEST:
                raise
            length //= 2
        else:
            return
