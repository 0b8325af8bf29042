"""One POST to a destination: its answer read to a bound, its failures put into words that tell no secret."""

from __future__ import annotations

import base64
import email.utils
import math
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from yarl import URL

from logagent import __version__
from logagent.model import Delivery, DeliveryOutcome

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

ANSWER_LIMIT_BYTES: Final = 64 * 1024
REASON_LIMIT: Final = 300
"""Characters of what the other end says that are kept."""
RETRY_AFTER_CAP_SECONDS: Final = 3600.0
MENDABLE: Final = frozenset({401, 402, 403, 404, 405, 407, 408, 415, 421, 425, 426, 429})
"""They blame the address, the credentials, the quota or the moment, not what was sent: keep it until that is mended."""
SHORTEST_SECRET: Final = 4
"""A header's value shorter than this is no secret, and would make holes into every reason."""


class PostError(Exception):
    """No complete answer came; the message says why and is fit to be shown."""


@dataclass(slots=True, frozen=True)
class Answer:
    """What the other end said."""

    status: int
    content_type: str
    body: bytes
    truncated: bool
    """Whether there was more than the bound."""
    retry_after: str
    location: str


class Poster:
    """Posts bodies to one URL through one session, opened when first used; its proxy comes from the environment."""

    def __init__(
        self, url: str, headers: Mapping[str, str], timeout_seconds: float, tls: ssl.SSLContext | None = None
    ) -> None:
        parsed = URL(url)
        self._tls = tls
        self.url = parsed.with_user(None)
        self._headers = {name: value.strip() for name, value in headers.items()}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        if parsed.user is not None:
            credentials = f"{parsed.user}:{parsed.password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
        self._proxy = _proxy(parsed)
        self._secrets = _secrets(self._headers, parsed, self._proxy)
        self._session: aiohttp.ClientSession | None = None

    def refusal(self, answer: Answer, said: str, *, option: str, now: int) -> Delivery:
        """What becomes of what was sent where the answer is no success.

        ``said``: what the answer says of it. ``option``: what to set where it is elsewhere. ``now``: wall time.
        """
        status = answer.status
        if 300 <= status < 400:  # noqa: PLR2004 - redirection (RFC 9110)
            target = self.redirect_target(answer.location)
            return Delivery(
                DeliveryOutcome.RETRY, self.shown(f"answered {status}: redirected to {target}; set {option} to that")
            )
        reason = self.shown(f"answered {status}{said}")
        if status in MENDABLE or not 400 <= status < 500:  # noqa: PLR2004 - client errors (RFC 9110)
            return Delivery(DeliveryOutcome.RETRY, reason, retry_after_seconds(answer.retry_after, now))
        return Delivery(DeliveryOutcome.REJECTED, reason)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Make one attempt. Raises PostError where no complete answer comes."""
        try:
            async with self._opened().post(
                self.url, data=body, headers={**self._headers, **headers}, allow_redirects=False, proxy=self._proxy
            ) as response:
                content = await _read(response.content)
                return Answer(
                    response.status,
                    response.content_type,
                    content[:ANSWER_LIMIT_BYTES],
                    len(content) > ANSWER_LIMIT_BYTES,
                    response.headers.get("Retry-After", ""),
                    response.headers.get("Location", ""),
                )
        except TimeoutError:
            reason = f"no answer within {self._timeout_seconds:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
        raise PostError(self.shown(f"{self._place()}: {reason}"))

    def shown(self, text: str) -> str:
        """Give a text fit to be shown: one line, bounded, without what the configuration keeps secret."""
        for secret in self._secrets:
            text = text.replace(secret, "[REDACTED]")
        line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * REASON_LIMIT]).split())
        return line if len(line) <= REASON_LIMIT else line[: REASON_LIMIT - 1] + "…"

    def redirect_target(self, location: str) -> str:
        """Give where a redirect leads, without credentials and query."""
        try:
            return str(self.url.join(URL(location)).with_user(None).with_query(None).with_fragment(None))
        except ValueError:
            return "an unreadable address"

    async def close(self) -> None:
        """Close the session; a later post opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(ssl=self._tls if self._tls is not None else True),
                headers={"User-Agent": f"logagent/{__version__}"},
            )
        return self._session

    def _place(self) -> str:
        return str(self.url.with_query(None))


async def _read(stream: aiohttp.StreamReader) -> bytes:
    """Give the body to its end, or one chunk beyond the bound."""
    content = bytearray()
    while len(content) <= ANSWER_LIMIT_BYTES and (chunk := await stream.read(ANSWER_LIMIT_BYTES)):
        content += chunk
    return bytes(content)


def _proxy(url: URL) -> URL | None:
    """Give the proxy that the environment names for the URL.

    aiohttp's ``trust_env`` would also take credentials from ``~/.netrc``, and then refuse to send a configured
    Authorization header beside them.
    """
    proxy = urllib.request.getproxies().get(url.scheme)
    return URL(proxy) if proxy and not urllib.request.proxy_bypass(f"{url.host}:{url.port}") else None


def _secrets(headers: Mapping[str, str], url: URL, proxy: URL | None) -> list[str]:
    """Give what must not be shown, longest first: header values, their last words, and what is secret in URLs."""
    values = {url.password or "", *url.query.values(), (proxy.password if proxy else None) or ""}
    for value in headers.values():
        values |= {value, *value.split()[1:]}
    return sorted((value for value in values if len(value) >= SHORTEST_SECRET), key=len, reverse=True)


def retry_after_seconds(text: str, now_unix_nano: int) -> float | None:
    """Give the seconds that a Retry-After header (RFC 9110, 10.2.3) asks for, at most an hour; None for nonsense."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
            seconds = moment.timestamp() - now_unix_nano / 1e9
        except (ValueError, OverflowError, OSError):
            return None
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_CAP_SECONDS)
