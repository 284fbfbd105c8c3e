"""Pinterest's own Python client, in an environment of its own, against the emulator."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.sandbox import Sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-vendor-clients" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
DRIVER = Path(__file__).with_name("pinterest_official_driver.py")

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no `.venv-vendor-clients`: `make test` creates it")

LIST = {
    "id": "4189755",
    "ad_account_id": "549700000001",
    "name": "vip",
    "status": "PROCESSING",
    "type": "customerlist",
    "batches": 1,
    "uploaded": 2,
    "removed": 0,
    "exceptions": {},
}
AUDIENCE = {
    "id": "2542620905473",
    "name": "vip",
    "audience_type": "CUSTOMER_LIST",
    "description": "best",
    "list_id": "4189755",
    "size": 0,
    "status": "INITIALIZING",
}
BETTER = AUDIENCE | {"name": "very vip", "description": "better"}
EXPECTED = {
    "account": {"name": "Sandbox shop", "currency": "USD", "country": "US"},
    "user": "sandbox",
    "list created": LIST,
    "list after add": LIST | {"batches": 2, "uploaded": 3},
    "list after remove": LIST | {"batches": 3, "uploaded": 3, "removed": 1},
    "audience created": AUDIENCE,
    "audience updated": BETTER,
    "audience read again": BETTER,
    "list pages": [["4189755", "4189756"], ["4189757", "4189758"], ["4189759"]],
    "list pages, newest first": [["4189759", "4189758", "4189757", "4189756"], ["4189755"]],
    "audience pages": [["2542620905473"]],
    "wrong token": {"error": "UnauthorizedException", "status": 401, "code": 2},
    "scope missing": {"error": "UnauthorizedException", "status": 401, "code": 3},
    "role missing": {"error": "ForbiddenException", "status": 403, "code": 29},
    "account unknown": {"error": "NotFoundException", "status": 404, "code": 2},
    "list unknown": {"error": "NotFoundException", "status": 404, "code": 404},
    "audience unknown": {"error": "NotFoundException", "status": 404, "code": 404},
    "list of no one": {"error": "ApiException", "status": 400, "code": 1},
    "refresh refused": {"error": "SdkException", "status": 401, "code": 283},
    "typed refresh": {
        "class": "OauthAccessTokenResponseRefresh",
        "expires_in": 2_592_000,
        "scope": "ads:read ads:write catalogs:read user_accounts:read",
        "refresh_token_expires_in": 5_184_000,
    },
}


@pytest.fixture
def told(sandbox: Sandbox, tmp_path: Path) -> dict[str, Any]:
    """What the client made of it all. It reads `.env` and `config.json` of its folder, so that is an empty one."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PINTEREST_API_URI": sandbox.base_url,
        "PINTEREST_APP_ID": "1500001",
        "PINTEREST_APP_SECRET": "secret-of-the-app",
        "PINTEREST_REFRESH_ACCESS_TOKEN": "pinr.granted",
        "TDR_TOKEN_READ": sandbox.control.access_token("ads:read"),
    }
    finished = subprocess.run(
        [PYTHON, DRIVER], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def test_the_official_client_works_as_with_pinterest(told: dict[str, Any], sandbox: Sandbox) -> None:
    assert told == EXPECTED
    people = ("jane@example.com", "joan@example.com")
    assert sandbox.control.members("4189755") == sorted(hashlib.sha256(one.encode()).hexdigest() for one in people)
