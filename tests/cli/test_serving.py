"""Verbs that run until they are stopped."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
from stage import Stage, environment


def test_a_service_is_shared_while_it_runs_and_ends_on_a_signal(applied: Stage) -> None:
    server = applied.spawn("serve")
    try:
        assert server.stderr is not None
        announced = server.stderr.readline()
        note = json.loads((applied.state / "service/serve.json").read_text(encoding="utf-8"))
        assert announced.startswith(f"Treasure Data API at http://127.0.0.1:{note['port']};")
        assert note["pid"] == server.pid

        applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
        applied.tdr("apply", "--yes")
        applied.tdr("run", "import/customers")
        assert "runs already" in applied.tdr("serve", expect=64).err
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)

    assert server.returncode in {0, 143}
    assert not (applied.state / "service/serve.json").exists()
    applied.tdr("plan", "--detailed-exitcode")


def test_a_service_that_was_killed_is_no_longer_asked(applied: Stage) -> None:
    server = applied.spawn("serve")
    assert server.stderr is not None
    server.stderr.readline()
    server.kill()
    server.communicate(timeout=60)

    assert (applied.state / "service/serve.json").exists()
    applied.tdr("plan", "--detailed-exitcode")


def test_the_sandbox_tells_where_it_listens_and_what_it_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    known = {name: value for name, value in environment(folder).items() if not name.startswith("PINTEREST")}
    sandbox = Stage(folder, None, known).spawn("sandbox", "--port", "0")
    assert sandbox.stderr is not None
    said = [sandbox.stderr.readline() for _ in range(4)]
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert said[0].startswith("Pinterest sandbox at http://127.0.0.1:")
    assert said[1:] == [
        "  export PINTEREST_CLIENT_ID=1234567\n",
        "  export PINTEREST_CLIENT_SECRET=sandbox-client-secret\n",
        "  export PINTEREST_REFRESH_TOKEN=pinr.sandbox-refresh-token\n",
    ]
    assert sandbox.returncode in {0, 130}


def test_the_sandbox_of_another_vendor_answers_with_its_own_token(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    refused = stage.tdr("sandbox", "--vendor", "intercom", "--state-file", "kept", expect=64)
    sandbox = stage.spawn("sandbox", "--vendor", "intercom")
    assert sandbox.stderr is not None
    first, token = sandbox.stderr.readline(), sandbox.stderr.readline()
    url = first.removeprefix("Intercom sandbox at ").partition(",")[0]
    answer = httpx.get(f"{url}/tags", headers={"authorization": f"Bearer {token.partition('=')[2].strip()}"})
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert "keeps nothing in a file" in refused.err
    assert [one["name"] for one in answer.json()["data"]] == ["vip", "trial"]
    assert sandbox.returncode in {0, 130}


def test_the_sandbox_of_qlik_answers_with_its_own_key(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    refused = stage.tdr("sandbox", "--vendor", "qlik", "--state-file", "kept", expect=64)
    sandbox = stage.spawn("sandbox", "--vendor", "qlik")
    assert sandbox.stderr is not None
    first, key = sandbox.stderr.readline(), sandbox.stderr.readline()
    url = first.removeprefix("Qlik Cloud sandbox at ").partition(",")[0]
    bearer = {"authorization": f"Bearer {key.partition('=')[2].strip()}"}
    answer = httpx.get(f"{url}/api/v1/di-projects", headers=bearer)
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert "keeps nothing in a file" in refused.err
    assert [one["name"] for one in answer.json()["projects"]] == ["Pinterest ads"]
    assert sandbox.returncode in {0, 130}


def test_the_sandbox_of_salesforce_says_what_it_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    refused = stage.tdr("sandbox", "--vendor", "salesforce", "--state-file", "kept", expect=64)
    sandbox = stage.spawn("sandbox", "--vendor", "salesforce")
    assert sandbox.stderr is not None
    said = [sandbox.stderr.readline().strip() for _ in range(3)]
    url = said[0].removeprefix("Salesforce sandbox at ").partition(",")[0]
    client_id, client_secret = (line.partition("=")[2] for line in said[1:])
    grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    answer = httpx.post(f"{url}/services/oauth2/token", data=grant)
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert "keeps nothing in a file" in refused.err
    assert answer.json()["instance_url"] == url
    assert sandbox.returncode in {0, 130}


def test_the_sandbox_of_adobe_says_what_it_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    refused = stage.tdr("sandbox", "--vendor", "adobe", "--state-file", "kept", expect=64)
    sandbox = stage.spawn("sandbox", "--vendor", "adobe", "--port", "0")
    assert sandbox.stderr is not None
    said = [sandbox.stderr.readline().strip() for _ in range(4)]
    url = said[0].removeprefix("Adobe sandbox at ").partition(",")[0]
    values = dict(line.removeprefix("export ").split("=", 1) for line in said[1:])
    form = {"grant_type": "client_credentials", "scope": "openid"}
    form |= {"client_id": values["ADOBE_CLIENT_ID"], "client_secret": values["ADOBE_CLIENT_SECRET"]}
    answer = httpx.post(f"{url}/ims/token/v3", data=form)
    sandbox.send_signal(signal.SIGINT)
    sandbox.communicate(timeout=60)

    assert "keeps nothing in a file" in refused.err
    assert values["ADOBE_ORG_ID"].endswith("@AdobeOrg")
    assert answer.json()["token_type"] == "bearer"
    assert sandbox.returncode in {0, 130}
