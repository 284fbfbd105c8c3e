"""A folder of a bucket for each test, and the connection to it that a project declares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

sys.path.append(str(Path(__file__).parents[1] / "stores"))

import s3_server
from server_fixtures import s3  # noqa: F401 - a fixture

BUCKET = s3_server.BUCKET
KEY_ID, KEY = "FAKE-bucket-id-1", "FAKE-bucket-secret/1"
ENVIRON = {"LAKE_ID": KEY_ID, "LAKE_KEY": KEY}
_CONNECTION = """\
apiVersion: tdr/v1
kind: Connection
metadata: {{name: lake}}
spec:
  type: files
  bucket: {bucket}
  prefix: {prefix}
  endpoint: {endpoint}
  region: us-east-1
  access_key_id: ${{secret:env:LAKE_ID}}
  secret_access_key: ${{secret:env:LAKE_KEY}}
"""


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return f"lake/{request.node.name.replace('_', '-')[:40]}"


@pytest.fixture
def lake(s3: str, prefix: str) -> S3Store:  # noqa: F811 - the fixture
    config: Any = {"endpoint": s3, "region": "us-east-1", "access_key_id": KEY_ID, "secret_access_key": KEY}
    return S3Store(BUCKET, prefix=prefix, config=config, client_options={"allow_http": True})


@pytest.fixture
def lake_connection(s3: str, prefix: str) -> str:  # noqa: F811 - the fixture
    """The document, which refers to `ENVIRON`."""
    return _CONNECTION.format(bucket=BUCKET, prefix=prefix, endpoint=s3)
