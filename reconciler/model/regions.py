"""Regions of Treasure Data, and what else people call them."""

from __future__ import annotations

from typing import Final

# docs.treasuredata.com "Sites and Endpoints", td-mcp-server and pytd; ap03 follows the pattern of its CDP host.
HOSTS: Final = {
    "us01": "api.treasuredata.com",
    "jp01": "api.treasuredata.co.jp",
    "eu01": "api.eu01.treasuredata.com",
    "ap02": "api.ap02.treasuredata.com",
    "ap03": "api.ap03.treasuredata.com",
}
OTHER_NAMES: Final = {"us": "us01", "aws": "us01", "jp": "jp01", "tokyo": "jp01", "aws-tokyo": "jp01"}


def canonical_account(written: str) -> str:
    """``us/1234`` and ``api.treasuredata.com/1234`` as ``us01/1234``; anything else as it is, without blanks around it."""
    place, slash, account = written.strip().rpartition("/")
    called = place.strip().lower().removeprefix("https://")
    by_host = {host: name for name, host in HOSTS.items()}
    known = OTHER_NAMES.get(called) or by_host.get(called) or (called if called in HOSTS else place)
    return f"{known}{slash}{account}"
