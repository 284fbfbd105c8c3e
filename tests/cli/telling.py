"""A project whose commands are told to a server of the tests' own, and what is told of."""

from __future__ import annotations

from hook_server import Hook
from stage import Stage

PATH = "/services/T00000000/B00000000/FAKE-hook-path-24chars"
KEY = "FAKE-signing-key-0123456789"
WEBHOOK = (
    'notifications: [{type: webhook, url: "${secret:env:HOOK}", secret: "${secret:env:KEY}", allow_private: true%s}]\n'
)
LOST_TABLE = """\
---
apiVersion: tdr/v1
kind: Table
metadata: {name: lost}
spec: {database: no_such_database, columns: [{name: one, type: long}]}
"""


def telling(stage: Stage, told: Hook, more: str = "", text: str = WEBHOOK) -> Stage:
    stage.write("manifests/environments/local.yaml", text % more if "%s" in text else text)
    stage.environ |= {"HOOK": told.url + PATH, "KEY": KEY}
    return stage


def at_hour(stage: Stage, hour: int) -> None:
    text = (stage.folder / "manifests/shop.yaml").read_text(encoding="utf-8")
    before = text.partition('cron: "0 ')[2].partition(" ")[0]
    stage.write("manifests/shop.yaml", text.replace(f'cron: "0 {before} ', f'cron: "0 {hour} '))


def moved_to(stage: Stage, cron: str) -> None:
    """Somebody else gives the query another schedule."""
    with stage.somebody() as somebody:
        (query,) = somebody.saved_queries()
        somebody.update_saved_query(query["name"], {"cron": cron})
