"""Refreshing: once, saved before use, shared by threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pinterest_doubles import ACCOUNT, APP, CREDENTIALS, FakeClock, connected, token_store

from reconciler.apis.pinterest_connect import App, connect
from reconciler.emulators.sandbox import Sandbox
from reconciler.errors import Denied, OutcomeUnknown, StateError, Transient
from reconciler.http.retry import RetryPolicy
from reconciler.model.secret import Secret
from reconciler.ports.tokens import Tokens


def refreshes(sandbox: Sandbox) -> int:
    return sum(exchange["path"] == "/oauth/token" for exchange in sandbox.control.traffic())


class DiaryStore:
    """Tokens in memory, and what was done to them in order."""

    def __init__(self) -> None:
        self.tokens: Tokens | None = None
        self.diary: list[str] = []

    def load(self, key: str) -> Tokens | None:
        self.diary.append("load")
        return self.tokens

    def save(self, key: str, tokens: Tokens) -> None:
        self.diary.append("save")
        self.tokens = tokens

    @contextmanager
    def exclusive(self, key: str) -> Iterator[None]:
        self.diary.append("enter")
        yield
        self.diary.append("leave")


class Overheard(httpx.BaseTransport):
    """The network, noting each path in the store's diary."""

    def __init__(self, diary: list[str]) -> None:
        self.network = httpx.HTTPTransport()
        self.diary = diary

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.diary.append(request.url.path.removeprefix("/v5"))
        return self.network.handle_request(request)

    def close(self) -> None:
        self.network.close()


def test_new_tokens_are_saved_under_the_lock_before_they_are_used(sandbox: Sandbox) -> None:
    store = DiaryStore()
    with connect(APP, store, base_url=sandbox.base_url, transport=Overheard(store.diary)) as client:
        client.ad_account(ACCOUNT)

    assert store.diary == ["enter", "load", "save", "/oauth/token", "save", "leave", f"/ad_accounts/{ACCOUNT}"]
    assert store.tokens is not None
    assert store.tokens.access_token.startswith("pina_")
    assert store.tokens.refresh_token.startswith("pinr.")
    assert store.tokens.refresh_token != CREDENTIALS.refresh_token


class RefusingStore(DiaryStore):
    """A full disk, or a keyring that somebody locked."""

    def save(self, key: str, tokens: Tokens) -> None:
        raise StateError("no place for tokens")


@pytest.mark.parametrize("saved", [None, Tokens("pina_FAKE-old", "pinr.FAKE-old")], ids=["first use", "later"])
def test_a_place_that_cannot_keep_tokens_refuses_before_the_old_ones_end(
    saved: Tokens | None, sandbox: Sandbox
) -> None:
    store = RefusingStore()
    store.tokens = saved
    with connect(APP, store, base_url=sandbox.base_url) as client, pytest.raises(StateError):
        client.ad_account(ACCOUNT)

    assert refreshes(sandbox) == 0


def test_many_threads_that_are_refused_refresh_once(sandbox: Sandbox, tmp_path: Path) -> None:
    with connected(sandbox, tmp_path) as client:
        client.ad_account(ACCOUNT)
        sandbox.control.end_tokens("access")
        together = threading.Barrier(8)
        found = []

        def look() -> None:
            together.wait()
            found.append(client.ad_account(ACCOUNT).id)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [ACCOUNT] * 8
    assert refreshes(sandbox) == 2


_PROCESS = """
import sys
from pathlib import Path
from reconciler.apis.pinterest_connect import App, connect
from reconciler.model.secret import Secret
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

url, folder, account, *app = sys.argv[1:]
store = SealedTokenStore(Path(folder), Sealer(MasterKey("a test", bytes(32))))
with connect(App(*(Secret("argv", value) for value in app)), store, base_url=url) as client:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    print(client.ad_account(account).id)
"""


@pytest.mark.parametrize("refresh", ["old_dies", "old_survives"])
def test_processes_that_start_together_refresh_once(refresh: str, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.knobs(refresh=refresh)
    sandbox.control.fault("slow", path="/oauth/token", delay_s=0.3, count=None)
    app = [CREDENTIALS.app_id, CREDENTIALS.app_secret, CREDENTIALS.refresh_token]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, sandbox.base_url, str(tmp_path), ACCOUNT, *app],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = [process.communicate("go\n")[0] for process in running]

    assert answers == [ACCOUNT + "\n"] * 3
    assert refreshes(sandbox) == 1


def test_the_next_run_uses_what_the_last_one_saved(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.knobs(refresh="old_dies")
    for _ in range(3):
        with connected(sandbox, tmp_path) as client:
            client.ad_account(ACCOUNT)

    assert refreshes(sandbox) == 1


def test_a_chain_of_tokens_goes_on_when_each_one_dies_with_its_use(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.knobs(refresh="old_dies")
    for _ in range(3):
        with connected(sandbox, tmp_path) as client:
            sandbox.control.end_tokens("access")
            client.ad_account(ACCOUNT)

    assert refreshes(sandbox) == 3


def test_a_refresh_token_that_is_not_replaced_is_kept(sandbox: Sandbox) -> None:
    sandbox.control.knobs(refresh="no_rotation")
    store = DiaryStore()
    with connect(APP, store, base_url=sandbox.base_url) as client:
        client.ad_account(ACCOUNT)

    assert store.tokens is not None
    assert store.tokens.refresh_token == CREDENTIALS.refresh_token
    assert store.tokens.refresh_expires_at is None


def test_a_token_is_replaced_before_it_expires(sandbox: Sandbox, tmp_path: Path, clock: FakeClock) -> None:
    with connected(sandbox, tmp_path, clock=clock) as client:
        client.ad_account(ACCOUNT)
        clock.time += 2_592_000 - 301
        client.ad_account(ACCOUNT)
        assert refreshes(sandbox) == 1
        clock.time += 2
        # What was saved is still good for five minutes, so it is used to its end rather than replaced in a hurry.
        client.ad_account(ACCOUNT)
        assert refreshes(sandbox) == 1
        clock.time += 300
        client.ad_account(ACCOUNT)

    assert refreshes(sandbox) == 2


def test_a_token_that_dies_in_the_middle_is_replaced_once(sandbox: Sandbox, tmp_path: Path) -> None:
    with connected(sandbox, tmp_path) as client:
        client.ad_account(ACCOUNT)
        sandbox.control.fault("token_expired", path="/ad_accounts/*")
        assert client.ad_account(ACCOUNT).id == ACCOUNT
        sandbox.control.fault("token_expired", path="/ad_accounts/*", count=None)
        with pytest.raises(Denied, match="answered 401") as caught:
            client.ad_account(ACCOUNT)

    assert caught.value.hint == "authorise the app again and put the new refresh token in place of the old"
    assert refreshes(sandbox) == 3


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        (App(APP.client_id, APP.client_secret, Secret("", "pinr.FAKE-other")), "The authorization grant is invalid"),
        (App(APP.client_id, Secret("", "FAKE-wrong"), APP.refresh_token), "Authentication failed."),
    ],
    ids=["refresh token", "app secret"],
)
def test_refused_credentials_ask_for_a_person(app: App, reason: str, sandbox: Sandbox) -> None:
    store = DiaryStore()
    with connect(app, store, base_url=sandbox.base_url) as client, pytest.raises(Denied) as caught:
        client.ad_account(ACCOUNT)

    assert caught.value.message == (
        f"Pinterest: POST /oauth/token answered 401: {reason}: "
        "the refresh token or the app's credentials are not accepted (any more)"
    )
    assert caught.value.hint == "authorise the app again at Pinterest and put the new refresh token in place of the old"
    assert [exchange["path"] for exchange in sandbox.control.traffic()] == ["/oauth/token"]
    assert store.tokens == Tokens(access_token="", refresh_token=app.refresh_token.reveal())


def test_a_lost_answer_of_a_refresh_is_asked_for_again(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.fault("answer_lost", path="/oauth/token")
    with connected(sandbox, tmp_path) as client:
        assert client.ad_account(ACCOUNT).id == ACCOUNT

    assert refreshes(sandbox) == 2


def test_a_token_endpoint_that_is_down_is_not_a_refusal(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.control.fault("error", status=503, path="/oauth/token", count=None)
    with connected(sandbox, tmp_path) as client, pytest.raises(Transient):
        client.ad_account(ACCOUNT)


def test_other_credentials_never_use_these_tokens(sandbox: Sandbox, tmp_path: Path) -> None:
    with connected(sandbox, tmp_path) as client:
        client.ad_account(ACCOUNT)
    other = App(APP.client_id, APP.client_secret, Secret("", "pinr.FAKE-other"))
    with connect(other, token_store(tmp_path), base_url=sandbox.base_url) as client, pytest.raises(Denied):
        client.ad_account(ACCOUNT)


def test_a_cut_off_write_under_an_expired_token_is_sent_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """A 401 says that nothing was done, so the create goes out again with the new token, and only then can be lost."""
    policy = RetryPolicy(attempts=3)
    with connect(APP, token_store(tmp_path), base_url=sandbox.base_url, policy=policy) as client:
        client.ad_account(ACCOUNT)
        sandbox.control.end_tokens("access")
        made = client.create_audience(ACCOUNT, "vip", sandbox_list(sandbox))
        sandbox.control.fault("answer_lost", method="POST", path="/ad_accounts/**")
        with pytest.raises(OutcomeUnknown):
            client.create_audience(ACCOUNT, "vip", made.customer_list_id)

    assert len(sandbox.control.audiences()) == 2


def sandbox_list(sandbox: Sandbox) -> str:
    return str(sandbox.control.call("POST", "/lists", {"ad_account_id": ACCOUNT, "name": "others"})["id"])


def test_tokens_are_nowhere_in_the_folder_in_clear(sandbox: Sandbox, tmp_path: Path) -> None:
    with connected(sandbox, tmp_path) as client:
        client.ad_account(ACCOUNT)
        token = client._client._current_credentials()["Authorization"].split()[1]

    content = b"".join(path.read_bytes() + path.name.encode() for path in tmp_path.iterdir())
    assert token.encode() not in content
    assert b"pinr." not in content
    assert CREDENTIALS.refresh_token.encode() not in content
