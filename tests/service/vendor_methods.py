"""What the vendor's Python clients offer, what of it the tests call, and what does not apply here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tdclient
import tdworkflow

PAGE = Path(__file__).parents[2] / "docs" / "endpoints.md"
_BOTH_SPELLINGS = {
    "databases": "list_databases",
    "tables": "list_tables",
    "schedules": "list_schedules",
    "jobs": "list_jobs",
    "results": "list_result",
    "users": "list_users",
    "bulk_imports": "list_bulk_imports",
    "bulk_import": "show_bulk_import",
    "job": "show_job",
    "database": "list_databases",
    "table": "list_tables",
}
"""Method of td-client's `Client` -> the method of its `API` that sends the request."""
_OF_TD_CLIENT_ITSELF = {
    *("DEFAULT_ENDPOINT", "DEFAULT_IMPORT_ENDPOINT", "JOB_PRIORITY", "api", "apikey", "endpoint", "close"),
    *("get", "post", "put", "delete", "build_request", "send_request", "checked_json", "raise_error"),
    "validate_part_name",
}
_OF_TDWORKFLOW_ITSELF = {"get", "post", "put", "delete", "http"}
"""Members that send nothing of their own."""


@dataclass(frozen=True)
class VendorClient:
    """One client. *does_not_apply* tells why, for each method that is not called."""

    offered: frozenset[str]
    called: frozenset[str]
    does_not_apply: Mapping[str, str]


def _called(tests: str, call: str) -> set[str]:
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob(tests)]
    return {name for text in texts for name in re.findall(call, text)}


def _td_client() -> VendorClient:
    members = {*vars(tdclient.Client), *(name for name, _ in inspect.getmembers(tdclient.api.API))}
    offered = {name for name in members if not name.startswith("_")} - _OF_TD_CLIENT_ITSELF
    called = _called("test_service_td_client*.py", r"\b(?:td|client|theirs|api)\.(?:api\.)?([a-z_]+)\(")
    called |= {_BOTH_SPELLINGS[name] for name in called & _BOTH_SPELLINGS.keys()}
    return VendorClient(
        frozenset(offered),
        frozenset(called & offered),
        {
            "add_apikey": "the service tells nobody its keys; `TDR_SERVICE_KEY` adds one",
            "add_user": "there is one user, whoever runs the process",
            "authenticate": "nobody has a password here",
            "export_data": "it copies a table into a bucket at a cloud; nothing leaves this machine but by exports of queries",
            "list_apikeys": "as `add_apikey`",
            "remove_apikey": "as `add_apikey`",
            "remove_user": "as `add_user`",
        },
    )


def _tdworkflow() -> VendorClient:
    members = {name for name, _ in inspect.getmembers(tdworkflow.client.Client) if not name.startswith("_")}
    offered = members - _OF_TDWORKFLOW_ITSELF
    called = _called("test_service_tdworkflow.py", r"\bclient\.([a-z_]+)\(")
    return VendorClient(frozenset(offered), frozenset(called & offered), {})


def _pytd() -> VendorClient:
    """Its methods are not told here: its own test watches it in its own environment."""
    reason = "it downloads a jar and writes into the vendor's storage, past its API"
    return VendorClient(frozenset(), frozenset(), {"SparkWriter": reason})


CLIENTS = {"td-client": _td_client(), "tdworkflow": _tdworkflow(), "pytd": _pytd()}


def told_on_the_page(client: str) -> tuple[list[str], dict[str, str]]:
    """The methods that the page says are called, in its order, and those that are not, with their reasons."""
    section = PAGE.read_text("utf-8").partition(f"\n### {client}\n\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    called = re.findall(r"`([A-Za-z_.]+)`", section.partition("\n\n")[0])
    rows = re.findall(r"^\| `([A-Za-z_.]+)` \| (.+) \|$", section, re.MULTILINE)
    return called, dict(rows)
