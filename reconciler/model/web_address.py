"""Addresses that requests are sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def travels_in_clear(address: str) -> bool:
    """Whether what is sent to *address* crosses a network unencrypted."""
    parts = urlsplit(address)
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"
