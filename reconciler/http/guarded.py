"""Connections to addresses that somebody else chose: never into a private network, whatever a name resolves to.

The check is made on the very address that is connected to, so a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.errors import Permanent
from reconciler.http.network import proxy_for, trust_for

if TYPE_CHECKING:
    import httpcore
    import httpx

MOST_CONNECTIONS = 8
T = TypeVar("T")


class PrivateAddress(Permanent):
    """An address of a private network or of this machine, where only public ones are meant."""


def guarded_transport(base_url: str, *, allow_private: bool) -> httpx.BaseTransport:
    """Connections to the server at *base_url*, to public addresses only unless *allow_private*.

    Through a proxy it is the proxy that resolves names, and what it may reach is its own business.

    Raises:
        PrivateAddress: when connecting, to an address of a private network or of this machine.
    """
    import httpx  # noqa: PLC0415 - a run that calls nobody does not pay for it

    proxy = proxy_for(base_url) or None
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
    if proxy or allow_private:
        return httpx.HTTPTransport(verify=trust_for(base_url), limits=limits, proxy=proxy)
    import httpcore  # noqa: PLC0415 - as httpx

    transport = httpx.HTTPTransport(verify=trust_for(base_url), limits=limits)
    # httpx has no place to hand over how connections are made; its pool has.
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 - as above
        ssl_context=trust_for(base_url),
        max_connections=MOST_CONNECTIONS,
        max_keepalive_connections=MOST_CONNECTIONS,
        network_backend=_guarded_backend(),
    )
    return transport


def _guarded_backend() -> httpcore.NetworkBackend:
    import httpcore  # noqa: PLC0415 - as above

    class Guarded(httpcore.SyncBackend):
        def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.NetworkStream:
            try:
                addresses = public_addresses(host, port)
            except OSError as error:
                # As the pool's own connections tell of it; nobody above would take it for a connection otherwise.
                raise httpcore.ConnectError(str(error)) from error
            connect = super().connect_tcp
            return first_connected(
                addresses, lambda address: connect(address, port, timeout, local_address, socket_options)
            )

    return Guarded()


def first_connected(addresses: Sequence[str], connect: Callable[[str], T]) -> T:
    """What *connect* makes of the first of *addresses* that answers: one of them may be of a network that is not to be had here.

    Raises:
        httpcore.ConnectError, httpcore.ConnectTimeout: none does; what the last one came to.
    """
    import httpcore  # noqa: PLC0415 - as above

    *others, last = addresses
    for address in others:
        with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
            return connect(address)
    return connect(last)


def public_addresses(host: str, port: int, resolve: Callable[[str, int], Iterable[str]] | None = None) -> list[str]:
    """The addresses of *host* to connect to, at least one, in the order in which they are to be tried.

    resolve: host and port -> addresses; the system's resolver when None.

    Raises:
        PrivateAddress: one of its addresses is no public one.
        OSError: the name does not resolve. UnicodeError: it is none that could be asked for, such as ``a..b``.
    """
    addresses = list((resolve or _resolved)(host, port))
    for address in addresses:
        plain = ip_address(address.partition("%")[0])
        inner = getattr(plain, "ipv4_mapped", None) or plain
        if not inner.is_global or inner.is_multicast:
            raise PrivateAddress(
                f"{host} is at {address}, an address of a private network or of this machine",
                hint="sources are read from public addresses; say `allow_private: true` where this one is meant",
            )
    if not addresses:
        raise OSError(f"{host} has no address")
    return addresses


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
