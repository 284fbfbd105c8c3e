"""An activation whose query runs on Spark: what goes to the vendor is what DuckDB would have sent."""

from __future__ import annotations

import pytest
from stage import BUYERS, Stage

pytestmark = pytest.mark.slow

ENVIRONMENT = 'endpoints: {{pinterest: "${{var:pinterest}}"}}\nsql_engine: spark\nspark: {{url: "{url}"}}\n'


def test_the_first_run_makes_the_audience_of_rows_that_spark_found(loaded: Stage, spark_url: str) -> None:
    expected = loaded.shop_of(range(BUYERS))
    loaded.write("manifests/environments/local.yaml", ENVIRONMENT.format(url=spark_url))

    loaded.tdr("apply", "--yes")

    assert loaded.members() == expected
    loaded.tdr("plan", "--detailed-exitcode")
    members = loaded.load(range(10, BUYERS + 10))
    loaded.tdr("run", "activation/spring-buyers-daily")
    assert loaded.members() == members


def test_a_cluster_that_is_gone_fails_the_run_and_leaves_the_members(loaded: Stage, spark_url: str) -> None:
    loaded.write("manifests/environments/local.yaml", ENVIRONMENT.format(url=spark_url))
    loaded.tdr("apply", "--yes")
    members = loaded.members()
    loaded.write("manifests/environments/local.yaml", ENVIRONMENT.format(url="sc://127.0.0.1:9"))

    said = loaded.tdr("run", "activation/spring-buyers-daily", expect=1)

    assert "Spark does not answer at 127.0.0.1:9" in said.out + said.err
    assert loaded.members() == members


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sql_engine: spark\n", "`sql_engine: spark` needs `spark: {url: sc://HOST:PORT}`"),
        ("sql_engine: spark\nspark: {url: 'http://h:1'}\n", "the address of a Spark Connect server"),
        ("sql_engine: spark\nspark: {url: 'sc://h:1/;token=FAKE'}\n", "`url` holds a token"),
        (
            "sql_engine: spark\nspark: {url: 'sc://h:1'}\ntreasure_data: {endpoint: us01}\n",
            "`sql_engine` is for the embedded service",
        ),
    ],
)
def test_an_environment_that_cannot_work_is_refused_before_anything_runs(stage: Stage, written: str, said: str) -> None:
    stage.write("manifests/environments/local.yaml", written)

    refused = stage.tdr("validate", expect=7)

    assert said in refused.out + refused.err
