"""A project in a folder, the vendor's emulator beside it, and the command line as a user has it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hurried import HurriedClock

from reconciler.apis.treasure_data import TreasureData
from reconciler.cli.main import main
from reconciler.emulators.pinterest.tokens import AppCredentials
from reconciler.emulators.sandbox import Sandbox
from reconciler.ports.clock import Clock
from reconciler.wiring import Runtime, open_runtime

TDR = Path(sys.executable).parent / "tdr"
TITLE = "Spring buyers"
ACCOUNT = "549700000001"
CLIENT_ID = "7654321"
CLIENT_SECRET = 'FAKE+client/secret"&=='
REFRESH_TOKEN = "pinr.FAKE-refresh+token/1"
PLANTED = AppCredentials(CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN)
KEY = base64.urlsafe_b64encode(b"key of the journeys, 32 bytes ok").decode()
SERVICE_KEY = "1/FAKE-service-key-0123456789abcdef"
BUYERS = 120
"""How many of the customers the query finds."""

MANIFESTS = {
    "tdr.yaml": "apiVersion: tdr/v1\nproject: shop\n",
    "manifests/environments/local.yaml": 'endpoints: {pinterest: "${var:pinterest}"}\n',
    "manifests/shop.yaml": """\
apiVersion: tdr/v1
kind: Database
metadata: {name: shop}
spec: {}
---
apiVersion: tdr/v1
kind: Table
metadata: {name: customers}
spec:
  database: shop
  columns:
    - {name: email, type: string}
    - {name: spring, type: string}
---
apiVersion: tdr/v1
kind: Import
metadata: {name: customers}
spec:
  from: {type: files, paths: [data/customers.csv]}
  to: {database: shop, table: customers, mode: replace_on_new_data}
""",
    "manifests/pinterest.yaml": """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: pinterest-main}
spec:
  type: pinterest
  client_id: ${secret:env:PINTEREST_CLIENT_ID}
  client_secret: ${secret:env:PINTEREST_CLIENT_SECRET}
  refresh_token: ${secret:env:PINTEREST_REFRESH_TOKEN}
---
apiVersion: tdr/v1
kind: Schedule
metadata: {name: nightly}
spec: {cron: "0 3 * * *", timezone: Asia/Tokyo}
---
apiVersion: tdr/v1
kind: Audience
metadata: {name: spring-buyers}
spec:
  connection: pinterest-main
  ad_account_id: "549700000001"
  title: Spring buyers
  description: Bought in spring
""",
    "manifests/activation.yaml": """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: spring-buyers-daily}
spec:
  from:
    query: {database: shop, sql: SELECT email FROM customers WHERE spring = 'yes'}
  to: {audience: spring-buyers}
  membership: replace
  schedule: nightly
""",
}


@dataclass(frozen=True, slots=True)
class Said:
    """How one command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Stdout, which is exactly one JSON document."""
        read: dict[str, Any] = json.loads(self.out)
        return read


@dataclass
class Stage:
    """One project and the vendor it talks to."""

    folder: Path
    sandbox: Sandbox | None
    environ: dict[str, str]
    heard: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=HurriedClock)
    """What commands in this process and the service below them go by, unless `TDR_NOW` says otherwise."""

    # -- commands --------------------------------------------------------------------------------------------------

    def tdr(self, *arguments: str, expect: int | None = 0, **environ: str) -> Said:
        """Run a command line in this process, in the project's folder and with its environment only."""
        out, err = io.StringIO(), io.StringIO()
        with as_if_in(self.folder, self.environ | environ), redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments), None if "TDR_NOW" in os.environ else self.clock)
        return self._heard(Said(code, out.getvalue(), err.getvalue()), arguments, expect)

    def process(self, *arguments: str, expect: int | None = 0, **environ: str) -> Said:
        """Run a command line as a process of its own."""
        done = self.spawn(*arguments, **environ)
        out, err = ended(done)
        return self._heard(Said(done.returncode, out, err), arguments, expect)

    def spawn(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command line as a process of its own."""
        return self.start([str(TDR), *arguments], **environ)

    def start(self, command: list[str], **environ: str) -> subprocess.Popen[str]:
        """Start any program in the project's folder."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def approvals(self) -> list[str]:
        """The flags that lift every gate of the present plan, as the plan itself prints them."""
        gates = self.tdr("plan", "--format", "json", expect=None).document["gates"]
        rules = sorted({gate["approve"] for gate in gates})
        return [word for flag in rules for word in flag.split()] + (["--reason", "it is meant"] if rules else [])

    def _heard(self, said: Said, arguments: tuple[str, ...], expect: int | None) -> Said:
        self.heard += [said.out, said.err]
        assert expect is None or said.code == expect, f"tdr {' '.join(arguments)}: {said.code}\n{said.out}\n{said.err}"
        return said

    # -- files -----------------------------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def edit(self, path: str, before: str, after: str) -> None:
        """Change what stands once in a file of the project."""
        text = (self.folder / path).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {path}"
        self.write(path, text.replace(before, after))

    def shop_of(self, buyers: Iterable[int]) -> frozenset[str]:
        """Write the customers, of whom *buyers* bought in spring; returns the digests of those."""
        chosen = set(buyers)
        rows = [f"{address(number)},{'yes' if number in chosen else 'no'}" for number in range(200)]
        self.write("data/customers.csv", "\n".join(["email,spring", *rows, ""]))
        return frozenset(hashlib.sha256(address(number).encode()).hexdigest() for number in chosen)

    @property
    def state(self) -> Path:
        """Folder of the environment's state."""
        return self.folder / "state" / "local"

    def records(self) -> dict[str, Any]:
        """What state remembers."""
        resources: dict[str, Any] = self.tdr("state", "show").document["resources"]
        return resources

    @contextmanager
    def opened(self) -> Iterator[Runtime]:
        """The project with the service that it runs on."""
        with (
            as_if_in(self.folder, self.environ),
            open_runtime(
                start=self.folder,
                environment=None,
                variables={
                    name.removeprefix("TDR_VAR_"): value
                    for name, value in self.environ.items()
                    if name.startswith("TDR_VAR_")
                },
                resolve_secrets=False,
                clock=None if "TDR_NOW" in self.environ else self.clock,
            ) as runtime,
        ):
            yield runtime

    @contextmanager
    def somebody(self) -> Iterator[TreasureData]:
        """Somebody else's client of the service that the project runs on."""
        with self.opened() as runtime:
            assert runtime.embedded is not None
            yield runtime.embedded.client()

    # -- the vendor ------------------------------------------------------------------------------------------------

    @property
    def control(self) -> Any:
        """What only somebody at the vendor can do."""
        assert self.sandbox is not None
        return self.sandbox.control

    def audiences(self) -> list[dict[str, Any]]:
        """Audiences that are there."""
        return [one for one in self.control.audiences() if one["status"] != "ARCHIVED"]

    def members(self) -> frozenset[str]:
        """Members of the list that the only audience is made of."""
        (only,) = self.audiences()
        return frozenset(self.control.members(only["rule"]["customer_list_id"]))

    def batches(self) -> int:
        """Batches that all lists together received."""
        return sum(int(one["num_batches"]) for one in self.control.lists())

    def load(self, buyers: Iterable[int]) -> frozenset[str]:
        """Change the customers in the table; returns who the query finds from now on."""
        members = self.shop_of(buyers)
        self.tdr("run", "import/customers")
        return members


def killed_at(stage: Stage, number: int, *words: str) -> int:
    """Run ``FOLDER… -- COMMAND…``, killed before the n-th write into those folders; 0 when it ended before that."""
    driver = Path(__file__).with_name("killed_at_write.py")
    process = stage.start([sys.executable, str(driver), str(number), *words])
    out, err = ended(process)
    assert process.returncode in (0, -signal.SIGKILL), f"{out}\n{err}"
    return process.returncode


def ended(process: subprocess.Popen[str], within_s: float = 120) -> tuple[str, str]:
    """What a process printed, once it is over; one that does not end is killed."""
    try:
        return process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end within {within_s} s\n{out}\n{err}") from None


def address(number: int) -> str:
    """The e-mail address of a customer."""
    return f"customer.{number}+club@example.com"


@contextmanager
def as_if_in(folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """This process with another current folder, another environment and nobody at the terminal."""
    kept, place, stdin = dict(os.environ), Path.cwd(), sys.stdin
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.stdin = io.StringIO()
    try:
        yield
    finally:
        sys.stdin = stdin
        os.chdir(place)
        os.environ.clear()
        os.environ.update(kept)


def environment(folder: Path, sandbox: Sandbox | None = None) -> dict[str, str]:
    """All that a command of these tests sees of the machine."""
    home = folder.with_name(folder.name + ".home")
    home.mkdir(exist_ok=True)
    vendor = {"TDR_VAR_pinterest": sandbox.base_url} if sandbox else {}
    return vendor | {
        "PATH": os.environ.get("PATH", ""),
        "TMPDIR": tempfile.gettempdir(),
        "HOME": str(home),
        "TDR_KEY": KEY,
        "TDR_SERVICE_KEY": SERVICE_KEY,
        "PINTEREST_CLIENT_ID": CLIENT_ID,
        "PINTEREST_CLIENT_SECRET": CLIENT_SECRET,
        "PINTEREST_REFRESH_TOKEN": REFRESH_TOKEN,
        "PYTHONWARNINGS": "default",
        "NO_COLOR": "1",
    }


def stage_in(folder: Path, sandbox: Sandbox | None) -> Stage:
    """A new project in *folder*; nothing of it is applied."""
    folder.mkdir()
    stage = Stage(folder, sandbox, environment(folder, sandbox))
    for path, text in MANIFESTS.items():
        stage.write(path, text)
    stage.shop_of(range(BUYERS))
    return stage


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below *folder*, by its path from there. Where there is none, nothing would be found, whatever it is."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(files.values()), f"nothing was written below {folder}"
    return files


def forms(value: str) -> set[bytes]:
    """*value* as it may stand somewhere: plain, URL-encoded, JSON-escaped, and in base64 at each alignment."""
    raw = value.encode()
    forms = {raw, quote(value, safe="").encode(), json.dumps(value)[1:-1].encode()}
    forms.add(json.dumps(value, ensure_ascii=False)[1:-1].encode())
    for shift in range(3):
        # The first and last group of four hold bits of what stands around.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(b"x" * shift + raw)[4 if shift else 0 : -4])
    return {form for form in forms if len(form) > 6}


def leaks(places: Mapping[str, bytes], values: Iterable[str], mutate: Callable[[bytes], bytes] = bytes) -> list[str]:
    """Where one of *values* stands in any form, as ``place: value``."""
    assert any(places.values()), "there is nothing to look through"
    wanted = {form: value for value in values for form in forms(value)}
    return sorted(
        {
            f"{place}: {value}"
            for place, content in places.items()
            for form, value in wanted.items()
            if form in mutate(content)
        }
    )
