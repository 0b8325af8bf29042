"""Values that are secrets by their own shape: what they look like, and the cheap signs that one may be there.

The shapes are those that the vendors publish and that GitHub's secret scanning and gitleaks use, made strict enough
that UUIDs, hashes and words never fit. Every pattern is linear: it starts at a fixed sign that cannot lie inside a
match in progress, and repeats possessively.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REDACTED = "[REDACTED]"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret: its rule name, where it stands, and whether a match really is one."""

    rule: str
    pattern: re.Pattern[str]
    accept: Callable[[re.Match[str]], bool] = lambda _: True
    keeps_front: bool = False
    """Group 1 is no secret and stays in front."""


_RANDOM = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{10}|[A-Za-z0-9]{20}")
_RANDOM_WORD = re.compile(r"[0-9]|[a-z][A-Z]|.{20}")


def _looks_random(match: re.Match[str]) -> bool:
    return _RANDOM.search(match[0]) is not None


def _is_bearer(match: re.Match[str]) -> bool:
    whole = match.start() == 0 and match.end() == len(match.string)
    return whole or _RANDOM_WORD.search(match[2]) is not None


def _is_basic(match: re.Match[str]) -> bool:
    text = match[2].rstrip("=")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in decoded and decoded.isprintable()


def _shape(rule: str, pattern: str, accept: Callable[[re.Match[str]], bool] = lambda _: True) -> Shape:
    return Shape(rule, re.compile(pattern), accept, keeps_front=rule in {"url_credentials", "bearer", "basic"})


SHAPES = (
    _shape(
        "private_key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-(?!----)[^-]*)*"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _shape("url_credentials", r"(://[^\s/@:\"'<>]{0,256}:)[^\s/?\"'<>]{1,512}(?=@)", lambda m: REDACTED not in m[0]),
    _shape("jwt", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*"),
    _shape("bearer", r"\b([Bb][Ee][Aa][Rr][Ee][Rr] {1,4})([A-Za-z0-9._~+/=-]{8,})", _is_bearer),
    _shape("basic", r"\b([Bb][Aa][Ss][Ii][Cc] {1,4})([A-Za-z0-9+/]{4,}={0,2})", _is_basic),
    _shape("anthropic_key", r"(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{10,}"),
    _shape("api_key", r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}", _looks_random),
    _shape("aws_key_id", r"(?<![A-Za-z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape(
        "github_token", r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9]{8}[A-Za-z0-9_]{12,})"
    ),
    _shape("slack_token", r"(?<![A-Za-z0-9])xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}", _looks_random),
    _shape("google_api_key", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shape(
        "vendor_key",
        r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)|gsk|hf|r8|npm|whsec|lsv2_[ps]t|glpat|pplx|xai)[_-][A-Za-z0-9]{8}[A-Za-z0-9_-]{8,}",
        _looks_random,
    ),
)

_SIGN_AT_UNDERSCORE = re.compile(
    r"_(?<=h[pousrf]_|[sr]k_|ub_|r8_|pm_|ec_|v2_)(?=[A-Za-z0-9]{8}|live_|test_|pat_|[ps]t_)"
).search
"""The ends of the vendors' prefixes; beginning with the rare underscore keeps the search fast."""


def may_hold_secret(text: str) -> bool:
    """Whether one of the shapes' signs is in a text: a few searches for rare characters, no false "no"."""
    return (
        ("J" in text and "eyJ" in text)
        or ("_" in text and _SIGN_AT_UNDERSCORE(text) is not None)
        or ("-" in text and _has_hyphen_sign(text))
        or ("@" in text and "://" in text)
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text or "EARER " in text or "ASIC " in text))
        or "earer " in text
        or "asic " in text
    )


def _has_hyphen_sign(text: str) -> bool:
    return "sk-" in text or "xox" in text or "xai-" in text or "plx-" in text or "lpat-" in text or "-----BEGIN" in text
