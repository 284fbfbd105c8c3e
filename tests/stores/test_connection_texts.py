"""A connection text of PostgreSQL shows where the state is, and nothing else of itself."""

from __future__ import annotations

import pytest

from reconciler.errors import StateError, UsageError
from reconciler.model.secret import Secret
from reconciler.stores.postgres import PostgresShelf

pytest.importorskip("psycopg", reason="the driver is an extra")

SHOWN = {
    "postgresql://etl:FAKEpw@db.test:5433/states": "postgresql db.test:5433/states, schema tdr, shop/prod",
    "postgresql://etl:FAKE%40%2Fpw@db.test/states": "postgresql db.test/states, schema tdr, shop/prod",
    "postgresql://etl:FAKEpw?x7@db.test/states": "postgresql db.test/states, schema tdr, shop/prod",
    "postgresql://a.test:1,b.test:2/states": "postgresql a.test,b.test:1,2/states, schema tdr, shop/prod",
    "host=/run/postgres dbname=states password=FAKEpw": "postgresql /run/postgres/states, schema tdr, shop/prod",
    "host=@abstract dbname=states": "postgresql @abstract/states, schema tdr, shop/prod",
    "dbname=states": "postgresql localhost/states, schema tdr, shop/prod",
}
MISTAKEN = [
    "postgresql://etl:FAKEpw:s3/x7@db.test/states",
    "postgresql://etl:FAKEpw@x7@db.test/states",
    "postgresql://etl:12/FAKEpw@db.test/states",
    "postgresql://etl:p@db.test:FAKEport/states",
    "postgresql://etl:p@db.test/states?FAKEpw=1",
    "host=db.test password=FAKEpw FAKEpw",
    "FAKEpw",
]


@pytest.mark.parametrize("text", SHOWN)
def test_the_place_is_shown_without_who_connects(text: str) -> None:
    assert PostgresShelf(Secret("env:PG", text), "shop/prod").where == SHOWN[text]


@pytest.mark.parametrize("text", MISTAKEN)
def test_a_text_in_which_the_password_may_be_elsewhere_is_refused_unshown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        PostgresShelf(Secret("env:PG", text), "shop/prod")

    assert "FAKE" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.message.startswith("`state.connection` ")


def test_what_the_driver_says_is_told_without_the_password() -> None:
    text = "host=127.0.0.1 port=1 dbname=states sslmode=FAKEsecret-pw password=FAKEsecret-pw"
    shelf = PostgresShelf(Secret("env:PG", text), "shop/prod")

    with pytest.raises(StateError) as caught:
        shelf.get("state")

    assert "***" in caught.value.message
    assert "FAKE" not in caught.value.message
