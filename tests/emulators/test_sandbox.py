from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_contract import NO_TLS

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.errors import TdrError

LISTS = "/ad_accounts/549700000001/customer_lists"
JANE = hashlib.sha256(b"jane@example.com").hexdigest()
JOHN = hashlib.sha256(b"john@example.com").hexdigest()


def client_of(sandbox: Sandbox, token: str | None = None) -> httpx.Client:
    authorization = f"Bearer {token or sandbox.control.access_token()}"
    return httpx.Client(base_url=sandbox.base_url, headers={"authorization": authorization}, verify=NO_TLS)


def refreshed(sandbox: Sandbox, refresh_token: str) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = httpx.post(f"{sandbox.base_url}/oauth/token", data=form, auth=("1500001", "secret-of-the-app"))
    body: dict[str, str] = answer.raise_for_status().json()
    return body


def test_a_sandbox_started_again_finds_its_objects(credentials: AppCredentials, tmp_path: Path) -> None:
    file = tmp_path / "pinterest.sqlite"
    with Sandbox(credentials, state_file=file, knobs=Knobs(processing_s=0)) as first:
        tokens = refreshed(first, "pinr.granted")
        with client_of(first, tokens["access_token"]) as client:
            listed = client.post(LISTS, json={"name": "vip", "records": f"jane@example.com,{JOHN}"}).json()
            client.patch(f"{LISTS}/{listed['id']}", json={"operation_type": "REMOVE", "records": JOHN})
            rule = {"customer_list_id": listed["id"]}
            body = {"name": "vip", "audience_type": "CUSTOMER_LIST", "rule": rule}
            client.post("/ad_accounts/549700000001/audiences", json=body)
            deleted = client.post(LISTS, json={"name": "old", "records": JANE}).json()
            first.control.call("DELETE", f"/lists/{deleted['id']}")
        lists, audiences = first.control.lists(), first.control.audiences()

    with Sandbox(credentials, state_file=file, knobs=Knobs(processing_s=0)) as second:
        assert (second.control.lists(), second.control.audiences()) == (lists, audiences)
        assert second.control.members(listed["id"]) == [JANE]
        with client_of(second, tokens["access_token"]) as client:
            created = client.post(LISTS, json={"name": "new", "records": JANE})
        assert int(created.json()["id"]) == int(deleted["id"]) + 1
        assert refreshed(second, tokens["refresh_token"])["access_token"].startswith("pina_")


def test_the_state_file_holds_neither_addresses_nor_tokens(credentials: AppCredentials, tmp_path: Path) -> None:
    with Sandbox(credentials, state_file=tmp_path / "state.sqlite") as sandbox:
        tokens = refreshed(sandbox, "pinr.granted")
        with client_of(sandbox) as client:
            client.post(LISTS, json={"name": "vip", "records": "jane@example.com"})

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert bytes.fromhex(JANE) in content
    for secret in ("jane@", tokens["access_token"], tokens["refresh_token"], "pinr.granted", "secret-of-the-app"):
        assert secret.encode() not in content


def test_a_reset_empties_the_state_file(credentials: AppCredentials, tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    with Sandbox(credentials, state_file=file) as sandbox:
        sandbox.control.call("POST", "/lists", {"ad_account_id": "549700000001", "name": "vip", "records": JANE})
        sandbox.control.reset()
        assert sandbox.control.lists() == []

    with sqlite3.connect(file) as db:
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("objects", "batches")]
    db.close()
    assert counts == [(0,), (0,)]


def test_two_sandboxes_cannot_share_a_state_file(credentials: AppCredentials, tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    with (
        Sandbox(credentials, state_file=file),
        pytest.raises(TdrError, match=r"cannot use `.*` as the sandbox's state"),
    ):
        Sandbox(credentials, state_file=file)


def test_a_file_that_is_no_state_is_refused(credentials: AppCredentials, tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    file.write_text("not a database, whatever its name says; " * 100)

    with pytest.raises(TdrError, match=r"cannot use `.*` as the sandbox's state: file is not a database"):
        Sandbox(credentials, state_file=file)


def test_a_port_that_is_taken_is_refused(credentials: AppCredentials) -> None:
    with Sandbox(credentials) as sandbox:
        port = int(sandbox.base_url.split(":")[2].removesuffix("/v5"))
        with pytest.raises(TdrError, match=f"cannot listen on 127.0.0.1:{port}: "):
            Sandbox(credentials, port=port)


def test_a_served_sandbox_says_where_it_is_and_ends_with_a_signal(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path\n"
        "from reconciler.emulators.pinterest.tokens import AppCredentials\n"
        "from reconciler.emulators.sandbox import serve\n"
        "say = lambda url: print(url, flush=True)\n"
        "serve(AppCredentials('1', 's', 'pinr.x'), announce=say, port=0, state_file=Path('state.sqlite'))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx.get(f"{url}/ad_accounts")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)

    assert url.startswith("http://127.0.0.1:")
    assert answer.status_code == 401
    assert (process.returncode, errors) == (0, "")


def test_many_batches_add_up_to_the_same_members(credentials: AppCredentials, tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    people = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(150)]
    with Sandbox(credentials, state_file=file, knobs=Knobs(rate_tier="off")) as first, client_of(first) as client:
        listed = client.post(LISTS, json={"name": "vip", "records": hashlib.md5(b"x").hexdigest()}).json()  # noqa: S324
        for person in people:
            client.patch(f"{LISTS}/{listed['id']}", json={"operation_type": "ADD", "records": person})
        body = {"operation_type": "REMOVE", "records": ",".join(people[::2])}
        client.patch(f"{LISTS}/{listed['id']}", json=body)
        expected = first.control.members(listed["id"])

    assert len(expected) == 76
    for _ in range(2):  # the second time from what the first made one
        with Sandbox(credentials, state_file=file) as again:
            assert again.control.members(listed["id"]) == expected
