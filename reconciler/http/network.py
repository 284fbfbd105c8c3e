"""What carries requests over the network: proxies as the environment says, certificates loaded only where they are needed."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from reconciler import known_secrets

if TYPE_CHECKING:
    import httpx

MOST_CONNECTIONS = 20


def network_transport(base_url: str) -> httpx.BaseTransport:
    """Connections to the one server at *base_url*, through the proxy that `HTTP_PROXY` and its like name for it.

    A transport is used without `httpx.Client` around it, which costs as much a request as everything else together: for
    cookies, redirects and authentication that nobody here wants.
    """
    import httpx  # noqa: PLC0415 - a run that calls nobody does not pay for it

    from reconciler.http.lanes import Lanes  # noqa: PLC0415 - imports httpx

    trusted = trust_for(base_url)
    proxy = proxy_for(base_url) or None
    one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    return Lanes(lambda: httpx.HTTPTransport(verify=trusted, limits=one, proxy=proxy), MOST_CONNECTIONS)


def proxy_for(base_url: str) -> str:
    """Address of the proxy that the environment names for *base_url*, or ""."""
    address = urlsplit(base_url)
    named = getproxies()
    proxy = named.get(address.scheme) or named.get("all") or ""
    if not proxy or proxy_bypass(address.hostname or ""):
        return ""
    address_of_proxy = proxy if "://" in proxy else f"http://{proxy}"
    if "@" in proxy:
        known_secrets.remember(address_of_proxy)
    return address_of_proxy


def trust_for(*addresses: str) -> ssl.SSLContext:
    """Whose certificates are believed by who speaks to *addresses*."""
    if any(address.startswith("https:") for address in addresses):
        return _authorities(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))
    # For plain HTTP. Were it used by mistake, no certificate would pass.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=4)
def _authorities(_file: str, _folder: str) -> ssl.SSLContext:
    """The authorities that httpx trusts, which depend on these two variables. Loading them takes a tenth of a second."""
    import httpx  # noqa: PLC0415 - loaded by now

    return httpx.create_ssl_context()
