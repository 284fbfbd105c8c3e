"""Cases met in the field, kept beside the checkout; each must end as it says, in our own manifests and words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifest_texts import CONNECTION, SECRETS, Load, Refusals, brief, query, shown

from reconciler.errors import SecretError
from reconciler.manifest.syntax import Parsed, read_documents
from reconciler.model.address import Address
from reconciler.model.kinds import PinterestConnection, QuerySpec

CASES_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
CASE_FILES = ("yaml-manifests.yaml", "includes-and-secrets.yaml", "security.yaml")


def _cases() -> dict[str, dict[str, Any]]:
    if not CASES_FOLDER.is_dir():
        return {}
    texts = [(CASES_FOLDER / name).read_text(encoding="utf-8") for name in CASE_FILES]
    return {case["id"]: case["given"] for text in texts for case in yaml.safe_load(text)["cases"]}


CASES = _cases()

pytestmark = pytest.mark.skipif(not CASES, reason="the shared cases are not beside this checkout")

Check = Callable[["Bench"], None]
CHECKS: dict[str, Check] = {}


class Bench:
    """What a check works with."""

    def __init__(self, given: dict[str, Any], root: Path, loaded: Load, refused: Refusals) -> None:
        self.given = given
        self.root = root
        self.loaded = loaded
        self.refused = refused

    def literals(self) -> list[str]:
        return self.given.get("literals") or [self.given["literal"]]

    def read(self, literal: str | bytes | None = None) -> Parsed:
        return read_documents(self.literals()[0] if literal is None else literal, "m.yaml")

    def tree(self) -> Any:
        parsed = self.read()
        assert parsed.problems == ()
        return parsed.documents[0].tree

    def file(self) -> bytes:
        name = self.given.get("file") or self.given["files"][0]
        return (CASES_FOLDER / name).read_bytes()


def check(case_id: str) -> Callable[[Check], Check]:
    def register(function: Check) -> Check:
        CHECKS[case_id] = function
        return function

    return register


@pytest.mark.parametrize("case_id", [i for i in CASES if not i.startswith("sec-") or i in CHECKS] or ["none"])
def test_case(case_id: str, root: Path, loaded: Load, refused: Refusals) -> None:
    CHECKS[case_id](Bench(CASES[case_id], root, loaded, refused))


def test_every_case_of_yaml_and_of_references_has_a_check() -> None:
    assert {i for i in CASES if not i.startswith("sec-")} <= CHECKS.keys()
    assert {"sec-001", "sec-002", "sec-004", "sec-005"} <= CHECKS.keys()


@check("yaml-001")
def _odd_blanks(bench: Bench) -> None:
    parsed = bench.read(bench.file())
    found = [(p.rule, str(p.position), "U+00A0" in p.message) for p in parsed.problems]
    assert found == [("odd-blank", f"m.yaml:{line}:1", True) for line in (4, 5, 6, 9, 10)]
    diagnostics = bench.refused({"manifests/m.yaml": bench.file()})
    assert [d.rule for d in diagnostics] == ["odd-blank"] * 5


@check("yaml-002")
def _bare_at(bench: Bench) -> None:
    (problem,) = bench.read().problems
    assert (str(problem.position), problem.hint) == ("m.yaml:2:9", 'write cron: "@daily"')
    assert problem.message == "the value of `cron` must be quoted because it starts with `@`"


@check("yaml-003")
def _times_stay_text(bench: Bench) -> None:
    assert bench.tree() == [{"daily": "07:00:00"}, {"daily": "10:00:00"}, {"hourly": "30:00"}]


@check("yaml-004")
def _norway_stays(bench: Bench) -> None:
    assert bench.tree()["rule"]["operator"]["value"] == ["SE", "NO", "DK"]


@check("yaml-005")
def _ids_keep_their_zero(bench: Bench) -> None:
    assert bench.tree() == [{"ad_account_id": "0547123"}, {"ad_account_id": "0547128"}]
    audience = (
        "apiVersion: tdr/v1\nkind: Audience\nmetadata: {name: a}\n"
        "spec: {connection: pinterest-main, title: A, ad_account_id: 0547123}\n---\n"
    )
    spec = bench.loaded({"manifests/m.yaml": audience + CONNECTION}).resources[Address("audience", "a")].spec
    assert spec.model_dump()["ad_account_id"] == "0547123"


@check("yaml-006")
def _duplicate_keys(bench: Bench) -> None:
    (problem,) = bench.read().problems
    assert problem.message == "key `schedule` is written twice, in lines 3 and 5"


@check("yaml-007")
def _duplicate_tasks(bench: Bench) -> None:
    (problem,) = bench.read(bench.file()).problems
    assert problem.message == "key `+prepare` is written twice, in lines 6 and 14"


@check("yaml-008")
def _includes_in_one_block(bench: Bench) -> None:
    problems = bench.read(bench.file()).problems
    assert brief(list(problems)) == [
        "include-not-supported m.yaml:2:3 include is not supported: `!include`",
        "include-not-supported m.yaml:3:3 include is not supported: `!include`",
    ]


@check("yaml-009")
def _merge_keys(bench: Bench) -> None:
    assert bench.tree()["conn"] == {"retry_count": "3", "timeout": "60"}


@check("yaml-010")
def _typographic_quotes(bench: Bench) -> None:
    parsed = bench.read()
    (notice,) = parsed.problems
    assert not notice.is_error
    assert notice.path == "/query"
    assert "U+201C" in notice.message
    assert "U+201D" in notice.message
    assert parsed.documents[0].tree == {
        "query": "SELECT DISTINCT member_id, list FROM \N{LEFT DOUBLE QUOTATION MARK}web_members"
        "\N{RIGHT DOUBLE QUOTATION MARK}"
    }


@check("yaml-011")
def _carriage_returns(bench: Bench) -> None:
    data = bench.file()
    parsed = bench.read(data)
    assert b"\r\n" in data
    assert parsed == bench.read(data.replace(b"\r\n", b"\n"))
    assert "\r" not in repr(parsed.documents[0].tree)
    tree: Any = parsed.documents[0].tree
    assert tree["_export"]["app"]["id_field"] == "レコード番号"


@check("yaml-012")
def _shift_jis(bench: Bench) -> None:
    (problem,) = bench.read(bench.file()).problems
    assert brief([problem]) == ["not-utf-8 m.yaml:1:1 is not valid UTF-8: byte 0x97 at offset 21"]


@check("yaml-013")
def _impossible_dates(bench: Bench) -> None:
    assert bench.tree() == {"params": {"range_start": "2022-01-01", "range_end": "2222-22-22"}}


@check("yaml-014")
def _escaped_n(bench: Bench) -> None:
    parsed = bench.read()
    assert parsed.documents[0].tree == {"a": {"null_string": "\\N"}, "b": {"null_string": "\x85"}}
    (notice,) = parsed.problems
    assert not notice.is_error
    assert (notice.path, notice.message) == (
        "/b/null_string",
        "`null_string` contains the control character U+0085",
    )


@check("yaml-015")
def _nulls(bench: Bench) -> None:
    assert bench.tree() == {
        "s1": {"warning_flag": None},
        "s2": {"warning_flag": ""},
        "s3": {"compression": "None"},
        "s4": {},
    }


@check("yaml-016")
def _empty_items(bench: Bench) -> None:
    assert bench.tree()["keys"][0]["invalid_texts"] == ["", None, "N/A"]


@check("yaml-017")
def _colons_and_brackets(bench: Bench) -> None:
    first, second = "".join(bench.literals()).split("b:\n")
    (problem,) = bench.read().problems
    assert problem.position is not None
    assert problem.position.line == 2
    assert problem.message == "the value of `description` must be quoted because it contains `: `"
    assert bench.read(first).problems == (problem,)
    (alone,) = bench.read("b:\n" + second).problems
    assert alone.message == "the value of `subject` must be quoted because it starts with `[`"
    assert alone.hint == 'write subject: "[${greeting}] weekly report"'


@check("yaml-018")
def _stars(bench: Bench) -> None:
    hints = [bench.read(literal).problems[0].hint for literal in bench.literals()]
    assert hints == ['write vendor_id: "******"', 'write cron: "* * * * *"']


@check("yaml-019")
def _half_commented(bench: Bench) -> None:
    (problem,) = bench.read(bench.file()).problems
    assert brief([problem]) == [
        "wrong-indentation m.yaml:13:3 line 13 is indented by 2 blanks, which fits no block around it"
    ]
    assert problem.hint == "indent it by 0, 4 or 6, as the lines that it belongs with"


@check("yaml-020")
def _odd_file_names(bench: Bench) -> None:
    names = ["daily load (existing auth).dig.yml", "with: colon.yaml"]
    documents = {f"manifests/{name}": query("sql: select 1", f"q{index}") for index, name in enumerate(names)}
    found = bench.loaded(documents)
    assert [str(address) for address in found.resources] == ["query/q0", "query/q1"]
    assert [found.source(address) for address in found.resources] == [f"manifests/{name}:1" for name in names]
    assert bench.read(bench.file()).problems == ()


@check("yaml-021")
def _misspelled_fields(bench: Bench) -> None:
    text = query('sql: select 1\nname: nightly\nschedule: {crom: "0 3 * * *"}\nretry_limt: 3')
    found = [(d.rule, d.path, d.hint) for d in bench.refused({"manifests/m.yaml": text})]
    assert found == [
        ("unknown-key", "/spec/schedule/crom", "did you mean `cron`?"),
        ("unknown-key", "/spec/retry_limt", "did you mean `retry_limit`?"),
    ]


@check("yaml-022")
def _tabs_as_indentation(bench: Bench) -> None:
    found = [(p.message, p.hint) for literal in bench.literals() for p in bench.read(literal).problems]
    assert found == [
        ("a tab at line 2 column 1 is used as indentation", "use blanks"),
        ("a tab at line 3 column 1 is used as indentation", "use blanks"),
    ]


@check("yaml-023")
def _tabs_in_text(bench: Bench) -> None:
    assert bench.tree() == {"query": "SELECT\n\tmember_id\n"}


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


def test_a_secret_that_was_not_resolved_cannot_be_revealed(loaded: Load) -> None:
    found = loaded({"manifests/m.yaml": CONNECTION}, environ={}, resolve_secrets=False)
    spec = found.resources[Address("connection", "pinterest-main")].spec
    assert isinstance(spec, PinterestConnection)
    with pytest.raises(SecretError, match="`env:CLIENT_ID` was not resolved in this run"):
        spec.client_id.reveal()
