"""Addresses that requests are sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_web_address(address: str) -> bool:
    """Whether requests can be sent to *address*, and it holds no credentials, which would be shown."""
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in {"http", "https"} and is_hostname(parts.hostname or "") and parts.port != 0
    except ValueError:
        return False
    return is_whole and parts.username is None


def is_hostname(host: str) -> bool:
    """Whether *host* is written as names and addresses of servers are, so that it can be looked up; ``a..b`` is not."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return bool(host)


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
