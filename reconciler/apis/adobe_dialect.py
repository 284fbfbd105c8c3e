"""How Adobe's Flow Service says no.

Codes are ``<number>-<http status>``; what stands around them is not published, so they are looked for wherever a body has them.
Source: Adobe's page of Flow Service error messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import Conflict, Denied, Permanent, ProviderError, Transient
from reconciler.http.answer import Answer
from reconciler.http.dialect import Dialect

_CODE: Final = re.compile(rb'"(?:[A-Z]+-)?(\d{4})-(\d{3})"')
_PASSING: Final = frozenset({"1409", "1420", "1421", "1422", "1457", "1458"})
"""A flow is on its way to another state; the call had no effect."""
_IN_USE: Final = frozenset({"1418", "1447"})
_NOT_ALLOWED: Final = frozenset({"1100", "1426", "1427", "2118", "2120", "2121"})
_NO_SANDBOX: Final = frozenset({"2100", "2101", "2103"})
_TOKEN: Final = frozenset({"2114", "2115"})
STALE: Final = 412


def code_of(answer: Answer) -> str:
    """The number of the code in an error body, such as ``1404``, or ""."""
    found = _CODE.search(answer.body[:10_000])
    return found[1].decode() if found and int(found[2]) == answer.status else ""


_BY_CODE: Final[Mapping[str, type[ProviderError]]] = {
    **dict.fromkeys(_PASSING, Transient),
    **dict.fromkeys(_IN_USE, Conflict),
    # A sandbox that is not there says nothing about the things in it.
    **dict.fromkeys(_NOT_ALLOWED | _NO_SANDBOX | _TOKEN, Denied),
}


def _error(answer: Answer) -> type[ProviderError] | None:
    code = code_of(answer)
    if answer.status == STALE:
        return Conflict
    if code in _BY_CODE:
        return _BY_CODE[code]
    if answer.status == 400 and b'"invalid_client"' in answer.body:
        return Denied
    return Permanent if answer.status == 404 and code not in {"", "1101"} else None


def _advice(answer: Answer) -> str:  # noqa: PLR0911 - one line of advice for each way to be refused
    code = code_of(answer)
    if answer.status == STALE:
        return "somebody changed it since the plan was made: run `tdr plan` again"
    if code in _NO_SANDBOX:
        return "look whether `adobe.sandbox` of the environment is right, and whether the app may use that sandbox"
    if code == "1426":
        return "the token may not write connection specifications: Adobe lets self-serve partners do so in their own sandbox"
    if code == "1427":
        return "the token may not start runs: let Adobe allow it, or leave the flow to its schedule"
    if code in _IN_USE:
        return "something else uses it: remove that first"
    if code in _NOT_ALLOWED:
        return "give the app's project the permissions for sources and for this sandbox in Adobe's Admin Console"
    if answer.status in {400, 401} and (b'"invalid_client"' in answer.body or answer.status == 401):
        return "look whether `client_id`, `client_secret` and `org_id` of the environment's `adobe` belong together"
    if code == "1415":
        return "write `auth` as the connection specification names its authentication"
    return ""


ADOBE: Final = Dialect(
    name="Adobe",
    error=_error,
    advice=_advice,
    is_expired=lambda answer: answer.status == 401 or (answer.status == 400 and code_of(answer) in _TOKEN),
)
