"""Cases met in the field with includes, secrets and hostile files; each must end as it says, in our own manifests and words."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifest_cases import CASES, CHECKS, Bench, check
from manifest_texts import CONNECTION, SECRETS, Load, Refusals, brief, query, shown

from reconciler.errors import SecretError
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import QuerySpec

pytestmark = pytest.mark.skipif(not CASES, reason="the shared cases are not beside this checkout")


@check("incl-001")
def _dollars_in_secrets(bench: Bench) -> None:
    (value,) = bench.given["secrets"].values()
    assert _token(bench, value) == value


@check("incl-002")
def _line_breaks_in_secrets(bench: Bench) -> None:
    value = bench.given["secrets"]["token"]
    assert "\n" in value
    assert _token(bench, value) == value


def _token(bench: Bench, value: str) -> str:
    found = bench.loaded({"manifests/m.yaml": CONNECTION}, environ={**SECRETS, "REFRESH_TOKEN": value})
    assert value not in repr(found)
    spec = found.resources[Address("connection", "pinterest-main")].spec
    assert isinstance(spec, PinterestConnection)
    return spec.refresh_token.reveal()


@check("incl-003")
def _missing_secrets(bench: Bench) -> None:
    environ = {"CLIENT_ID": "x", "CLIENT_SECRET": "y"}
    found = bench.refused({"manifests/m.yaml": CONNECTION}, environ=environ)
    assert brief(found) == [
        "unresolved-secret manifests/m.yaml:8:18 `spec.refresh_token`: the environment variable `REFRESH_TOKEN` is not set"
    ]
    literal = CONNECTION.replace("${secret:env:REFRESH_TOKEN}", "${secret:intercom.tokn}")
    (malformed,) = bench.refused({"manifests/m.yaml": literal})
    assert malformed.message == "`spec.refresh_token`: `${secret:intercom.tokn}` is no form of a secret reference"


@check("incl-004")
def _foreign_dollars(bench: Bench) -> None:
    sql = bench.tree()["query"]
    text = query("sql: |\n" + "".join(f"  {line}\n" for line in sql.splitlines()))
    spec = bench.loaded({"manifests/m.yaml": text}).resources[Address("query", "q")].spec
    assert isinstance(spec, QuerySpec)
    assert spec.sql == sql


@check("incl-005")
def _include_without_blank(bench: Bench) -> None:
    (problem,) = bench.read().problems
    assert problem.rule == "include-not-supported"
    assert "below the manifests folder, where all files are read" in problem.hint


@check("incl-006")
def _include_cycle(bench: Bench) -> None:
    found = bench.refused({"manifests/a.yml": "!include : b.yml\n", "manifests/b.yml": "!include : a.yml\n"})
    assert [str(d.position) for d in found if d.rule == "include-not-supported"] == [
        "manifests/a.yml:1:1",
        "manifests/b.yml:1:1",
    ]


@check("incl-007")
def _literal_credentials(bench: Bench) -> None:
    text = CONNECTION.replace("${secret:env:CLIENT_SECRET}", "FAKE-0123456789abcdef").replace(
        "${secret:env:REFRESH_TOKEN}", "FAKE-refresh"
    )
    found = bench.refused({"manifests/m.yaml": text})
    assert [(d.rule, d.path) for d in found] == [
        ("literal-secret", "/spec/client_secret"),
        ("literal-secret", "/spec/refresh_token"),
    ]
    assert "${secret:env:CLIENT_SECRET}" in found[0].hint
    assert "FAKE" not in shown(found)


@check("incl-008")
def _numbers_from_outside(bench: Bench) -> None:
    environ = {"LIMIT": "21"}
    text = query("sql: select 1\nretry_limit: ${env:LIMIT}")
    spec = bench.loaded({"manifests/m.yaml": text}, environ=environ).resources[Address("query", "q")].spec
    assert isinstance(spec, QuerySpec)
    assert spec.retry_limit == 21
    # No number of ours is a secret: a secret would be kept in state and shown in plans.
    as_secret = query("sql: select 1\nretry_limit: ${secret:env:LIMIT}")
    (problem,) = bench.refused({"manifests/m.yaml": as_secret}, environ=environ)
    assert problem.rule == "secret-in-plain-field"
    assert "21" not in shown([problem]).replace(str(problem.position), "")


@check("incl-009")
def _empty_secret(bench: Bench) -> None:
    text = "treasure_data: {endpoint: us01, api_key: '${secret:env:TD_API_KEY}'}\n"
    files = {"manifests/environments/prod.yaml": text, "manifests/m.yaml": query("sql: select 1")}
    found = bench.refused(files, environ=bench.given["environment"])
    assert brief(found) == [
        (
            "unresolved-secret manifests/environments/prod.yaml:1:42 "
            "`treasure_data.api_key`: the environment variable `TD_API_KEY` is empty"
        )
    ]


@check("sec-001")
def _alias_bomb(bench: Bench) -> None:
    (problem,) = bench.read(bench.file()).problems
    assert brief([problem]) == ["alias-bomb m.yaml:7:10 aliases repeat more than 100,000 values"]
    honest = "base: &b {a: 1, b: [x, y]}\nuses:\n" + "- *b\n" * 60
    assert bench.read(honest).problems == ()


@check("sec-002")
def _leaving_the_project(bench: Bench) -> None:
    for literal in bench.literals():
        assert [p.rule for p in bench.read(literal).problems] == ["include-not-supported"]
    outside = bench.root.parent / "outside"
    outside.mkdir()
    (outside / "secret.sql").write_text("FAKE-CONTENT")
    (bench.root / "linked").symlink_to(outside)
    for path in ("../outside/secret.sql", str(outside / "secret.sql"), "linked/secret.sql", "C:\\Windows\\win.ini"):
        found = bench.refused({"manifests/m.yaml": query(f"file: '{path}'")})
        assert [(d.rule, d.path) for d in found] == [("file-outside-project", "/spec/file")], path
        assert "FAKE-CONTENT" not in shown(found)


@check("sec-004")
def _foreign_expressions(bench: Bench) -> None:
    assert bench.tree() == {
        "name": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "path": "/v1/@{concat('a','b')}",
    }


@check("sec-005")
def _python_tags(bench: Bench) -> None:
    (problem,) = bench.read().problems
    assert problem.message == "tag `!!python/object/apply:os.system` is not known here"


@check("sec-006")
def _secrets_never_show(bench: Bench) -> None:
    for value in bench.given["secrets"].values():
        found = bench.loaded({"manifests/m.yaml": CONNECTION}, environ={**SECRETS, "REFRESH_TOKEN": value})
        spec = found.resources[Address("connection", "pinterest-main")].spec
        texts = f"{found!r} {spec!r} {spec} {spec.model_dump()} {spec.model_dump_json()}"
        assert not any(line in texts for line in value.splitlines())


# Below the checks, which have to be known here: other packages have those of other cases of security.
@pytest.mark.parametrize(
    "case_id",
    [i for i in CASES if not i.startswith("yaml-") and (i in CHECKS or not i.startswith("sec-"))] or ["none"],
)
def test_case(case_id: str, root: Path, loaded: Load, refused: Refusals) -> None:
    CHECKS[case_id](Bench(CASES[case_id], root, loaded, refused))


def test_every_case_of_references_has_a_check() -> None:
    assert {i for i in CASES if not i.startswith(("yaml-", "sec-"))} <= CHECKS.keys()
    assert {"sec-001", "sec-002", "sec-004", "sec-005", "sec-006"} <= CHECKS.keys()


def test_a_secret_that_was_not_resolved_cannot_be_revealed(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": CONNECTION}, environ={}, resolve_secrets=False)
    spec = found.resources[Address("connection", "pinterest-main")].spec
    assert isinstance(spec, PinterestConnection)
    with pytest.raises(SecretError, match="`env:CLIENT_ID` was not resolved in this run"):
        spec.client_id.reveal()
