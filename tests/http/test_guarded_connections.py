"""Addresses that somebody else chose: what a name resolves to decides, and it is what is connected to."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from reconciler.errors import Permanent
from reconciler.http.guarded import guarded_transport, public_address

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_and_named(address: str) -> None:
    with pytest.raises(Permanent, match="private network") as refused:
        public_address("api.example.com", 443, lambda *_: [address])

    assert "allow_private: true" in refused.value.hint


def test_one_private_address_among_public_ones_is_refused_too() -> None:
    with pytest.raises(Permanent):
        public_address("api.example.com", 443, lambda *_: ["93.184.216.34", "10.0.0.1"])


def test_a_public_address_is_the_one_to_connect_to() -> None:
    assert public_address("api.example.com", 443, lambda *_: ["93.184.216.34"]) == "93.184.216.34"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.timeout = 0
    try:
        with (
            guarded_transport(f"http://{host}", allow_private=False) as transport,
            pytest.raises((Permanent, httpx.HTTPError)),
        ):
            transport.handle_request(httpx.Request("GET", f"http://{host}:{server.server_port}/"))
        server.handle_request()
    finally:
        server.server_close()
    assert heard == []
