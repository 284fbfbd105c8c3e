"""Trino and Hive as users write them, with the values those engines give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from service_world import OpenWorld, World

ROWS = """
INSERT INTO orders (id, email, amount, price, ts, tags, info, time) VALUES
 (1, ' Ana@Example.com ', 7, 2.5, '2025-01-31 23:30:00', ARRAY['a','b'], '{"city":"Lisboa","n":{"k":1}}', 1738366200),
 (2, 'bo@example.com', 2, 1.25, '2025-02-01 01:15:00', ARRAY['b'], '{"city":"Oslo"}', 1738372500),
 (3, NULL, -7, NULL, '2025-03-01 00:00:00', ARRAY['c'], NULL, 1740787200)
"""
SCHEMA = (
    '[["id","long"],["email","string"],["amount","int"],["price","double"],["ts","string"],'
    '["tags","array<string>"],["info","string"]]'
)


@pytest.fixture
def orders(world: World) -> World:
    return filled(world)


@pytest.fixture(scope="module")
def read(open_world_for_all: OpenWorld) -> World:
    """The same, in which nothing is changed."""
    world = open_world_for_all()
    world.post("/v3/database/create/sales")
    return filled(world)


def filled(world: World) -> World:
    world.post("/v3/table/create/sales/orders", {"schema": SCHEMA})
    world.post("/v3/database/create/other_db")
    world.run("CREATE TABLE other_db.cities AS SELECT 'Oslo' AS city, 'NO' AS country")
    assert world.run(ROWS)["status"] == "success"
    return world


TRINO: list[tuple[str, list[list[Any]]]] = [
    ("SELECT id FROM orders ORDER BY id", [[1], [2], [3]]),
    ("SELECT amount / 2 FROM orders ORDER BY id", [[3], [1], [-3]]),
    ("SELECT amount / 2.0 FROM orders WHERE id = 1", [[3.5]]),
    ("SELECT 7 / 2, 7 % 4, -7 / 2, 1.0 * 3", [[3, 3, -3, "3.0"]]),
    ("SELECT CAST(amount AS double) / 2 FROM orders WHERE id = 1", [[3.5]]),
    ("SELECT 'a' || 'b' || CAST(1 AS varchar)", [["ab1"]]),
    ("SELECT 'a' || NULL, concat('a', NULL), concat('a', 'b', 'c')", [[None, None, "abc"]]),
    ("SELECT lower(trim(email)) FROM orders WHERE id = 1", [["ana@example.com"]]),
    (
        "SELECT to_hex(sha256(to_utf8(lower(trim(email))))) FROM orders WHERE id = 2",
        [["C828D6B93B6A39E9D9632E863F62E7CC08C9278AA5120A2F0FF84D2449310D26"]],
    ),
    ("SELECT lower(to_hex(md5(to_utf8('abc'))))", [["900150983cd24fb0d6963f7d28e17f72"]]),
    ("SELECT approx_distinct(id) FROM orders", [[3]]),
    ("SELECT count(*), count(email), count(DISTINCT amount), sum(amount) FROM orders", [[3, 2, 3, 2]]),
    ("SELECT count_if(amount > 0), max_by(id, amount), min_by(id, amount) FROM orders", [[2, 1, 3]]),
    ("SELECT date_trunc('month', CAST(ts AS timestamp)) FROM orders WHERE id = 1", [["2025-01-01 00:00:00.000"]]),
    (
        "SELECT date_format(CAST(ts AS timestamp), '%Y-%m-%d %H:%i:%s') FROM orders WHERE id = 1",
        [["2025-01-31 23:30:00"]],
    ),
    ("SELECT date_parse('2025/02/03', '%Y/%m/%d')", [["2025-02-03 00:00:00.000"]]),
    (
        """SELECT date_diff('day', timestamp '2025-01-31 23:30:00', timestamp '2025-02-01 01:15:00'),
                  date_diff('day', date '2025-01-31', date '2025-02-02'),
                  date_diff('hour', timestamp '2025-01-31 23:30:00', timestamp '2025-02-01 01:15:00')""",
        [[0, 2, 1]],
    ),
    (
        "SELECT date_add('day', 1, date '2025-01-31'), date '2025-01-31' + interval '1' day",
        [["2025-02-01", "2025-02-01"]],
    ),
    ("SELECT year(date '2025-01-31'), month(date '2025-01-31'), day_of_week(date '2025-02-02')", [[2025, 1, 7]]),
    ("SELECT from_unixtime(1738366200)", [["2025-01-31 23:30:00.000 UTC"]]),
    ("SELECT CAST(to_unixtime(timestamp '2025-01-31 23:30:00') AS bigint)", [[1738366200]]),
    ("SELECT from_iso8601_timestamp('2025-01-31T23:30:00Z')", [["2025-01-31 23:30:00.000 UTC"]]),
    (
        "SELECT json_extract_scalar(info, '$.city'), json_extract_scalar(info, '$.n.k') FROM orders WHERE id = 1",
        [["Lisboa", "1"]],
    ),
    (
        "SELECT regexp_extract('user=42;', 'user=(\\d+)', 1), regexp_like('abc', 'b'), regexp_replace('a1b2', '\\d', '')",
        [["42", True, "ab"]],
    ),
    (
        "SELECT split_part('a@b', '@', 2), split('a,b', ','), strpos('abc', 'c'), substr('abcdef', 2, 3)",
        [["b", ["a", "b"], 3, "bcd"]],
    ),
    (
        "SELECT cardinality(tags), contains(tags, 'b'), element_at(tags, 1), array_join(tags, '-') FROM orders WHERE id = 1",
        [[2, True, "a", "a-b"]],
    ),
    (
        "SELECT o.id, t.tag FROM orders o CROSS JOIN UNNEST(o.tags) AS t (tag) ORDER BY 1, 2",
        [[1, "a"], [1, "b"], [2, "b"], [3, "c"]],
    ),
    ("SELECT transform(ARRAY[1,2,3], x -> x * 2), filter(ARRAY[1,2,3], x -> x > 1)", [[[2, 4, 6], [2, 3]]]),
    ("SELECT array_agg(id ORDER BY id DESC) FROM orders", [[[3, 2, 1]]]),
    ("SELECT array_distinct(ARRAY[1, 1]), array_max(ARRAY[1, 3]), sequence(1, 3)", [[[1], 3, [1, 2, 3]]]),
    (
        "SELECT coalesce(email, 'none'), nullif(1, 1), if(amount > 0, 'in', 'out') FROM orders WHERE id = 3",
        [["none", None, "out"]],
    ),
    (
        "SELECT CASE WHEN amount > 5 THEN 'big' ELSE 'small' END AS size, count(*) FROM orders GROUP BY 1 ORDER BY 1",
        [["big", 1], ["small", 2]],
    ),
    ("SELECT TRY_CAST('x' AS bigint), TRY_CAST('5' AS bigint), CAST('abcdef' AS varchar(3))", [[None, 5, "abc"]]),
    (
        "SELECT greatest(1, 3), least(2, 1), abs(-4), ceil(1.2), floor(1.8), round(2.5), power(2, 3)",
        [[3, 1, 4, "2", "1", "3", 8.0]],
    ),
    ("SELECT id, row_number() OVER (ORDER BY amount) FROM orders ORDER BY id", [[1, 3], [2, 2], [3, 1]]),
    ("SELECT id, lag(id) OVER (ORDER BY id) FROM orders ORDER BY id", [[1, None], [2, 1], [3, 2]]),
    ("SELECT price FROM orders ORDER BY price", [[1.25], [2.5], [None]]),
    ("SELECT price FROM orders ORDER BY price DESC", [[2.5], [1.25], [None]]),
    ("WITH big AS (SELECT * FROM orders WHERE amount > 5) SELECT id FROM big", [[1]]),
    ("WITH orders AS (SELECT id FROM orders WHERE id < 3) SELECT count(*) FROM orders", [[2]]),
    ("SELECT o.id FROM orders o JOIN other_db.cities c ON json_extract_scalar(o.info, '$.city') = c.city", [[2]]),
    ("SELECT id FROM orders WHERE id IN (SELECT max(id) FROM orders)", [[3]]),
    ("SELECT orders.id FROM sales.orders WHERE orders.id = 1 UNION ALL SELECT 9", [[1], [9]]),
    ("SELECT sales.orders.id FROM sales.orders WHERE sales.orders.id = 2", [[2]]),
    ("SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS t (n, s) WHERE n = 2", [[2, "y"]]),
    (
        "SELECT url_extract_host('https://u@www.example.com:8080/a/b?q=1#f'), url_extract_path('https://x.com/a/b?q=1')",
        [["www.example.com", "/a/b"]],
    ),
    ("SELECT approx_percentile(id, 0.5), arbitrary(1), bool_or(amount < 0) FROM orders", [[2, 1, True]]),
    ("SELECT time '01:02:03', date '2025-01-31', 1.50, true, NULL", [["01:02:03", "2025-01-31", "1.50", True, None]]),
    ("SELECT at_timezone(from_unixtime(0), 'Asia/Tokyo')", [["1970-01-01 09:00:00.000"]]),
    ("SELECT to_hex(sha1(to_utf8('a')))", [["86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8"]]),
    ("SELECT format('%s-%d', 'a', 1)", [["a-1"]]),
    (
        "SELECT date_trunc('week', date '2025-02-05'), date_add('month', -1, date '2025-03-31')",
        [["2025-02-03", "2025-02-28"]],
    ),
    ("SELECT arrays_overlap(ARRAY[1], ARRAY[1, 2]), codepoint('a'), is_nan(nan())", [[True, 97, True]]),
    ("SELECT try(1 / 0), mod(7, 3), truncate(1.7)", [[None, 1, "1"]]),
    ('SELECT "id" FROM "orders" WHERE "email" IS NULL', [[3]]),
    ("select count(*) from ORDERS where EMAIL like '%@example.com' -- a comment;", [[1]]),
]


@pytest.mark.parametrize(("sql", "expected"), TRINO, ids=[sql[:60] for sql, _ in TRINO])
def test_trino_gives_what_trino_would(read: World, sql: str, expected: list[list[Any]]) -> None:
    assert read.rows(sql) == expected


HIVE: list[tuple[str, list[list[Any]]]] = [
    ("SELECT amount / 2 FROM orders ORDER BY id", [[3.5], [1.0], [-3.5]]),
    ('SELECT concat("a", "b")', [["ab"]]),
    ("SELECT nvl(email, 'none'), if(amount > 0, 1, 0) FROM orders WHERE id = 3", [["none", 0]]),
    ("SELECT get_json_object(info, '$.city') FROM orders WHERE id = 2", [["Oslo"]]),
    (
        "SELECT o.id, tag FROM orders o LATERAL VIEW explode(tags) x AS tag WHERE o.id = 1 ORDER BY tag",
        [[1, "a"], [1, "b"]],
    ),
    ("SELECT id FROM orders WHERE email RLIKE 'bo@'", [[2]]),
    ("SELECT datediff('2025-02-02', '2025-01-31'), to_date('2025-01-31 10:00:00')", [[2, "2025-01-31"]]),
    ("SELECT size(tags), split('a,b', ',') FROM orders WHERE id = 1", [[2, ["a", "b"]]]),
    ("SELECT CAST('5' AS int), CAST('x' AS int)", [[5, None]]),
    ("SELECT parse_url('http://example.com/a?q=1', 'HOST')", [["example.com"]]),
    ("SELECT `id` FROM `orders` WHERE `id` = 1", [[1]]),
    ("SELECT regexp_replace('a1b2', '[0-9]', ''), substr('abc', 2), instr('abc', 'c')", [["ab", "bc", 3]]),
]


@pytest.mark.parametrize(("sql", "expected"), HIVE, ids=[sql[:60] for sql, _ in HIVE])
def test_hive_gives_what_hive_would(read: World, sql: str, expected: list[list[Any]]) -> None:
    assert read.rows(sql, engine="hive") == expected


REFUSED = [
    ("SELECT * FROM read_csv('/etc/passwd')", "not the name of a table"),
    ("SELECT * FROM '/etc/passwd'", ""),
    ('SELECT * FROM "/etc/passwd"', "table sales./etc/passwd does not exist"),
    ("COPY orders TO '/tmp/out.csv'", "not allowed"),
    ("ATTACH '/tmp/other.duckdb'", ""),
    ("PRAGMA database_list", ""),
    ("SET enable_external_access = true", "not allowed"),
    ("INSTALL httpfs", ""),
    ("DELETE FROM orders", "DELETE is not allowed here"),
    ("UPDATE orders SET id = 1", "UPDATE is not allowed here"),
    ("CREATE VIEW v AS SELECT 1", "CREATE is not allowed here"),
    ("SELECT 1; SELECT 2", "a query is one statement, this has 2"),
    ("SELECT FROM WHERE", "does not parse"),
    ("SELECT * FROM duckdb_settings()", "not the name of a table"),
    ("SELECT * FROM duckdb_tables", "table sales.duckdb_tables does not exist"),
    ("SELECT * FROM information_schema.tables", "table information_schema.tables does not exist"),
    ("SELECT * FROM elsewhere.orders", "table elsewhere.orders does not exist"),
    ("SELECT * FROM cities", "table sales.cities does not exist"),
    ("SELECT nope FROM orders", "nope"),
    ("SELECT TD_SESSIONIZE(time, 60, email) FROM orders", "the embedded engine has no function TD_SESSIONIZE"),
    ("SELECT no_such_function(1)", "no_such_function"),
    ("SELECT TD_TIME_RANGE(time, 'yesterday') FROM orders", "argument 2 of TD_TIME_RANGE is no time: 'yesterday'"),
    ("SELECT TD_DATE_TRUNC('fortnight', time) FROM orders", "unknown unit of TD_DATE_TRUNC: 'fortnight'"),
    ("SELECT TD_TIME_FORMAT(time, 'yyyy G') FROM orders", "does not know the date pattern 'G'"),
    ("SELECT TD_TIME_ADD(time, '1M') FROM orders", "not a duration: '1M'"),
    ("SELECT TD_TIME_FORMAT(time, 'yyyy', 'Mars/Olympus') FROM orders", "unknown time zone: 'Mars/Olympus'"),
    ("SELECT 1 / 0", "zero"),
    ("DROP TABLE nope", "table sales.nope does not exist"),
    ("INSERT INTO nope SELECT 1", "table sales.nope does not exist"),
    ("INSERT INTO orders SELECT 1, 2", "INSERT has 2 columns for 7"),
    ("CREATE TABLE orders AS SELECT 1 AS n", "Table orders already exists"),
]


@pytest.mark.parametrize(("sql", "message"), REFUSED, ids=[sql[:50] for sql, _ in REFUSED])
def test_what_cannot_run_ends_as_an_error_that_says_why(orders: World, sql: str, message: str) -> None:
    job = orders.run(sql)

    assert job["status"] == "error"
    assert message in job["debug"]["stderr"]
    assert job["debug"]["stderr"] in job["debug"]["cmdout"]


def test_sql_reaches_no_file_even_past_the_grammar(orders: World, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with orders.service.warehouse.connection() as connection:
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"SELECT * FROM '{secret}'",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'new.duckdb'}'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(Exception, match=r"disabled by configuration|does not exist|running|locked"):
                connection.execute(statement)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv", "service"]


def test_messages_about_data_do_not_quote_it(orders: World) -> None:
    job = orders.run("SELECT CAST(email AS integer) FROM orders")

    assert job["status"] == "error"
    assert "example.com" not in job["debug"]["cmdout"].lower()


def test_columns_without_a_name_get_trinos(orders: World) -> None:
    job = orders.run("SELECT id, amount / 2, count(*) OVER () FROM orders")

    assert job["hive_result_schema"] == '[["id","bigint"],["_col1","integer"],["_col2","bigint"]]'


def test_insert_adds_the_scheduled_time_where_none_is_given(orders: World) -> None:
    orders.run("CREATE TABLE plain (n bigint, s varchar)")
    orders.run("INSERT INTO plain SELECT 1, 'x'", scheduled_time="1700000000")
    orders.run("INSERT INTO plain (s, n, time) SELECT 'y', 2, 5")

    assert orders.rows("SELECT n, s, time FROM plain ORDER BY n") == [[1, "x", 1700000000], [2, "y", 5]]


def test_create_and_drop_may_be_conditional(orders: World) -> None:
    assert orders.run("CREATE TABLE IF NOT EXISTS orders AS SELECT 1 AS n")["status"] == "success"
    assert orders.run("DROP TABLE IF EXISTS nope")["status"] == "success"
    assert orders.run("DROP TABLE orders")["status"] == "success"
    orders.get("/v3/table/show/sales/orders", status=404)


def test_what_tables_cannot_hold_is_stored_as_they_can(world: World) -> None:
    world.run("CREATE TABLE odd AS SELECT true AS yes, date '2025-01-31' AS day, 1.5 AS price, ARRAY[1] AS list")

    assert world.get("/v3/table/show/sales/odd")["schema"] == (
        '[["yes","int"],["day","string"],["price","double"],["list","array<int>"]]'
    )
    assert world.rows("SELECT yes, day, price, list FROM odd") == [[1, "2025-01-31", 1.5, [1]]]
