"""An organisation at Adobe, and the objects that tests make there."""

from __future__ import annotations

from typing import Any

import httpx

from reconciler.emulators.adobe.gate import Application
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.emulators.adobe.world import DATA_LAKE, PROVIDER, REST_TO_PLATFORM

ORG = "FAKE0123@AdobeOrg"
CLIENT_SECRET = "p8e-FAKE+client/secret=of=tests"
APPLICATION = Application("fake-client-id-of-tests", CLIENT_SECRET)
NOW = 1_790_000_000.0

CONNECTION_SPEC: dict[str, Any] = {
    "name": "listmaker",
    "providerId": PROVIDER,
    "type": "generic-rest",
    "version": "1.0",
    "authSpec": [
        {
            "name": "Basic Authentication",
            "type": "BasicAuthentication",
            "spec": {
                "type": "object",
                "properties": {
                    "domain": {"type": "string"},
                    "username": {"type": "string"},
                    "password": {"type": "string", "format": "password"},
                },
                "required": ["username", "password"],
            },
        }
    ],
    "sourceSpec": {
        "attributes": {
            "urlParams": {"host": "https://{domain}.lists.example.test", "path": "/3.0/lists", "method": "GET"},
            "contentPath": {"path": "$.lists"},
            "paginationParams": {
                "type": "OFFSET",
                "limitName": "count",
                "limitValue": "100",
                "offSetName": "offset",
            },
        },
        "spec": {"type": "object", "properties": {"listId": {"type": "string"}}},
    },
}


def granted(sandbox: AdobeSandbox, **fields: str) -> str:
    """An access token of the application."""
    return str(asked_for_token(sandbox, **fields).json()["access_token"])


def asked_for_token(sandbox: AdobeSandbox, **fields: str) -> httpx.Response:
    """The answer of the token endpoint."""
    form = {
        "grant_type": "client_credentials",
        "client_id": APPLICATION.client_id,
        "client_secret": CLIENT_SECRET,
        "scope": "openid,AdobeID",
    }
    return httpx.post(f"{sandbox.base_url}/ims/token/v3", data=form | fields, trust_env=False)


def one(client: httpx.Client, kind: str, object_id: str) -> dict[str, Any]:
    """An object as it is told."""
    (told,) = client.get(f"/{kind}/{object_id}").raise_for_status().json()["items"]
    return dict(told)


def chain(client: httpx.Client) -> dict[str, str]:
    """Everything up to a flow; kind -> id."""
    made = {"connectionSpecs": posted(client, "connectionSpecs", CONNECTION_SPEC)}
    flow_spec = one(client, "flowSpecs", REST_TO_PLATFORM)
    flow_spec["sourceConnectionSpecIds"].append(made["connectionSpecs"])
    client.put(f"/flowSpecs/{REST_TO_PLATFORM}", json=flow_spec).raise_for_status()
    spec = {"id": made["connectionSpecs"], "version": "1.0"}
    auth = {"specName": "Basic Authentication", "params": {"username": "u", "password": "FAKE-pass"}}
    made["connections"] = posted(client, "connections", {"name": "account", "connectionSpec": spec, "auth": auth})
    source = {"name": "rows", "baseConnectionId": made["connections"], "connectionSpec": spec}
    made["sourceConnections"] = posted(client, "sourceConnections", {**source, "data": {"format": "json"}})
    target = {
        "name": "rows",
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
        "data": {"format": "parquet_xdm", "schema": {"id": "https://ns.example/schemas/1", "version": "1"}},
        "params": {"dataSetId": "dataset-1"},
    }
    made["targetConnections"] = posted(client, "targetConnections", target)
    made["flows"] = posted(client, "flows", flow_of(made))
    return made


def flow_of(made: dict[str, str]) -> dict[str, Any]:
    """What makes a flow of the connections *made*."""
    return {
        "name": "rows",
        "flowSpec": {"id": REST_TO_PLATFORM, "version": "1.0"},
        "sourceConnectionIds": [made["sourceConnections"]],
        "targetConnectionIds": [made["targetConnections"]],
        "scheduleParams": {"startTime": int(NOW) + 600, "frequency": "hour", "interval": 1},
    }


def posted(client: httpx.Client, kind: str, body: dict[str, Any]) -> str:
    """The id of a new object."""
    return str(client.post(f"/{kind}", json=body).raise_for_status().json()["id"])


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["errorCode"]
