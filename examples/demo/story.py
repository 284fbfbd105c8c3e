"""The story of an audience that survives its second run, told by running it.

Every step prints the command it runs, so that a reader can repeat it in this folder. Vendors are real HTTP servers on this
machine; files are real files. At the end a table says what was proven, each line worked out from what is there.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import shop

ROOT = Path(__file__).resolve().parents[2]
TDR = Path(sys.executable).parent / "tdr"
CUSTOMERS = 200_000
QUERY = "spring-buyers-daily"
TITLE = "Spring buyers"


@dataclass
class Story:
    """The folder the story runs in, its environment, and everything that was printed."""

    folder: Path
    environ: dict[str, str]
    sandbox_port: int
    service_port: int
    proven: list[tuple[str, str, bool]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """Print a line, and keep it for the search for secrets."""
        self.printed.append(text)
        print(text, flush=True)

    def chapter(self, title: str) -> None:
        """Print a heading."""
        self.say(f"\n== {title}")

    def tdr(self, *arguments: str, expect: int = 0, **environ: str) -> str:
        """Run `tdr` and show what it says; the story ends when it ends otherwise than expected."""
        command = ["tdr", *arguments]
        shown = " ".join([*(f"{name}={value}" for name, value in environ.items()), shlex.join(command)])
        self.say(f"$ {shown}")
        done = subprocess.run(
            [str(TDR), *command[1:]],
            cwd=self.folder,
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for line in done.stdout.splitlines():
            self.say(f"  {line}")
        self.say(f"  (exit {done.returncode})")
        if done.returncode != expect:
            raise SystemExit(f"the story ends here: expected exit {expect}")
        return done.stdout

    def prove(self, what: str, figure: object, *, holds: bool) -> None:
        """Put one line into the closing table."""
        self.proven.append((what, str(figure), holds))

    def sandbox(self, method: str, path: str, body: object = None) -> Any:
        """Do what only somebody in Pinterest's console, or the sandbox itself, can do."""
        return _call(method, f"http://127.0.0.1:{self.sandbox_port}/_control{path}", body)


def _call(method: str, url: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers or {}, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.load(answer)


def main() -> int:
    """Tell the story; 0 when everything was proven."""
    began = time.monotonic()
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    story = Story(folder, _environment(), _free_port(8642), _free_port(8643))
    story.environ["TDR_VAR_pinterest_port"] = str(story.sandbox_port)
    story.say("An audience that survives its second run")
    story.chapter("An empty start")
    _empty(story)
    expected = shop.write(folder / "data" / "customers.csv", CUSTOMERS)
    story.say(f"data/customers.csv: {expected.rows:,} customers, {expected.buyers:,} bought in spring,")
    story.say(
        f"{expected.invalid:,} of them with an address nobody can be reached at, {len(expected.members):,} members to be."
    )
    with _background(story, ["sandbox", "--port", str(story.sandbox_port)]) as process:
        _wait_until(process, lambda: story.sandbox("GET", "/"))
        first_apply(story, expected)
        second_apply(story)
        expected = scheduled_runs(story)
        changed_outside(story, expected)
        later = killed(story)
        secrets_stay(story, [*expected.addresses, *later.addresses])
    story.prove("seconds, on this machine", f"{time.monotonic() - began:.0f}", holds=True)
    return closing(story)


def first_apply(story: Story, expected: shop.Shop) -> None:
    """Load the shop, then let the plan find out that the audience has to be created."""
    story.chapter("Load the customers")
    story.tdr("apply", "--yes", "--target", "import/customers")
    story.tdr("run", "import/customers")
    story.chapter("Plan and apply: nobody wrote create or update")
    story.tdr("plan")
    story.tdr("apply", "--yes")
    lists, audiences = _of_title(story)
    story.prove(
        "first apply: audiences and lists of that title",
        f"{len(audiences)} and {len(lists)}",
        holds=len(audiences) == len(lists) == 1,
    )
    members = _members(story)
    story.prove(
        "members equal to the query, worked out another way", f"{len(members):,}", holds=members == expected.members
    )


def second_apply(story: Story) -> None:
    """Nothing to do."""
    story.chapter("Again: nothing to do")
    story.tdr("apply", "--yes")
    story.tdr("plan", "--detailed-exitcode", expect=0)
    story.prove("second plan", "empty, exit 0", holds=True)


def scheduled_runs(story: Story) -> shop.Shop:
    """The runs that used to fail, each after new customers came; what the shop is by then."""
    story.chapter("The schedule fires, twice, and each time there are new customers: the runs that used to fail")
    batches = [_batches(story)]
    statuses = []
    for number, day in enumerate(("2027-01-10", "2027-01-11"), 1):
        expected = shop.write(story.folder / "data" / "customers.csv", CUSTOMERS + number * 1_000)
        story.tdr("run", "import/customers")
        with _service(story, TDR_NOW=f"{day}T02:59:57+09:00"):
            statuses.append(_status_of_run(story, scheduled=f"{day}T03:00:00+09:00"))
        batches.append(_batches(story))
        story.say(f"  run of {day} 03:00 Asia/Tokyo: {statuses[-1]}")
    lists, audiences = _of_title(story)
    members = _members(story)
    story.prove("second and third run", " and ".join(statuses), holds=statuses == ["success", "success"])
    story.prove(
        "still one audience and one list", f"{len(audiences)} and {len(lists)}", holds=len(audiences) == len(lists) == 1
    )
    story.prove("batches the list received", " → ".join(map(str, batches)), holds=batches == sorted(set(batches)))
    story.prove("members equal to the grown query", f"{len(members):,}", holds=members == expected.members)
    return expected


def changed_outside(story: Story, expected: shop.Shop) -> None:
    """Somebody changes the schedule and deletes the audience by hand."""
    story.chapter("Meanwhile, somebody changes the cron and deletes the audience by hand")
    with _service(story):
        url = f"http://127.0.0.1:{story.service_port}/v3/schedule/update/{QUERY}"
        story.say(f'$ curl -X POST -H "Authorization: TD1 $TDR_SERVICE_KEY" -d "cron=0 5 * * *" {url}')
        _form(url, {"cron": "0 5 * * *"}, story.environ["TDR_SERVICE_KEY"])
    _delete_audience(story)
    story.tdr("drift", expect=2)
    story.prove("drift", "exit 2", holds=True)
    story.tdr("plan", "--detailed-exitcode", expect=2)
    story.tdr("apply", "--yes")
    _, audiences = _of_title(story)
    story.prove("repaired: audiences of that title", len(audiences), holds=len(audiences) == 1)
    story.prove(
        "members equal to the query again", f"{len(_members(story)):,}", holds=_members(story) == expected.members
    )


def killed(story: Story) -> shop.Shop:
    """A kill -9 in the middle of making the audience; what the shop is by then."""
    story.chapter("Another day, other customers, the audience gone again, and a kill -9 in the middle of making it")
    expected = shop.write(story.folder / "data" / "customers.csv", CUSTOMERS, seed=20260302)
    story.tdr("run", "import/customers")
    _delete_audience(story)
    requests = len(story.sandbox("GET", "/traffic")["exchanges"])
    command = ["apply", "--yes"]
    story.say(f"$ {shlex.join(['tdr', *command])} &   # and, as soon as members are on their way: kill -9 %1")
    process = subprocess.Popen(
        [str(TDR), *command],
        cwd=story.folder,
        env=story.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        recent = story.sandbox("GET", "/traffic")["exchanges"][requests:]
        if any(one["method"] in {"POST", "PATCH"} and "customer_lists" in one["path"] for one in recent):
            break
        time.sleep(0.005)
    died = process.poll() is None
    if died:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    journal = story.folder / "state" / "local" / "journal.jsonl"
    story.say(f"  killed; the journal has {len(journal.read_text().splitlines())} lines")
    story.prove("killed while members were on their way", "yes" if died else "too late", holds=died)
    story.tdr("apply", "--yes")
    story.tdr("plan", "--detailed-exitcode", expect=0)
    lists, audiences = _of_title(story)
    story.prove("after the kill and one more apply: audiences", len(audiences), holds=len(audiences) == 1)
    story.prove("lists ever made", len(lists), holds=len(lists) == 1)
    members = _members(story)
    story.prove("members equal to the new query", f"{len(members):,}", holds=members == expected.members)
    return expected


def secrets_stay(story: Story, addresses: list[str]) -> None:
    """No secret in the state or in what was printed, no address outside of the user's own tables."""
    story.chapter("What must not be written down")
    values = [story.environ[name] for name in SECRETS]
    needles = {form for value in values for form in _forms(value)}
    files = [path for path in (story.folder / "state").rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    leaks = [path for path, content in contents.items() if any(needle in content for needle in needles)]
    printed = "\n".join(story.printed).encode()
    leaks += [Path("what was printed")] if any(needle in printed for needle in needles) else []
    mails = {form for address in addresses for form in _forms(address.lower())}
    own = {path for path in files if path.name.startswith("data.duckdb")}
    seen = [
        path for path, content in contents.items() if path not in own and any(mail in content.lower() for mail in mails)
    ]
    seen += [Path("what was printed")] if any(mail in printed.lower() for mail in mails) else []
    story.say(
        f"  looked through {len(files)} files for {len(needles)} forms of secrets and {len(mails)} forms of addresses"
    )
    story.prove("places with a secret in any form", len(leaks), holds=not leaks)
    story.prove("places with an address, the user's own tables apart", len(seen), holds=not seen)


def closing(story: Story) -> int:
    """Print the table."""
    story.chapter("Proven")
    width = max(len(what) for what, _, _ in story.proven)
    for what, figure, holds in story.proven:
        story.say(f"  {what:<{width}}  {figure:<22} {'yes' if holds else 'NO'}")
    failed = [what for what, _, holds in story.proven if not holds]
    story.say(f"\n{len(story.proven) - len(failed)} of {len(story.proven)} proven.")
    return 1 if failed else 0


# -- the stage ----------------------------------------------------------------------------------------------------

SECRETS = ("PINTEREST_CLIENT_ID", "PINTEREST_CLIENT_SECRET", "PINTEREST_REFRESH_TOKEN", "TDR_SERVICE_KEY", "TDR_KEY")


def _environment() -> dict[str, str]:
    """Fresh credentials, made for this run, so that they can be looked for afterwards."""
    made = {
        "PINTEREST_CLIENT_ID": str(secrets.randbelow(10**7) + 10**7),
        "PINTEREST_CLIENT_SECRET": f"FAKE+{secrets.token_hex(12)}/=",
        "PINTEREST_REFRESH_TOKEN": f"pinr.FAKE{secrets.token_hex(12)}",
        "TDR_SERVICE_KEY": f"1/{secrets.token_hex(20)}",
        "TDR_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TDR_", "PINTEREST_"))}
    return kept | made | {"NO_COLOR": "1"}


def _empty(story: Story) -> None:
    story.say("$ rm -rf state/local data")
    for name in ("state/local", "data"):
        shutil.rmtree(story.folder / name, ignore_errors=True)


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("no free port on this machine")


@contextmanager
def _background(story: Story, arguments: list[str], **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a `tdr` that answers until it is stopped."""
    story.say(
        " ".join(["$", *(f"{name}={value}" for name, value in environ.items()), shlex.join(["tdr", *arguments]), "&"])
    )
    process = subprocess.Popen(
        [str(TDR), *arguments],
        cwd=story.folder,
        env=story.environ | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


@contextmanager
def _service(story: Story, **environ: str) -> Iterator[None]:
    arguments = ["serve", "--port", str(story.service_port)]
    with _background(story, arguments, **environ) as process:
        _wait_until(process, lambda: _service_get(story, "/v3/system/server_status"))
        yield


def _service_get(story: Story, path: str) -> Any:
    headers = {"Authorization": f"TD1 {story.environ['TDR_SERVICE_KEY']}"}
    return _call("GET", f"http://127.0.0.1:{story.service_port}{path}", headers=headers)


def _form(url: str, fields: dict[str, str], key: str) -> None:
    body = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(url, body, {"Authorization": f"TD1 {key}"}, method="POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        answer.read()


def _wait_until(process: subprocess.Popen[bytes], ready: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            ready()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


def _status_of_run(story: Story, scheduled: str) -> str:
    """How the run of *scheduled* ended, its export included."""
    from datetime import datetime  # noqa: PLC0415 - the only place that reads times

    wanted = datetime.fromisoformat(scheduled).timestamp()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in _service_get(story, f"/v3/schedule/history/{QUERY}?from=0&to=20")["history"]:
            at = datetime.fromisoformat(
                str(run["scheduled_at"]).replace(" UTC", "+00:00").replace(" ", "T", 1)
            ).timestamp()
            if at == wanted and run["status"] in {"success", "error", "killed"}:
                return _with_export(story, run)
        time.sleep(0.2)
    return "did not run"


def _with_export(story: Story, run: dict[str, Any]) -> str:
    export = _service_get(story, f"/v3/job/show/{run['job_id']}")["linked_result_export_job_id"]
    if run["status"] != "success" or not export:
        return str(run["status"])
    deadline = time.monotonic() + 60
    while (status := _service_get(story, f"/v3/job/status/{export}")["status"]) not in {"success", "error", "killed"}:
        if time.monotonic() > deadline:
            return f"export {status}"
        time.sleep(0.1)
    return str(status)


def _of_title(story: Story) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lists ever made, and audiences that are there, of the audience's title."""
    lists = [one for one in story.sandbox("GET", "/lists")["lists"] if one["name"] == TITLE]
    audiences = [
        one
        for one in story.sandbox("GET", "/audiences")["audiences"]
        if one["name"] == TITLE and one["status"] != "ARCHIVED"
    ]
    return lists, audiences


def _members(story: Story) -> frozenset[str]:
    """Members of the list that the one audience is made of."""
    _, audiences = _of_title(story)
    list_id = audiences[0]["rule"]["customer_list_id"]
    return frozenset(story.sandbox("GET", f"/lists/{list_id}/members")["members"])


def _batches(story: Story) -> int:
    return sum(int(one["num_batches"]) for one in _of_title(story)[0])


def _delete_audience(story: Story) -> None:
    _, audiences = _of_title(story)
    url = f"http://127.0.0.1:{story.sandbox_port}/_control/audiences/{audiences[0]['id']}"
    story.say(f"$ curl -X DELETE {url}   # in Pinterest's console")
    story.sandbox("DELETE", f"/audiences/{audiences[0]['id']}")


def _forms(value: str) -> set[bytes]:
    """Plain, base64, URL-encoded and JSON-escaped; base64 at all three alignments, without its edges."""
    plain = value.encode()
    shifted = {base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)}
    return {plain, urllib.parse.quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), *shifted} - {b""}


if __name__ == "__main__":
    sys.exit(main())
