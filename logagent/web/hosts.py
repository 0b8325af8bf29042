"""Which Host headers are answered: the guard against DNS rebinding.

A page on another site can point its own name at this machine's loopback address and then read what is served there.
Its requests carry that name; so only names that are known to mean this server are answered.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class HostGuard:
    """The names under which the server may be asked.

    Loopback names, the listening host and ``extra`` ones. A server that listens on all of the machine's addresses
    is also asked by any address, which cannot be rebound, and by the machine's own name.
    """

    def __init__(self, listen: str, extra: Iterable[str] = ()) -> None:
        self._names = {host_of(name) for name in (*LOOPBACK, *extra)}
        self._any_address = _address_is_unspecified(listen)
        if self._any_address:
            self._names.add(socket.gethostname().lower())
        else:
            self._names.add(host_of(listen))

    def allows(self, header: str | None) -> bool:
        """Tell whether a request with this Host header is answered."""
        host = host_of(header or "")
        return host in self._names or (self._any_address and _is_address(host))


def host_of(header: str) -> str:
    """Give the host of ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``, in lower case without a closing dot."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    if text.count(":") == 1:
        text = text.partition(":")[0]
    return text.removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _address_is_unspecified(host: str) -> bool:
    return host == "" or (_is_address(host) and ip_address(host).is_unspecified)
