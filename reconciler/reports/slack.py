"""A notification as Slack's incoming webhooks take it: a text, and blocks.

Source: Slack, "Formatting text for app surfaces" (of text only ``&``, ``<`` and ``>`` are control characters, and mentions
and links are made of them) and the reference of Block Kit (150 characters of a header, 3,000 of a section).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from reconciler.model.notifications import Event
from reconciler.reports.characters import visible

_HEADER: Final = 150
_SECTION: Final = 2_900
_NAMED: Final = 10
"""Objects with a line of their own, at most."""
_NAMED_FIELDS: Final = 5
_LONGEST_NAME: Final = 80
_LONGEST_LINK: Final = 1_000
_TITLES: Final = {
    Event.APPLIED: "{command} done",
    Event.FAILED: "{command} failed",
    Event.GATE: "{command} waits for a person",
    Event.DRIFT: "somebody changed something",
    Event.DRIFT_RESOLVED: "what had drifted is as applied again",
    Event.SCAN_FAILED: "the look for drift could not see everything",
}
_ICONS: Final = {
    Event.APPLIED: ":white_check_mark:",
    Event.FAILED: ":x:",
    Event.GATE: ":hand:",
    Event.DRIFT: ":warning:",
    Event.DRIFT_RESOLVED: ":white_check_mark:",
    Event.SCAN_FAILED: ":grey_question:",
}


def payload(notification: Mapping[str, Any]) -> dict[str, Any]:
    """The message that tells *notification*, a document as `notification.document` makes it."""
    event = Event(notification["event"])
    title = f"{_where(notification)}: {_TITLES[event].format(command=notification['command'])}"
    counts = ", ".join(_counts(notification))
    body = _body(notification, counts)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER), "emoji": False}},
        *([{"type": "section", "text": _mrkdwn(body)}] if body else ()),
        {"type": "context", "elements": [_mrkdwn("  ·  ".join(_context(notification)))]},
    ]
    text = f"{_ICONS[event]} {_escaped(_cut(title, _HEADER))}" + (f" ({_escaped(counts)})" if counts else "")
    return {"text": text, "blocks": blocks}


def _where(notification: Mapping[str, Any]) -> str:
    return _one_line(f"{notification['project']}/{notification['environment']}")


def _counts(notification: Mapping[str, Any]) -> Iterator[str]:
    for action, statuses in notification["changes"].items():
        yield from (f"{count} {action} {status}" for status, count in statuses.items())
    yield from (f"{count} {verdict}" for verdict, count in notification["drift"].items())


def _body(notification: Mapping[str, Any], counts: str) -> str:
    """What was done, and to what, as far as it fits."""
    lines = [f"*{_escaped(counts)}*"] if counts else []
    lines += _heads(notification)
    objects, named = notification["objects"], 0
    length = sum(len(line) + 1 for line in lines)
    for line in map(_line, objects[:_NAMED]):
        length += len(line) + 1
        if length > _SECTION:
            break
        lines.append(line)
        named += 1
    left = len(objects) - named + notification["objects_left_out"]
    return "\n".join([*lines, *([f"and {left} more"] if left else ())])


def _heads(notification: Mapping[str, Any]) -> Iterator[str]:
    if notification["error"]:
        yield f"{_code(notification['error'])}: the log of the command says more"
    if notification["gates"]:
        yield "held by " + ", ".join(_code(rule) for rule in notification["gates"][:_NAMED])


def _line(one: Mapping[str, Any]) -> str:
    done = " ".join(filter(None, (one["action"], one["status"])))
    fields = [_code(path) for path in one["fields"][:_NAMED_FIELDS]]
    more = len(one["fields"]) - len(fields) + one["fields_left_out"]
    told = ", ".join([*fields, *([f"{more} more"] if more else ())])
    return f"• {_code(one['address'])} {_escaped(done)}" + (f": {told}" if told else "")


def _context(notification: Mapping[str, Any]) -> Iterator[str]:
    yield f"tdr {_escaped(notification['command'])}, exit code {notification['exit_code']}"
    yield f"run {_code(notification['run'])}"
    if notification["digest"]:
        yield _code(notification["digest"][:15])
    # What would end the link or its text is written as the address itself would write it.
    link = _escaped(quote(notification["link"] or "", safe=":/?#[]@!$&()*+,;=%~"))
    if link and len(link) <= _LONGEST_LINK:
        yield f"<{link}|look>"


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: nothing in it becomes a link or a mention by itself.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _code(text: str) -> str:
    """*text* as code, in which no other sign means anything; the one that would end it is replaced."""
    return f"`{_escaped(_cut(_one_line(text), _LONGEST_NAME).replace('`', chr(39)))}`"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
