"""Five hundred secrets and as many people are planted; whatever fails, none is found where tdr writes, in any form."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote_plus

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import CLIENT_SECRET, PLANTED, REFRESH_TOKEN, Stage, forms, stage_in

from reconciler.cli import reporting
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox
from reconciler.reports.characters import block, code

FORMATS = {verb: {one.value for one in known} for verb, known in reporting.FORMATS.items()}
COUNT = 250
"""Connections, each with two secrets of its own."""
PLAIN = [f'FAKE-{number:03}-s3cret/+="&{number * 7919:07}' for number in range(COUNT)]
OF_LINES = [
    f"FAKE-{number:03}-multi {number * 104_729:09}\nFAKE-{number:03}-line+{number * 7:09}" for number in range(COUNT)
]
PEOPLE = [f"person.{number}+vip@members{number}.example.com" for number in range(500)]

CONNECTION = """\
---
apiVersion: tdr/v1
kind: Connection
metadata: {{name: other-{number:03}}}
spec:
  type: pinterest
  client_id: "${{secret:env:PLAIN_{number}}}"
  client_secret: "${{secret:env:LINES_{number}}}"
  refresh_token: "${{secret:env:LINES_{number}}}"
"""


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Stage]:
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        stage = stage_in(tmp_path / "shop", sandbox)
        stage.environ |= {f"PLAIN_{number}": secret for number, secret in enumerate(PLAIN)}
        stage.environ |= {f"LINES_{number}": secret for number, secret in enumerate(OF_LINES)}
        stage.environ |= {"TDR_LOG": "debug", "TDR_DEBUG": "1"}
        stage.write("manifests/others.yaml", "".join(CONNECTION.format(number=number) for number in range(COUNT)))
        stage.write("data/customers.csv", "\n".join(["email,spring", *(f"{one},yes" for one in PEOPLE), ""]))
        yield stage


def written(stage: Stage) -> dict[str, bytes]:
    """What was printed, and every file but the tables and the user's own input."""
    files = [path for path in stage.folder.parent.rglob("*") if path.is_file()]
    kept = {
        str(path.relative_to(stage.folder.parent)): path.read_bytes()
        for path in files
        if not path.name.startswith("data.duckdb") and path.parent.name not in {"data", "manifests"}
    }
    return kept | {"printed": "\n".join(stage.heard).encode()}


def hidden() -> set[bytes]:
    """Each secret, line of a secret and address in every form, and the digests of people."""
    lines = [line for secret in OF_LINES for line in secret.splitlines()]
    looked_for = {
        form for value in (*PLAIN, *OF_LINES, *lines, *PEOPLE, CLIENT_SECRET, REFRESH_TOKEN) for form in forms(value)
    }
    looked_for |= {quote_plus(value).encode() for value in (*PLAIN, *lines, *PEOPLE)}
    looked_for |= {code(value).encode() for value in (*PLAIN, *lines, *PEOPLE)}
    looked_for |= {block([value]).removeprefix("<pre>\n")[:-7].encode() for value in (*PLAIN, *lines, *PEOPLE)}
    looked_for |= {escape(value, quote=quote).encode() for value in (*PLAIN, *lines) for quote in (True, False)}
    looked_for |= {hashlib.sha256(person.encode()).hexdigest().encode() for person in PEOPLE}
    return looked_for


def reports(name: str) -> list[str]:
    """A report in every format that the verbs which change something know."""
    return [word for one in FORMATS["apply"] - {"jsonl"} for word in ("--report", f"{one}={name}.{one}")]


def found(stage: Stage) -> list[str]:
    looked_for = hidden()
    return sorted(
        {f"{place}: {form!r}" for place, text in written(stage).items() for form in looked_for if form in text}
    )


def test_the_search_finds_what_is_written(planted: Stage) -> None:
    planted.write("state/local/a.json", '{"x": "' + quote_plus(PLAIN[7]) + '"}')
    planted.heard.append(OF_LINES[9].splitlines()[1] + PEOPLE[3])

    assert {line.partition(":")[0] for line in found(planted)} == {"shop/state/local/a.json", "printed"}


def test_plan_apply_and_failures_write_no_secret_and_nobody(planted: Stage) -> None:
    planted.process("plan", "--out", "saved.json", *reports("plan"), expect=None)
    planted.process("apply", "--yes", "--target", "import/customers", "--format", "jsonl", *reports("part"))
    planted.process("run", "import/customers", "--format", "jsonl")
    people, secrets = ",".join(PEOPLE[:40]), " ".join((*PLAIN[:20], *OF_LINES[:20]))
    message = f"invalid record: {people} {secrets}"
    planted.control.fault("error", status=400, message=message, method="POST", count=None, path="/oauth/token")
    failed = planted.process("apply", "--yes", *reports("failed"), expect=None)
    planted.process("apply", "--yes", "--format", "jsonl", expect=None)
    for verb in ("plan", "drift", "validate"):
        for one in FORMATS[verb]:
            planted.tdr(verb, "--format", one, expect=None)
    planted.tdr("drift", *reports("drift"), expect=None)
    planted.tdr("state", "show")

    assert failed.code == 6  # the connections are made, the audience is not
    assert "400" in failed.out + failed.err
    assert "event='request answered'" in "".join(planted.heard)
    assert found(planted) == []


CRASHES: dict[str, Callable[[Stage], object]] = {
    "journal": lambda stage: stage.write("state/local/journal.jsonl", "{" + PLAIN[5] + "\n" + PEOPLE[4] + "\n"),
    "service": lambda stage: stage.write("state/local/service/service.sqlite", OF_LINES[5] + PEOPLE[5]),
    "input": lambda stage: stage.write("data/customers.csv", "email,spring\n" + PEOPLE[6] + '",\x00"' + PLAIN[6]),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_what_ends_a_run_is_told_without_secrets(planted: Stage, crash: str) -> None:
    (planted.folder / "manifests/activation.yaml").unlink()
    planted.process("apply", "--yes", "--target", "import/customers")
    CRASHES[crash](planted)
    before = len(planted.heard)

    planted.process("run", "import/customers", expect=None)
    planted.process("apply", "--yes", "--target", "import/customers", expect=None)

    printed = "\n".join(planted.heard[before:]).encode()
    assert printed
    assert [form for form in hidden() if form in printed] == []
