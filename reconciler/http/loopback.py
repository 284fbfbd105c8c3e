"""Requests to a server of ours on this machine."""

from __future__ import annotations

import ssl

import httpx

from reconciler.http.network import MOST_CONNECTIONS


def loopback_transport() -> httpx.HTTPTransport:
    """Carries plain requests, never through a proxy. It trusts nobody's certificate: loading those takes a tenth of a second."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
    return httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), limits=limits)
