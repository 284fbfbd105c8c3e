"""Every way into Salesforce from the manifest to the records, by plan, run and doctor, and no secret in anything written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from stage import Stage, environment, files_below, forms

from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials

CLIENT_ID = "FAKE-consumer-key/1"
CLIENT_SECRET = "FAKE-consumer-secret/1"
USERNAME = "runner@example.com"
PASSWORD = "FAKE-p<a>ss&word/1"
SECURITY_TOKEN = "FAKEtoken1"
REFRESH_TOKEN = "FAKE-refresh-token/1"
CONNECTION = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: crm}
spec:
  type: salesforce
"""
REST = """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Activation
metadata: {name: ann}
spec:
  from: {query: {database: shop, sql: "SELECT 'ann' AS Key__c, 'Ann' AS LastName"}}
  to: {connection: crm, object: Contact}
  write: {upsert: Key__c}
"""
APP = "  client_id: ${secret:env:SF_ID}\n"
SECRET = "  client_secret: ${secret:env:SF_SECRET}\n"
PASSWORDS = f"  auth: credentials\n  username: {USERNAME}\n  password: ${{secret:env:SF_PASSWORD}}\n"
WAYS = {
    "client_credentials": f"  auth: client_credentials\n{APP}{SECRET}",
    "refresh_token": f"  auth: refresh_token\n{APP}{SECRET}  refresh_token: ${{secret:env:SF_REFRESH}}\n",
    "jwt-bearer": f"  auth: jwt\n{APP}  username: {USERNAME}\n  private_key: ${{secret:env:SF_KEY}}\n",
    "soap": f"{PASSWORDS}  security_token: ${{secret:env:SF_TOKEN}}\n",
    "session": "  auth: session_id\n  session_id: ${secret:env:SF_SESSION}\n",
}


@dataclass
class Org:
    """An org, and the private key that it knows the public part of."""

    sandbox: SalesforceSandbox
    pem: str

    @property
    def last_names(self) -> list[object]:
        return [one["LastName"] for one in self.sandbox.records("Contact")]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def salesforce(key: rsa.RSAPrivateKey) -> Iterator[Org]:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    credentials = Credentials(
        CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, SECURITY_TOKEN, REFRESH_TOKEN, public_key=public
    )
    with SalesforceSandbox(credentials, knobs=Knobs(rotate=True)) as sandbox:
        yield Org(sandbox, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def stage_of(folder: Path, salesforce: Org, way: str) -> Stage:
    folder.mkdir()
    secrets = {
        "SF_ID": CLIENT_ID,
        "SF_SECRET": CLIENT_SECRET,
        "SF_REFRESH": REFRESH_TOKEN,
        "SF_KEY": salesforce.pem,
        "SF_PASSWORD": PASSWORD,
        "SF_TOKEN": SECURITY_TOKEN,
        "SF_SESSION": salesforce.sandbox.session(),
    }
    stage = Stage(folder, None, environment(folder) | secrets | {"TDR_LOG": "debug", "TDR_DEBUG": "1"})
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write("manifests/crm.yaml", f"{CONNECTION}  login_url: {salesforce.sandbox.base_url}\n{way}")
    stage.write("manifests/rest.yaml", REST)
    return stage


def written(stage: Stage, secrets: list[str]) -> list[str]:
    """Where one of *secrets* is found in what was printed or kept, in any form."""
    looked_for = {form for secret in secrets for form in forms(secret)}
    kept = files_below(stage.folder)
    kept["printed"] = "\n".join(stage.heard).encode()
    return [f"{name}: {form!r}" for name, text in kept.items() for form in looked_for if form in text]


@pytest.mark.parametrize("way", WAYS)
def test_rows_arrive_whoever_logs_in_and_no_secret_is_written(tmp_path: Path, salesforce: Org, way: str) -> None:
    stage = stage_of(tmp_path / "shop", salesforce, WAYS[way])
    org = salesforce.sandbox

    stage.tdr("apply", "--yes", "--report", "json=report.json")
    for _ in range(2):
        stage.tdr("run", "activation/ann")
    told = {one["check"]: one for one in stage.tdr("doctor", "--format", "json").document["checks"]}

    assert salesforce.last_names == ["Ann"]
    left = 15_000 - sum(org.calls().values())
    assert f"{left} of 15000 requests left today" in told["salesforce"]["message"]
    assert set(org.logins()) == ({way} if way != "session" else set())
    key = [line for line in salesforce.pem.splitlines() if not line.startswith("--")]
    sessions = org.org.world.sessions
    secrets = [CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, PASSWORD, SECURITY_TOKEN, sessions.refresh_token, *key]
    assert written(stage, [*secrets, *sessions.open]) == []


def test_a_wrong_password_is_sent_once_a_command_and_stops_no_plan(tmp_path: Path, salesforce: Org) -> None:
    stage = stage_of(tmp_path / "shop", salesforce, PASSWORDS)
    stage.environ["SF_PASSWORD"] = wrong = "FAKE-wrong-password/1"
    org = salesforce.sandbox

    said = stage.tdr("plan")
    assert org.logins() == ["soap"]
    assert "INVALID_LOGIN" in said.out
    assert "each refusal counts towards a lock of the user" in said.out

    stage.tdr("apply", "--yes")
    assert org.logins() == ["soap"] * 2
    said = stage.tdr("run", "activation/ann", expect=None)
    assert said.code != 0
    assert "INVALID_LOGIN" in said.out + said.err
    assert org.logins() == ["soap"] * 3
    assert written(stage, [wrong]) == []


def test_a_session_that_is_over_ends_a_run_with_what_to_do(tmp_path: Path, salesforce: Org) -> None:
    stage = stage_of(tmp_path / "shop", salesforce, WAYS["session"])
    stage.tdr("apply", "--yes")
    stage.environ["SF_SESSION"] = "00D!FAKE-session-that-is-over"
    stage.tdr("apply", "--yes")

    said = stage.tdr("run", "activation/ann", expect=None)

    assert "the session of `session_id` is over, and a session cannot be renewed" in said.out + said.err
    assert salesforce.last_names == []
