"""One issue for each environment that drifts: opened, kept up to date, and closed by itself.

Found by a hidden mark and its author, never by its title. People are told only when something else has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.commands.answer import DIFFERENCES, OK
from reconciler.ports.forge import Forge, Issue
from reconciler.reports import drift_issue
from reconciler.reports.characters import code, link, prose
from reconciler.reports.forge_pages import Mark, mark_of

_REOPENED_FOR_S: Final = 7 * 86400.0
"""An issue closed so long ago is about something else."""
_SCAN: Final = "scan"


@dataclass(frozen=True, slots=True)
class Look:
    """A look for drift. *document*: None where it came to none. now: Unix seconds. run_url: its page, or ""."""

    document: Mapping[str, Any] | None
    exit_code: int
    project: str
    environment: str
    now: float
    run_url: str = ""

    @property
    def drift(self) -> Mapping[str, Any] | None:
        """What was found, where the look saw everything."""
        known = self.document is not None and self.document["format"] == "tdr.drift"
        return self.document if known and self.exit_code in (OK, DIFFERENCES) else None


def keep(forge: Forge, look: Look, label: str, max_chars: int, say: Callable[[str], None]) -> None:
    """Bring the issue in line with *look*. A look that could not see everything closes nothing.

    Raises:
        TdrError: the forge refuses, or what must be said does not fit.
    """
    known = list(forge.issues(label))
    me = forge.me() if known else ""
    ours = [issue for issue in known if issue.author == me]
    about = {"project": look.project, "env": look.environment}
    issue = _one(forge, [one for one in ours if Mark("drift", about).is_same(mark_of(one.body))], say)
    scan = _one(forge, [one for one in ours if Mark("drift-scan", about).is_same(mark_of(one.body))], say)
    if look.drift is None:
        _failed(forge, look, scan, label, say)
        return
    if scan is not None and not scan.closed_at:
        forge.comment_on_issue(scan.number, f"Looks see everything again{_by(look)}.")
        forge.close_issue(scan.number)
        say(f"closed issue {scan.number}: looks see everything again")
    if look.exit_code == OK:
        _clean(forge, look, issue, say)
    else:
        _drifted(forge, look, look.drift, issue, label, max_chars, say)


def _drifted(
    forge: Forge,
    look: Look,
    drift: Mapping[str, Any],
    issue: Issue | None,
    label: str,
    max_chars: int,
    say: Callable[[str], None],
) -> None:
    seen = f"\nLast seen at {_text(look.now)}{_by(look)}.\n"
    body = drift_issue.body(drift, look.project, max_chars=max_chars - len(seen)) + seen
    if issue is None or (issue.closed_at and look.now - _moment(issue.closed_at) > _REOPENED_FOR_S):
        number = forge.open_issue(f"Drift in {look.environment}", body, label)
        say(f"opened issue {number}")
        return
    before = mark_of(issue.body)
    forge.edit_issue(issue.number, body)
    if issue.closed_at:
        forge.reopen_issue(issue.number)
        forge.comment_on_issue(issue.number, f"It differs again{_by(look)}.")
        say(f"reopened issue {issue.number}")
    elif before is None or before.values.get("digest") != drift["digest"]:
        moved = ", ".join(code(one["address"]) for one in drift["resources"] if one["verdict"] != "in_sync")[:1000]
        forge.comment_on_issue(issue.number, f"Something else differs now{_by(look)}: {moved}.")
        say(f"edited issue {issue.number}: something else differs now")
    else:
        say(f"issue {issue.number}: still the same")


def _clean(forge: Forge, look: Look, issue: Issue | None, say: Callable[[str], None]) -> None:
    if issue is None or issue.closed_at:
        say("nothing differs, and no issue is open")
        return
    forge.comment_on_issue(issue.number, f"Nothing differs any more{_by(look)}.")
    forge.close_issue(issue.number)
    say(f"closed issue {issue.number}: nothing differs any more")


def _failed(forge: Forge, look: Look, scan: Issue | None, label: str, say: Callable[[str], None]) -> None:
    """A look that failed twice has an issue of its own; once may be a bad night of a vendor."""
    is_open = scan is not None and not scan.closed_at
    if not is_open and not forge.failed_before():
        say("the look did not see everything; issues stay as they are")
        return
    why = "it came to no result" if look.document is None else _why(look.document)
    mark = Mark("drift-scan", {"project": look.project, "env": look.environment, "v": "1"})
    body = (
        f"{mark}\nLooking for drift in {code(look.environment)} fails, exit code {look.exit_code}: {why}.\n\n"
        f"Until it works nobody knows whether something differs. Last seen at {_text(look.now)}{_by(look)}.\n"
    )
    if scan is None:
        say(f"opened issue {forge.open_issue(f'Looking for drift in {look.environment} fails', body, label)}")
        return
    forge.edit_issue(scan.number, body)
    if scan.closed_at:
        forge.reopen_issue(scan.number)
    say(f"issue {scan.number}: looks still fail")


def _why(document: Mapping[str, Any]) -> str:
    if document["format"] == "tdr.drift":
        unread = [f"{one['address']}: {one['note']}" for one in document["resources"] if one["verdict"] == "unknown"]
        unread += [f"{one['where']}: {one['why']}" for one in document.get("unlisted", ())]
        return prose("; ".join(unread)[:2000]) or "not all could be read"
    return prose(str(document.get("message") or "the manifests are invalid")[:2000])


def _one(forge: Forge, found: list[Issue], say: Callable[[str], None]) -> Issue | None:
    """The issue to keep: the oldest that is open, else the one closed last. Two that are open were opened at the same time."""
    opened = sorted((one for one in found if not one.closed_at), key=lambda one: one.number)
    for other in opened[1:]:
        forge.comment_on_issue(other.number, f"The same as #{opened[0].number}.")
        forge.close_issue(other.number)
        say(f"closed issue {other.number}, which is the same as {opened[0].number}")
    if opened:
        return opened[0]
    return max(found, key=lambda one: one.closed_at, default=None)


def _by(look: Look) -> str:
    return f", as {link('this run', look.run_url)} found" if look.run_url.startswith(("https://", "http://")) else ""


def _text(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
