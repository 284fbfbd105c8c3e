"""Queries that do not parse are found offline, at their line; the parser is loaded for new texts only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from manifest_texts import Load, Refusals, brief, query

from reconciler.diagnostics import Severity
from reconciler.errors import ManifestError
from reconciler.manifest.queries import MOST_AT_ONCE
from reconciler.manifest.sql_parsing import sql_problem
from reconciler.model.queries import Engine

REMOTE = {"manifests/environments/prod.yaml": "treasure_data: {endpoint: us01, api_key: '${secret:env:CLIENT_ID}'}\n"}
ACTIVATION = """\
apiVersion: tdr/v1
kind: Activation
metadata: {name: a}
spec:
  from:
    query:
      database: shop
      sql: |
        SELECT email
        FROM buyers b c
  to: {audience: nobody}
  membership: add
"""


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ("sql: SELECT (a FROM t", "6:18 expected `)` at `FROM`"),
        ('sql: "SELECT a FROM t GROUP 1"', "6:31 `1` is not expected here"),
        ("sql: |\n  SELECT a\n  FROM t WHERE", "8:12 something is missing after `WHERE`"),
        ("sql: |\n    SELECT\n      a b c FROM t", "8:13 `c` is not expected here"),
        ("sql: SELECT 1; SELECT 2", "6:8 a query is one statement, this has 2"),
        ("sql: SELEKT", "6:8 it begins with no statement"),
        ("sql: SELECT 'a FROM t", "6:15 a quote ' is not closed"),
        ("sql: >\n  SELECT a\n  FROM (t", "6:8 line 1 of the query is not understood"),
        ("sql: SELECT ${var:what} FROM t", "6:8 line 1 of the query is not understood"),
        ("engine: hive\nsql: SELECT (a FROM t", "7:18 expected `)` at `FROM`"),
    ],
)
def test_inline_sql_is_told_at_its_line(body: str, finding: str, refused: Refusals) -> None:
    (found,) = refused({"manifests/a.yaml": query(body)}, variables={"what": "a b c"})
    place, _, words = finding.partition(" ")
    assert brief([found]) == [f"sql-syntax manifests/a.yaml:{place} the SQL does not parse: {words}"]
    assert (found.subject, found.path, bool(found.frame)) == ("query/q", "/spec/sql", True)


def test_sql_in_a_file_is_told_in_that_file(refused: Refusals) -> None:
    files = {"manifests/a.yaml": query("file: sql/q.sql"), "sql/q.sql": "SELECT a,\n       b c d\nFROM t\n"}
    (found,) = refused(files)
    assert brief([found]) == ["sql-syntax sql/q.sql:2:12 the SQL does not parse: `d` is not expected here"]
    assert found.frame == "       b c d\n           ^"
    assert found.subject == "query/q"


def test_the_query_of_an_activation_is_looked_at_with_all_other_mistakes(refused: Refusals) -> None:
    other = query("sql: SELECT 1\npriorty: 1")
    assert [(one.rule, str(one.position)) for one in refused({"manifests/a.yaml": f"{ACTIVATION}---\n{other}"})] == [
        ("sql-syntax", "manifests/a.yaml:10:23"),
        ("unresolved-reference", "manifests/a.yaml:11:18"),
        ("unknown-key", "manifests/a.yaml:20:3"),
    ]


def test_where_the_vendors_parser_decides_it_is_a_warning(loaded: Load) -> None:
    files = {**REMOTE, "manifests/a.yaml": query("sql: SELECT (a FROM t")}
    (notice,) = loaded(files, environment="prod").notices
    assert (notice.rule, notice.severity) == ("sql-syntax", Severity.WARNING)
    assert notice.hint.startswith("tdr reads SQL with a parser that is not the vendor's")


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM buyers -- how many",
        "SELECT TD_TIME_FORMAT(time, 'yyyy-MM-dd', 'JST') FROM t WHERE TD_INTERVAL(time, '-1d')",
        "SELECT no_such_function(a) FROM no_such_table",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a JOIN b USING (x)",
        "INSERT INTO t SELECT * FROM u",
        "CREATE TABLE t AS SELECT 1 AS a",
        "DROP TABLE IF EXISTS t",
        "SELECT 'it''s; one statement'",
        "SELECT 1;",
    ],
)
def test_what_may_run_is_left_to_the_service(sql: str, engine: Engine) -> None:
    assert sql_problem(sql, engine) is None


@pytest.mark.parametrize("sql", ["(" * 5000, "SELECT " + "(" * 3000 + "1" + ")" * 3000, "SELECT '\0", "/* x"])
def test_no_text_breaks_the_check(sql: str) -> None:
    found = sql_problem(sql, Engine.TRINO)
    assert found is not None
    assert sql not in found.message


PROGRAM = """
import sys
from pathlib import Path
from reconciler.errors import ManifestError
from reconciler.manifest import find_project, load
root = Path(sys.argv[1])
try:
    load(find_project(root), None, cache_dir=root / "cache", variables={}, environ={}, resolve_secrets=False)
except ManifestError as error:
    print([str(one.position) for one in error.diagnostics], end=" ")
print("sqlglot" in sys.modules)
"""


def loads_parser(root: Path) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(root)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_parser_is_loaded_for_new_texts_only(root: Path, loaded: Load) -> None:
    loaded({"manifests/a.yaml": query("sql: SELECT 1")})
    assert [loads_parser(root) for _ in range(2)] == ["True", "False"]

    (root / "manifests/a.yaml").write_text(query("sql: SELECT (1"), encoding="utf-8")
    told = "['manifests/a.yaml:6:16']"
    assert [loads_parser(root) for _ in range(2)] == [f"{told} True", f"{told} False"]

    (root / "manifests/a.yaml").write_text("# moved\n" + query("sql: SELECT (1"), encoding="utf-8")
    assert loads_parser(root) == "['manifests/a.yaml:7:16'] False"


def test_a_plan_leaves_many_new_texts_to_a_validation_which_parses_all(root: Path, loaded: Load) -> None:
    many = "---\n".join(
        query(f"sql: SELECT {number} {'(' if number == 7 else ''}", f"q{number:03}")
        for number in range(MOST_AT_ONCE + 1)
    )

    loaded({"manifests/a.yaml": many}, cache_dir=root / "cache")

    for parse_all in (True, False):  # what was parsed once is remembered for both
        with pytest.raises(ManifestError) as caught:
            loaded({}, cache_dir=root / "cache", parse_all=parse_all)
        assert [one.rule for one in caught.value.diagnostics] == ["sql-syntax"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": "", "queries": {"a": 1}}'])
def test_a_damaged_memory_only_costs_time(damage: bytes, root: Path, loaded: Load) -> None:
    loaded({"manifests/a.yaml": query("sql: SELECT 1")}, cache_dir=root / "cache")
    (root / "cache/queries.json").write_bytes(damage)
    assert loads_parser(root) == "True"
    assert loads_parser(root) == "False"
