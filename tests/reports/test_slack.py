"""Messages for Slack: nothing in a name mentions anybody or links anywhere, and every block is as short as it may be."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reconciler.model.notifications import Event
from reconciler.reports import notification, slack

HOSTILE = [
    "<!channel>",
    "<@U0123456>",
    "<https://evil.example|click>",
    "a & b < c > d",
    "``` ` ```",
    "*bold* _it_ ~gone~",
    "two\nlines\r\n> quoted",
    "@here #general :tada:",
    "\u202eesrever\x1b[31m",
    "x" * 5_000,
    "&" * 5_000,
]


def drift(paths: list[str], count: int = 1) -> dict[str, Any]:
    fields = [{"path": path, "applied": "planted", "found": "planted"} for path in paths]
    one = {"verdict": "drifted", "fields": fields, "note": "planted", "source": "planted", "changed_by": "planted"}
    return {
        "format": "tdr.drift",
        "created_at": "2026-02-02T02:00:00Z",
        "digest": "sha256:" + "ab" * 32,
        "summary": {"drifted": count, "missing": 0, "unknown": 0, "in_sync": 1},
        "resources": [one | {"address": f"query/n{number}"} for number in range(count)],
    }


def told(
    document: dict[str, Any], *, project: str = "shop", environment: str = "prod", link: str = ""
) -> dict[str, Any]:
    return notification.document(
        Event.DRIFT, "drift", "9f3a61c0d2e8", 2, document, project=project, environment=environment, link=link
    )  # fmt: skip


def texts(payload: dict[str, Any]) -> list[str]:
    _header, *others = payload["blocks"]
    section = [one["text"]["text"] for one in others if one["type"] == "section"]
    return [payload["text"], *section, *(one["elements"][0]["text"] for one in others if one["type"] == "context")]


def test_a_message_says_where_what_and_how_much() -> None:
    payload = slack.payload(told(drift(["/cron", "/sql"]), link="https://ci.example.com/run/1"))

    header, section, context = payload["blocks"]
    assert header == {
        "type": "header",
        "text": {"type": "plain_text", "text": "shop/prod: somebody changed something", "emoji": False},
    }
    assert section["text"] == {
        "type": "mrkdwn",
        "text": "*1 drifted, 1 in_sync*\n• `query/n0` drifted: `/cron`, `/sql`",
        "verbatim": True,
    }
    assert context["elements"][0]["text"] == (
        "tdr drift, exit code 2  ·  run `9f3a61c0d2e8`  ·  `sha256:abababab`  ·  <https://ci.example.com/run/1|look>"
    )
    assert payload["text"] == ":warning: shop/prod: somebody changed something (1 drifted, 1 in_sync)"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_means_anything_to_slack(name: str) -> None:
    payload = slack.payload(told(drift([f"/{name}"]), project=name, environment=name, link=f"https://x.example/{name}"))

    for text in texts(payload):
        # What is left of control characters: entities, and links of ours.
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)
        assert re.findall(r"<([^|>]*)", text) in ([], re.findall(r"<([^|]*)\|look>", text))
        assert "<!" not in text
        assert "<@" not in text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
        for line in text.split("\n"):
            assert line.count("`") % 2 == 0
    assert "planted" not in json.dumps(payload)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("count", [1, 60])
def test_blocks_are_as_short_as_they_may_be(name: str, count: int) -> None:
    paths = [f"/{number}{name}" for number in range(40)]
    payload = slack.payload(told(drift(paths, count), project=name, link="https://x.example/" + name))

    assert len(payload["blocks"]) <= 50
    assert len(payload["blocks"][0]["text"]["text"]) <= 150
    for text in texts(payload)[1:]:
        assert 0 < len(text) <= 3000
    assert sum(map(len, texts(payload))) < 13_000


def test_what_is_left_out_is_counted() -> None:
    document = told(drift([f"/{number}" for number in range(25)], 60))
    section = texts(slack.payload(document))[1]

    assert (len(document["objects"]), document["objects_left_out"]) == (50, 10)
    assert (len(document["objects"][0]["fields"]), document["objects"][0]["fields_left_out"]) == (20, 5)
    named = section.count("• `query/")
    assert section.endswith(f"\nand {60 - named} more")
    assert ": `/0`, `/1`, `/10`, `/11`, `/12`, 20 more\n" in section


@pytest.mark.parametrize("event", Event)
def test_every_event_has_words(event: Event) -> None:
    error = {"format": "tdr.error", "created_at": "2026-02-02T02:00:00Z", "error": "StalePlan", "message": "planted"}
    document = notification.document(
        event, "apply", "9f3a61c0d2e8", 4, error, project="shop", environment="prod", link=""
    )

    payload = slack.payload(document)

    assert payload["blocks"][0]["text"]["text"].startswith("shop/prod: ")
    assert "`StalePlan`" in texts(payload)[1]
    assert "planted" not in json.dumps([document, payload])
