"""Documents of plans that are made up, for what renders them."""

from __future__ import annotations

from typing import Any

from reconciler.reports.documents import heading

AT = "2026-03-01T00:00:00Z"
HOSTILE = "</script></style><script>document.title='taken'</script>\"'><img src=x onerror=\"document.title='taken'\">{{ 7*7 }}"


def change(address: str, action: str, **more: Any) -> dict[str, Any]:
    """A change as it stands in a plan's document."""
    told = {"create": "not_yet_created", "delete": "not_in_config", "noop": "in_sync"}
    return {
        "address": address,
        "order": 1,
        "account": None,
        "actions": [action],
        "reason": told.get(action, "config_changed"),
        "origin": None if action == "noop" else "config",
        "id": None,
        "identity": {"id": None, "natural_key": None},
        "source": f"manifests/all.yaml:{len(address)}:1",
        "depends_on": [],
        "risk": [],
        "gates": [],
        "irreversible": False,
        "fields": [],
        **more,
    }


def field(path: str, before: object, after: object, **more: Any) -> dict[str, Any]:
    """A field of a change."""
    return {
        "path": path,
        "before": before,
        "after": after,
        "origin": "config",
        "sensitive": False,
        "unknown": False,
        "source": "",
        **more,
    }


def plan(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A plan's document."""
    summary: dict[str, int] = {}
    for one in changes:
        summary[one["actions"][0]] = summary.get(one["actions"][0], 0) + 1
    return heading("plan", AT) | {
        "environment": "prod",
        "complete": True,
        "replace": [],
        "refreshed": True,
        "partial": None,
        "base": {
            "accounts": {"td": "1"}, "config_digest": "", "lineage": "l", "policy_digest": "", "serial": 7,
        },
        "plan_digest": "sha256:" + "ab" * 32,
        "summary": summary,
        "origins": {"config": len(changes)},
        "kinds": {},
        "accounts": {},
        "gates": [],
        "egress": [],
        "warnings": [],
        "api_calls": {},
        "changes": sorted(changes, key=lambda one: one["address"]),
        **more,
    }  # fmt: skip


def run_at(utc: str) -> dict[str, Any]:
    """A run in a schedule."""
    return {"local": utc.replace("Z", "+00:00"), "utc": utc, "note": ""}


def side(cron: str, meaning: str, *runs: str) -> dict[str, Any]:
    """One side of a schedule's entry."""
    return {
        "cron": cron,
        "timezone": "UTC",
        "delay": 0,
        "meaning": meaning,
        "next_runs": [run_at(one) for one in runs],
    }


def large(count: int) -> dict[str, Any]:
    """A plan of *count* changes as large accounts have them: queries with SQL of twenty lines, activations that need them."""
    sql = "\n".join(f"  column_{line} AS c{line}," for line in range(20))
    changes = []
    for number in range(count // 2):
        fields = [
            field("/database", None, "shop"),
            field("/sql", None, f"SELECT\n{sql}\n  1 FROM t{number}"),
            field("/cron", None, "0 3 * * *"),
            field("/timezone", None, "Asia/Tokyo"),
        ]
        changes.append(change(f"query/number-{number:04}", "create", fields=fields))
        moved = [field("/description", "before", "after"), field("/sql", f"SELECT\n{sql}\n 1", f"SELECT\n{sql}\n 2")]
        changes.append(
            change(f"activation/number-{number:04}", "update", fields=moved, depends_on=[f"query/number-{number:04}"])
        )
    return plan(*changes)
