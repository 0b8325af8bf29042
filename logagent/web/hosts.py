"""Which Host headers are answered: the guard against DNS rebinding.

A page on another site can point its own name at this machine's loopback address and then read what is served there.
Its requests carry that name; so only names that are known to mean this server are answered.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = ("localhost", "127.0.0.1", "::1")
HIGHEST_PORT = 65535
_HOST = re.compile(
    r"""
    (?: \[(?P<address>[0-9a-f:.]{2,45})\]               # IPv6 in brackets
      | (?P<name>[a-z0-9_](?:[a-z0-9_.-]{0,252}))       # a name or an IPv4 address
    )
    (?: :(?P<port>[0-9]{1,5}) )?
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
"""RFC 9110, 7.2: ``host [":" port]``, of which hosts nothing but DNS's names and addresses."""


class HostGuard:
    """The names under which the server may be asked.

    Loopback names, the listening host and ``extra`` ones. A server that listens on all of the machine's addresses
    is also asked by any address, which cannot be rebound, and by the machine's own name.
    """

    def __init__(self, listen: str, extra: Iterable[str] = ()) -> None:
        self._names = {_normal(name) for name in (*LOOPBACK, *extra)}
        self._any_address = _address_is_unspecified(listen)
        self._names.add(_normal(socket.gethostname() if self._any_address else listen))

    def allows(self, host: str) -> bool:
        """Tell whether a request to this host, as ``host_of`` gives it, is answered."""
        return host in self._names or (self._any_address and _is_address(host))


def host_of(header: str) -> str | None:
    """Give the host of ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``, in lower case without a closing dot.

    None for anything else: what browsers and proxies could read in two ways is not to be guessed at.
    """
    match = _HOST.fullmatch(header)
    if match is None or int(match["port"] or 0) > HIGHEST_PORT:
        return None
    if match["name"] is not None:
        return _normal(match["name"])
    try:
        return str(IPv6Address(match["address"]))
    except ValueError:
        return None


def _normal(name: str) -> str:
    """Give a name as it is compared: addresses in their one shortest form."""
    text = name.strip().lower()
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ip_address(bare))
    except ValueError:
        return text.removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _address_is_unspecified(host: str) -> bool:
    return host == "" or (_is_address(host) and ip_address(host).is_unspecified)
