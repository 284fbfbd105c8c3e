"""Addresses that somebody else chose: what a name resolves to decides, and it is what is connected to."""

from __future__ import annotations

import ssl

import httpcore
import httpx
import pytest
from http_server import Handler, serving

from reconciler.errors import Permanent
from reconciler.http.guarded import first_connected, guarded_transport, public_addresses

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_and_named(address: str) -> None:
    with pytest.raises(Permanent, match="private network") as refused:
        public_addresses("api.example.com", 443, lambda *_: [address])

    assert "allow_private: true" in refused.value.hint


def test_one_private_address_among_public_ones_is_refused_too() -> None:
    with pytest.raises(Permanent):
        public_addresses("api.example.com", 443, lambda *_: ["93.184.216.34", "10.0.0.1"])


def test_public_addresses_are_those_to_connect_to() -> None:
    both = ["2606:2800:220:1::1", "93.184.216.34"]

    assert public_addresses("api.example.com", 443, lambda *_: both) == both


@pytest.mark.parametrize("failure", [httpcore.ConnectError, httpcore.ConnectTimeout])
def test_an_address_that_cannot_be_reached_gives_way_to_the_next(failure: type[Exception]) -> None:
    tried: list[str] = []

    def connect(address: str) -> str:
        tried.append(address)
        if address != "c":
            raise failure(address)
        return address

    assert first_connected(["a", "b", "c", "d"], connect) == "c"
    assert tried == ["a", "b", "c"]
    with pytest.raises(failure, match="b"):
        first_connected(["a", "b"], connect)


def test_what_is_no_failure_to_connect_is_not_tried_elsewhere() -> None:
    tried: list[str] = []

    def connect(address: str) -> str:
        tried.append(address)
        raise ssl.SSLCertVerificationError

    with pytest.raises(ssl.SSLCertVerificationError):
        first_connected(["a", "b"], connect)
    assert tried == ["a"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    heard: list[str] = []

    class Hearing(Handler):
        def asked(self) -> None:
            heard.append(self.path)
            self.answer(200)

    with (
        serving(Hearing) as address,
        guarded_transport(f"http://{host}", allow_private=False) as transport,
        pytest.raises((Permanent, httpx.HTTPError)),
    ):
        transport.handle_request(httpx.Request("GET", f"http://{host}:{httpx.URL(address).port}/"))
    assert heard == []
