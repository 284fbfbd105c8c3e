"""Cases of YAML met in the field, kept beside the checkout; each must end as it says, in our own manifests and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from manifest_cases import CASES, CHECKS, Bench, check
from manifest_texts import CONNECTION, Load, Refusals, brief, query

from reconciler.model.address import Address

pytestmark = pytest.mark.skipif(not CASES, reason="the shared cases are not beside this checkout")


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


@pytest.mark.parametrize("case_id", [i for i in CASES if i.startswith("yaml-")] or ["none"])
def test_case(case_id: str, root: Path, loaded: Load, refused: Refusals) -> None:
    CHECKS[case_id](Bench(CASES[case_id], root, loaded, refused))


def test_every_case_of_yaml_has_a_check() -> None:
    assert {i for i in CASES if i.startswith("yaml-")} <= CHECKS.keys()
