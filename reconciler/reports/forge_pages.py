"""What a pipeline writes where changes are discussed: a page, a mark by which it is found again, and what it said before."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.reports import plan_markdown
from reconciler.reports.characters import code, link, prose
from reconciler.reports.markdown import page

_MARK: Final = re.compile(r"<!-- tdr:([a-z-]+)((?: [a-z]+=[A-Za-z0-9._:/-]*)*) -->")
_PAST: Final = re.compile(r"<!-- tdr:past (\[.*\]) -->")
_HARMFUL: Final = re.compile(r"[^A-Za-z0-9 ,.:\"\[\]\\]")
"""Signs that are written as escapes of JSON, so that nothing in a hidden line ends it or means anybody."""
_SEAL: Final = "seal"
_KEPT: Final = 5
"""How many plans before this one a comment names."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a comment or an issue is about, hidden in its first line. Values are of letters that end no comment."""

    what: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        told = "".join(f" {name}={_plain(value)}" for name, value in self.values.items())
        return f"<!-- tdr:{self.what}{told} -->"

    def sealed(self, key: bytes) -> Mark:
        """With a seal that only who has *key* can make."""
        return Mark(self.what, {**self._open, _SEAL: self._seal(key)})

    def is_sealed(self, key: bytes) -> bool:
        """Whether it was sealed with *key*, and nothing of it changed since."""
        return hmac.compare_digest(self.values.get(_SEAL, "").encode(), self._seal(key).encode())

    @property
    def _open(self) -> dict[str, str]:
        return {name: _plain(value) for name, value in self.values.items() if name != _SEAL}

    def _seal(self, key: bytes) -> str:
        told = "\n".join((self.what, *(f"{name}={value}" for name, value in sorted(self._open.items()))))
        return hmac.digest(key, told.encode(), "sha256").hex()[:32]

    def is_same(self, other: Mark | None) -> bool:
        """Whether *other* is about the same project and environment."""
        return other is not None and all(
            (self.what, self.values.get(name)) == (other.what, other.values.get(name)) for name in ("project", "env")
        )


def mark_of(body: str) -> Mark | None:
    """The mark at the beginning of *body*; None where there is none. One further down may be a quotation."""
    found = _MARK.match(body)
    if found is None:
        return None
    pairs = (pair.partition("=") for pair in found[2].split())
    return Mark(found[1], {name: value for name, _, value in pairs})


@dataclass(frozen=True, slots=True)
class Said:
    """A plan that a comment told before: of which commit, when, and how it came out."""

    head: str
    at: str
    verdict: str


def past_of(body: str) -> list[Said]:
    """What *body* told and says it told before, the newest first. What is damaged is left out."""
    found = _PAST.search(body)
    if found is None:
        return []
    try:
        told = json.loads(found[1])
    except ValueError:
        return []
    return [Said(*map(str, one)) for one in told if isinstance(one, list) and len(one) == 3]


@dataclass(frozen=True, slots=True)
class Told:
    """What a comment is about. *head*: commit; *run_url*: page of the pipeline's run, or "".

    key: what our comments are sealed with, for others may write under our name; b"" where there is none.
    """

    project: str
    environment: str
    head: str
    run_url: str
    key: bytes = field(default=b"", repr=False)


def comment(
    what: str,
    document: Mapping[str, Any] | None,
    about: Told,
    exit_code: int,
    past: Sequence[Said] = (),
    *,
    max_chars: int,
) -> str:
    """A comment on a change request, its mark first.

    what: ``plan`` or ``run``. document: what the command came to; None where it was ended before it could say.
    past: what the comment said before, the newest first.

    Raises:
        TdrError: what must not be left out is longer than *max_chars*.
    """
    digest = str(document.get("plan_digest", "")) if document else ""
    mark = Mark(
        what, {"project": about.project, "env": about.environment, "v": "1", "head": about.head, "digest": digest}
    )
    if about.key:
        mark = mark.sealed(about.key)
    seen = link("its run", about.run_url)
    if document is None:
        shown = f"### {what.capitalize()} for {code(about.environment)} came to no result, exit code {exit_code}\n\nSee {seen}.\n"
        verdict = f"no result, exit code {exit_code}"
    else:
        shown, verdict = "", verdict_of(document, exit_code)
    now = Said(about.head[:12], str(document["created_at"]) if document else "", verdict)
    kept = [now, *past][: _KEPT + 1]
    hidden = _HARMFUL.sub(
        lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps([[one.head, one.at, one.verdict] for one in kept])
    )
    tail = [f"\nCommit {code(about.head[:12])}, {seen}." + (_how(what, digest) if document else "")]
    if len(kept) > 1:
        lines = [f"- {code(one.head)} {prose(one.at)} {prose(one.verdict)}" for one in kept[1:]]
        tail += ["", f"<details><summary>Before ({len(lines)})</summary>", "", *lines, "", "</details>"]
    end = "\n".join([*tail, f"<!-- tdr:past {hidden} -->"]) + "\n"
    if document is not None:
        shown = page(dict(document), verbose=False, max_chars=max_chars - len(end) - len(str(mark)) - 1)
    return f"{mark}\n{shown}{end}"


def verdict_of(document: Mapping[str, Any], exit_code: int) -> str:
    """How a command came out, in a few plain words."""
    match document["format"]:
        case "tdr.plan":
            doing = [one for one in document["changes"] if one["actions"] != ["noop"]]
            return plan_markdown.verdict(document, doing).replace("**", "")
        case "tdr.run":
            counts = ", ".join(f"{count} {status}" for status, count in document["summary"].items())
            return counts or "nothing to do"
        case "tdr.validation":
            return f"{document['summary']['errors']} errors in the manifests"
        case _:
            return f"failed, exit code {exit_code}"


def closed(body: str) -> str:
    """*body* of a comment on a change request that was closed without being merged."""
    mark, _, rest = body.partition("\n")
    note = "**Closed, not applied.**\n"
    return body if rest.startswith(note) else f"{mark}\n{note}\n{rest}"


def _how(what: str, digest: str) -> str:
    if what != "plan" or not digest:
        return ""
    return f" Merging applies exactly this plan, {code(digest[:15])}."


def _plain(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9._:/-]|--+>?", "_", value)
