"""Servers to keep a state at, one of each for a whole run of tests, and what `state` says of a place at one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import s3_server
import servers
import state_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    programs = servers.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (initdb and postgres, as in the package postgresql)")
    with servers.postgres(programs) as connection:
        yield connection


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    with servers.s3() as address:
        yield address


@pytest.fixture
def http() -> Iterator[str]:
    with state_server.serving("http-409") as (address, _):
        yield address


def said(kind: str, address: str, name: str) -> tuple[str, dict[str, str]]:
    """What `state` says of a place at the server at *address*, and the environment variables that it refers to.

    name: tells the places at one server apart; small letters, digits and ``_``. A server of *kind* http has one place.
    """
    match kind:
        case "postgres":
            text = f'{{backend: postgres, connection: "${{secret:env:STATE_DATABASE}}", schema_name: {name}}}'
            return text, {"STATE_DATABASE": address}
        case "s3":
            text = (
                f"{{backend: s3, bucket: {s3_server.BUCKET}, prefix: {name}, endpoint: '{address}', region: us-east-1, "
                'access_key_id: "${secret:env:KEY_ID}", secret_access_key: "${secret:env:KEY}"}'
            )
            return text, {"KEY_ID": "FAKE-id", "KEY": "FAKE-key"}
        case _:
            text = (
                f"{{backend: http, address: '{address}', lock_address: '{address}/lock', "
                f"unlock_address: '{address}/lock', lock_method: POST, unlock_method: DELETE, "
                f'username: {state_server.USER}, password: "${{secret:env:PASSWORD}}"}}'
            )
            return text, {"PASSWORD": state_server.PASSWORD}
