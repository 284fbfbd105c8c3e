"""All error texts are of one form: what is wrong, where, and what now. A family of wrong inputs is typed, and the source read."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stage import Said, Stage

from reconciler import errors

SOURCE = Path(errors.__file__).parent
OURS = {
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.TdrError | errors.Ended)
} - {"ManifestError", "ProviderError", "Transient", "OutcomeUnknown", "Permanent", "NotFound", "Denied", "Conflict"}
"""Classes that are raised where nobody but a person can answer. Findings have places, and vendors words of their own."""
FOREIGN = re.compile(
    r"Value error|Input should|unable to|Traceback|object at 0x|<class|NoneType|\bNone\b|Errno|Exception|\bKeyError\b"
)
"""What libraries say and people do not."""
CODES = {1, 3, 4, 5, 7, 64}
QUERY = "query/buyers-per-month"

TYPED = {
    # what is typed: what the error has to name
    "nonsense": "nonsense",
    "state nonsense": "nonsense",
    "plan --nope": "--nope",
    "plan extra": "extra",
    "explain": "ADDRESS",
    "state migrate": "--from",
    "plan --format xml": "--format 'xml'",
    "status --format sarif": "sarif",
    "plan --parallelism 3": "--parallelism",
    "apply --parallelism x": "--parallelism 'x'",
    "apply --parallelism 0": "--parallelism '0'",
    "apply --parallelism 65": "--parallelism '65'",
    "plan --max-chars 0": "--max-chars '0'",
    "--log-format x plan": "--log-format 'x'",
    "init --ci gitea": "--ci 'gitea'",
    "init --env x": "--env",
    "init other --name UPPER": "UPPER",
    "completion csh": "SHELL 'csh'",
    "plan --refresh maybe": "--refresh 'maybe'",
    "plan --no-color=x": "--no-color",
    "ci gate --exit-code 300": "--exit-code '300'",
    "ci gate --exit-code 1 --allow x": "--allow 'x'",
    "ci gate": "--exit-code",
    "ci comment broken.json": "'broken.json'",
    "ci label odd.json": "'odd.json'",
    "ci find-plan --out x": "forge",
    "ci propose --branch x": "forge",
    "ci env --provider github": "GITHUB_REPOSITORY",
    "plan --env nope": "`nope`",
    "-C /nowhere plan": "'/nowhere'",
    "plan --target x": "--target: 'x'",
    "plan --target query/none": "'query/none'",
    "plan --target @none": "@none",
    "plan --selector a=b=c,d": "--selector",
    "plan --var x": "--var 'x'",
    "plan --var-file none": "--var-file 'none'",
    "plan --report x": "--report 'x'",
    "plan --report json=a --report sarif=a": "'a'",
    "plan --report json=- --format json": "--report json=-",
    "validate --report terraform=x": "'terraform'",
    "plan --report json=/nowhere/x": "'/nowhere/x'",
    "plan --out /nowhere/x": "'/nowhere/x'",
    "plan --timeout soon": "--timeout 'soon'",
    "plan --timeout 0s": "--timeout",
    "plan --expires x --out y.json": "--expires 'x'",
    "apply --lock-timeout x --yes": "--lock-timeout 'x'",
    "serve --sample-every x": "--sample-every 'x'",
    "serve --dashboard x": "--dashboard 'x'",
    "sandbox --vendor x": "--vendor 'x'",
    "sandbox --vendor qlik --state-file x": "Qlik",
    "apply none.json": "none.json",
    "apply broken.json": "broken.json",
    "apply odd.json": "'odd.json'",
    "apply odd.json --target query/x": "--target",
    "apply --yes --replan-if-equal": "--replan-if-equal",
    "apply --approve x --yes": "--approve",
    "show none.json": "none.json",
    "show broken.json": "broken.json",
    "diff odd.json none.json": "none.json",
    "graph --changes none.json": "none.json",
    "explain x": "'x'",
    "explain query/none": "query/none",
    f"explain {QUERY}/nope": "/nope",
    "logs query/none": "query/none",
    "run query/none": "query/none",
    "retry query/none": "query/none",
    f"preview {QUERY}": QUERY,
    "preview import/none": "import/none",
    "import": "import",
    "import query/x 1": "'1'",
    "import schedule/x 1": "'schedule'",
    "import --all --kind nope": "'nope'",
    "import x.dig": "'x.dig'",
    "history nope": "'nope'",
    "rollback nope --yes": "'nope'",
    "state show query/none": "query/none",
    "state show x": "'x'",
    "state mv query/a query/b": "query/a",
    f"state mv {QUERY} table/x": "table/x",
    f"state mv {QUERY} import/customers": "import/customers",
    "state rm query/none": "query/none",
    "state restore 99": "99",
    "state restore x": "SERIAL 'x'",
    "state push broken.json": "broken.json",
    "state push none.json": "none.json",
    "state migrate --from local": "state/local",
    "lock release x": "'x'",
    "schema Nope": "'Nope'",
    "kinds Nope": "'Nope'",
    "schedule explain x": "'x'",
    "schedule explain @daily --timezone Nope": "'Nope'",
    "schedule explain @daily --delay x": "--delay 'x'",
    "schedule explain @daily --after x": "--after 'x'",
    "schedule explain @daily --after 0001-01-01": "--after '0001-01-01'",
    "schedule explain @daily --dialect x": "--dialect 'x'",
    "tdx read none": "'none'",
    "fmt none": "'none'",
    "drift --accept x": "'x'",
    "drift --accept query/none": "query/none",
    "destroy --yes": "environment",
    "apply": "nobody",
    "refresh": "nobody",
}


def told(said: Said) -> tuple[str, str]:
    """The error and the hint of a command that failed, held to the form that all have."""
    lines = [line for line in said.err.splitlines() if line.startswith(("error:", "hint:"))]
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"], said.err
    error, hint = (line.partition(": ")[2] for line in lines)
    assert said.code in CODES
    for text in (error, hint):
        assert text == text.strip() != ""
        assert not text.endswith("."), "a sentence without its full stop"
        assert FOREIGN.search(text) is None, text
    first = error.split()[0]
    assert first[0].islower() or not first[0].isalpha() or first.isupper() or "_" in first, error
    assert error.count(" ") >= 2, "says what is wrong"
    return error, hint


@pytest.fixture
def typed_in(applied: Stage) -> Stage:
    applied.write("broken.json", "{")
    applied.write("odd.json", '{"format": "tdr.plan", "format_version": "1.0"}')
    return applied


@pytest.mark.parametrize("line", TYPED)
def test_what_is_typed_wrongly_is_told_with_its_place_and_what_now(typed_in: Stage, line: str) -> None:
    error, _ = told(typed_in.tdr(*line.split(), expect=None))
    assert TYPED[line] in error


def test_a_value_is_told_with_who_gave_it(project: Stage) -> None:
    assert told(project.tdr("apply", expect=64, TDR_YES="maybe"))[0] == "TDR_YES 'maybe' is neither true nor false"
    assert told(project.tdr("apply", expect=64, TDR_PARALLELISM="0"))[0] == "TDR_PARALLELISM '0' is less than 1"
    said = project.tdr("plan", "--format", "xml", expect=64)
    assert told(said)[0].startswith("--format 'xml' is not one of 'text', 'json'")


def torn_state(project: Stage) -> None:
    (project.state / "state.json").write_text('{"a', encoding="utf-8")


def no_settings(project: Stage) -> None:
    (project.folder / "tdr.yaml").unlink()


def state_is_a_file(project: Stage) -> None:
    for path in sorted(project.state.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    project.state.rmdir()
    project.state.write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (torn_state, "{project}/state/local/state.json is torn"),
        (no_settings, "no tdr.yaml in '{project}'"),
        (state_is_a_file, "{project}/state/local"),
    ],
)
@pytest.mark.parametrize("line", ["plan", "apply --yes", "status", "state list", "drift", f"explain {QUERY}"])
def test_what_is_broken_around_a_command_is_told_with_its_place_and_what_now(
    applied: Stage, spoil: Callable[[Stage], None], place: str, line: str
) -> None:
    spoil(applied)
    error, _ = told(applied.tdr(*line.split(), expect=None))
    assert place.format(project=applied.folder) in error


def test_a_key_that_is_none_and_a_plan_that_is_stale_are_told_so(applied: Stage) -> None:
    assert "TDR_KEY" in told(applied.tdr("plan", expect=1, TDR_KEY="short"))[0]
    applied.edit("manifests/shop.yaml", 'cron: "0 3 * * *"', 'cron: "0 4 * * *"')
    applied.tdr("plan", "--out", "plan.json")
    applied.tdr("apply", "plan.json")
    assert told(applied.tdr("apply", "plan.json", expect=4))[0]
    applied.edit("manifests/shop.yaml", 'cron: "0 4 * * *"', 'cron: "0 5 * * *"')
    applied.tdr("plan", "--out", "plan.json")
    applied.edit("manifests/shop.yaml", 'cron: "0 5 * * *"', 'cron: "0 6 * * *"')
    assert "manifests" in told(applied.tdr("apply", "plan.json", expect=4))[0]


WRITTEN = {
    "a syntax error": "kind: [",
    "a missing key": "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: x}\nspec: {}\n",
    "no such key": "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: x}\nspec: {nme: x}\n",
    "no such kind": "apiVersion: tdr/v1\nkind: Databse\nmetadata: {name: x}\nspec: {}\n",
    "no name": "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: A B}\nspec: {}\n",
    "a wrong type": "apiVersion: tdr/v1\nkind: Database\nmetadata: [x]\nspec: {}\n",
    "nothing there": "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: x}\nspec: {database: none, sql: SELECT 1}\n",
    "no SQL": "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: x}\nspec: {database: shop, sql: SELEC 1 FROM}\n",
    "no schedule": (
        "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: x}\n"
        "spec: {database: shop, sql: SELECT 1, cron: every morning, timezone: Mars}\n"
    ),
    "no variable": "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: x}\nspec: {name: '${var:none}'}\n",
    "twice": "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n",
}


@pytest.mark.parametrize("case", WRITTEN)
def test_what_is_written_wrongly_is_told_at_its_line(project: Stage, case: str) -> None:
    project.write("manifests/wrong.yaml", WRITTEN[case])
    said = project.tdr("plan", expect=7)
    findings = [block for block in said.err.split("\n\n") if block.startswith("error[")]
    assert findings
    for block in findings:
        assert re.search(r"^  --> manifests/(?:wrong|shop)\.yaml:\d+:\d+$", block, re.MULTILINE), block
        assert re.search(r"^  hint: \S|must be (?:a|an) ", block, re.MULTILINE), block
        assert FOREIGN.search(block) is None, block
    assert re.search(r"^error: \d+ problems? in the manifests$", said.err, re.MULTILINE)


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every error of ours that is made anywhere but in the service, which answers as a vendor does; and where."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "service" in path.relative_to(SOURCE).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OURS:
                yield f"{path.relative_to(SOURCE)}:{node.lineno} {node.func.id}", node


def test_every_error_says_what_now() -> None:
    made = list(raised())
    assert len(made) > 300, "the source is read"
    assert [at for at, call in made if not any(one.arg in {"hint", None} for one in call.keywords)] == []


def test_no_text_of_an_error_ends_in_a_full_stop() -> None:
    texts = [(at, text) for at, call in raised() for text in _texts(call)]
    assert [at for at, text in texts if text.endswith(".") and not text.endswith("..")] == []


def _texts(call: ast.Call) -> Iterator[str]:
    for value in (*call.args, *(one.value for one in call.keywords if one.arg == "hint")):
        last = value.values[-1] if isinstance(value, ast.JoinedStr) and value.values else value
        if isinstance(last, ast.Constant) and isinstance(last.value, str):
            yield last.value
