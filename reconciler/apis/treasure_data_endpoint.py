"""Where a Treasure Data account answers, whose it is, and how its addresses are spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from reconciler.diagnostics import did_you_mean
from reconciler.errors import UsageError
from reconciler.model.environment import EMBEDDED
from reconciler.model.regions import HOSTS, OTHER_NAMES
from reconciler.model.secret import Secret

_KEY: Final = re.compile(r"(\d+)/[0-9A-Za-z]+")  # oas-v3: `TD1 <account>/<hex>`


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place that answers the Treasure Data API.

    name: what people call it: a region such as ``us01``, ``embedded``, or a host.
    base_url: without a path and without a slash at its end.
    """

    name: str
    base_url: str

    @property
    def is_this_machine(self) -> bool:
        """Whether it answers on this machine, or within this process."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host in {"localhost", EMBEDDED} or host.endswith(".localhost")  # RFC 6761, 6.3

    @property
    def customer_data_url(self) -> str:
        """Where parent segments answer: ``api-cdp`` in place of ``api``; any other host answers for both itself.

        Source: pytd and td-mcp-server derive their hosts so.
        """
        return re.sub(r"^(https?://)api\.", r"\1api-cdp.", self.base_url)

    @property
    def workflow_url(self) -> str:
        """Where workflows answer: ``api-workflow`` in place of ``api``; any other host answers for both itself.

        Source: pytd and td-mcp-server derive their hosts so.
        """
        return re.sub(r"^(https?://)api\.", r"\1api-workflow.", self.base_url)


def endpoint(place: str) -> Endpoint:
    """The endpoint a person means by *place*: a region, or an address such as ``https://api.treasuredata.com``.

    Raises:
        UsageError: neither of them. `embedded` is no place on a network, so whoever starts it makes its Endpoint.
    """
    region = OTHER_NAMES.get(place.strip().lower(), place.strip().lower())
    if region in HOSTS:
        return Endpoint(region, f"https://{HOSTS[region]}")
    parts = _parts(place.strip())
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        known = sorted(HOSTS)
        hint = (
            did_you_mean(place, (*known, EMBEDDED)) or f"write one of {', '.join(known)}, or an address with https://"
        )
        raise UsageError(f"{_without_credentials(place)!r} is no Treasure Data region or address", hint=hint)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(
            f"the address of Treasure Data has a path: {parts.path!r}", hint=f"write {parts.scheme}://{parts.netloc}"
        )
    by_host = {host: name for name, host in HOSTS.items()}
    name = by_host.get(parts.netloc.lower(), parts.netloc.lower())
    return Endpoint(name, f"{parts.scheme}://{parts.netloc}")


def _parts(address: str) -> SplitResult | None:
    """None when *address* does not parse, or has a port that is none."""
    try:
        parts = urlsplit(address)
        is_good = parts.port != 0
    except ValueError:
        return None
    return parts if is_good else None


def _without_credentials(place: str) -> str:
    return re.sub(r"//[^/@]*@", "//", place)


def account_id(api_key: Secret) -> str:
    """The account a master key belongs to: the digits before its slash. Source: oas-v3, `TD1` security scheme.

    Raises:
        UsageError: it does not look like a master key.
    """
    match = _KEY.fullmatch(api_key.reveal().strip())
    if match is None:
        raise UsageError(
            f"the Treasure Data key from {api_key.reference} is not of the form ACCOUNT/HEX",
            hint="copy a master key from the console's page of API keys, such as 1234/0123abcd…",
        )
    return match[1]


def path(*segments: str) -> str:
    """The address of an object from names that people chose, each percent-encoded as a whole.

    A dot becomes ``%2E`` as in td-client-ruby: the service takes ``.json`` for a format, and ``..`` must not climb.
    """
    return "/" + "/".join(quote(segment, safe="").replace(".", "%2E") for segment in segments)
