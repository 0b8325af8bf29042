"""Which field names hold a secret, decided by their words and never by a substring."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_KEY = 256
"""Characters of a key that are looked at; no field name that means something is longer."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")

_SECRET_WORDS = frozenset({
    "apikey", "apikeys", "auth_header", "authorization", "authorisation", "authtoken", "accesstoken", "accesskey",
    "bearer", "clientsecret", "cookie", "cookies", "credential", "credentials", "creds", "csrftoken", "cvc", "cvv",
    "encryptionkey", "idtoken", "jwt", "otp", "passcode", "passphrase", "passwd", "password", "passwords", "privatekey",
    "pwd", "refreshtoken", "secret", "secretkey", "secrets", "sessiontoken", "ssn", "xsrftoken",
})  # fmt: skip
_SECRET_ENDINGS = ("password", "passwd", "secret", "apikey")
_SECRET_PHRASES = frozenset({
    ("access", "key"), ("access", "tokens"), ("account", "key"), ("api", "key"), ("api", "keys"), ("api", "tokens"),
    ("auth", "header"), ("auth", "key"), ("auth", "tokens"), ("card", "number"), ("client", "assertion"),
    ("connection", "string"), ("encryption", "key"), ("id", "tokens"), ("master", "key"), ("private", "key"),
    ("private", "keys"), ("pass", "word"), ("refresh", "tokens"), ("service", "key"), ("shared", "key"),
    ("signing", "key"), ("ssh", "key"),
})  # fmt: skip
_TOKEN_OF_TEXT = frozenset({
    "avg", "bos", "cached", "cancellation", "completion", "continuation", "cost", "cursor", "each", "end", "eos",
    "every", "first", "input", "last", "max", "mean", "min", "new", "next", "num", "of", "output", "pad", "page", "per",
    "previous", "prompt", "reasoning", "start", "stop", "total", "unk", "used", "with",
})  # fmt: skip
"""Words before ``token`` with which it is a piece of text or a page mark, not a credential."""
_STEMS = (
    "key", "token", "pass", "secret", "auth", "cookie", "cred", "pwd", "jwt", "bearer", "otp", "ssn", "cvc", "cvv", "card",
    "assertion", "connection",
)  # fmt: skip
"""Every name that is sensitive by the vocabulary above contains one of these."""
_ABOUT_FIRST = frozenset({"count", "has", "is", "max", "min", "num", "number", "total"})
_ABOUT_LAST = frozenset({
    "age", "at", "attempts", "count", "enabled", "expired", "expires", "expiry", "invalid", "length", "method", "missing",
    "ms", "policy", "present", "required", "seconds", "size", "status", "strength", "ttl", "type", "valid", "version",
})  # fmt: skip
"""A key that begins or ends with one of these tells something about a secret, not the secret."""


def words(key: str) -> tuple[str, ...]:
    """The lower-case words of a field name in camelCase, snake_case, kebab-case or dotted form."""
    return tuple(word.lower() for word in _WORDS.findall(unicodedata.normalize("NFKC", key[:LONGEST_KEY])))


class SensitiveKeys:
    """Answers whether a key names a secret. ``extra`` keys are matched by their words, anywhere in a key."""

    def __init__(self, extra: Sequence[str] = ()) -> None:
        self._extra = tuple(phrase for phrase in map(words, extra) if phrase)
        self.stems = (*_STEMS, *(max(phrase, key=len) for phrase in self._extra))
        """Lower-case parts of which every sensitive name contains at least one."""

    def __call__(self, key: str) -> bool:
        """Whether the key names a secret."""
        parts = words(key)
        if not parts:
            return False
        if any(_contains(parts, phrase) for phrase in self._extra):
            return True
        if len(parts) > 1 and (parts[0] in _ABOUT_FIRST or parts[-1] in _ABOUT_LAST):
            return False
        return _has_secret_word(parts) or _ends_with_credential_token(parts)


def _contains(parts: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(parts[start : start + size] == phrase for start in range(len(parts) - size + 1))


def _has_secret_word(parts: tuple[str, ...]) -> bool:
    return (
        not _SECRET_WORDS.isdisjoint(parts)
        or not _SECRET_PHRASES.isdisjoint(pairwise(parts))
        or any(part.endswith(_SECRET_ENDINGS) for part in parts)
    )


def _ends_with_credential_token(parts: tuple[str, ...]) -> bool:
    return parts[-1] == "token" and (len(parts) == 1 or parts[-2] not in _TOKEN_OF_TEXT)
