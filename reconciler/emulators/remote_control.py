"""The other end of ``/_control``, for tests and demonstrations. See `pinterest.control` for what each call does."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_OPEN = build_opener(ProxyHandler({})).open  # the loopback interface needs no proxy, whatever the environment says


class RemoteControl:
    """Speaks to the control URLs below *url*. Refused calls raise ValueError with the reason."""

    def __init__(self, url: str) -> None:
        """Nothing is called yet."""
        self.url = url

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Any control call; *path* begins with a slash.

        Raises:
            ValueError: the emulator says what is wrong with it.
        """
        data = json.dumps(body).encode() if body is not None else None
        request = Request(self.url + path, data, method=method)  # noqa: S310 - our own http URL
        try:
            with _OPEN(request) as answer:
                result: dict[str, Any] = json.load(answer)
        except HTTPError as error:
            with error:
                raise ValueError(f"{method} {path}: {error.read().decode()}") from None
        return result

    def reset(self) -> None:
        """As at the start, without objects, faults and traffic."""
        self.call("POST", "/reset")

    def knobs(self, **values: object) -> None:
        """Turn some knobs."""
        self.call("PATCH", "/knobs", values)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.call("POST", "/clock", {"advance_s": seconds})

    def fault(self, kind: str, **values: object) -> int:
        """Arm a fault; returns its id. *values* are those of its class in `faults`."""
        return int(self.call("POST", "/faults", {"kind": kind, **values})["id"])

    def clear_faults(self) -> None:
        """Disarm all."""
        self.call("DELETE", "/faults")

    def traffic(self) -> list[dict[str, Any]]:
        """All calls so far, oldest first."""
        exchanges: list[dict[str, Any]] = self.call("GET", "/traffic")["exchanges"]
        return exchanges

    def access_token(self, *scopes: str, expires_in: int = 2_592_000, is_system_user: bool = False) -> str:
        """An access token for *scopes*, or for all the app has when none is named."""
        asked: dict[str, object] = {"expires_in": expires_in, "is_system_user": is_system_user}
        return str(self.call("POST", "/tokens", asked | ({"scopes": scopes} if scopes else {}))["access_token"])

    def end_tokens(self, kind: str) -> None:
        """End all tokens of kind ``access`` or ``refresh``."""
        self.call("DELETE", f"/tokens/{kind}")

    def lists(self) -> list[dict[str, Any]]:
        """All customer lists, with ``members`` (their number)."""
        lists: list[dict[str, Any]] = self.call("GET", "/lists")["lists"]
        return lists

    def members(self, list_id: str) -> list[str]:
        """The hex digests on a list, sorted."""
        members: list[str] = self.call("GET", f"/lists/{list_id}/members")["members"]
        return members

    def audiences(self) -> list[dict[str, Any]]:
        """All audiences, removed ones too."""
        audiences: list[dict[str, Any]] = self.call("GET", "/audiences")["audiences"]
        return audiences
