from __future__ import annotations

import base64
import string
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.parsing.redaction import Redactor
from logagent.parsing.secret_shapes import SHAPES, may_hold_secret

if TYPE_CHECKING:
    import uuid

SENSITIVE = [
    "password",
    "passwd",
    "user_password",
    "userPassword",
    "dbPassword",
    "DB_PASSWORD",
    "PGPASSWORD",
    "new_password1",
    "password_hash",
    "passphrase",
    "authorization",
    "Authorization",
    "proxy-authorization",
    "HTTP_AUTHORIZATION",
    "api_key",
    "apiKey",
    "APIKey",
    "x-api-key",
    "X-API-KEY",
    "apikey",
    "openai_api_key",
    "OPENAI_API_KEY",
    "openaiApiKey",
    "api.key",
    "secret",
    "client_secret",
    "clientSecret",
    "secretKey",
    "aws_secret_access_key",
    "access_token",
    "accessToken",
    "refresh_token",
    "refreshToken",
    "auth_token",
    "session_token",
    "id_token",
    "idToken",
    "token",
    "csrf_token",
    "x-amz-security-token",
    "private_key",
    "privateKey",
    "credential",
    "credentials",
    "dbCredentials",
    "cookie",
    "Cookie",
    "set-cookie",
    "Set-Cookie",
    "Cookies",
    "access_key",
    "AccessKeyId",
    "connection_string",
    "jwt",
    "bearer",
    "cvv",
]

HARMLESS = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "token_count",
    "tokenCount",
    "tokens",
    "tokens_used",
    "token_type",
    "max_tokens",
    "maxTokens",
    "cached_tokens",
    "max_token",
    "time_to_first_token",
    "next_page_token",
    "cost_per_token",
    "keyword",
    "keywords",
    "monkey",
    "key",
    "cache_key",
    "cacheKey",
    "primary_key",
    "foreign_key",
    "sort_key",
    "key_id",
    "session_id",
    "request_id",
    "author",
    "authors",
    "authority",
    "authenticated",
    "auth_method",
    "password_length",
    "has_password",
    "password_changed_at",
    "passenger",
    "compass",
    "bypass",
    "secretary",
    "tokenizer",
    "tokenization",
    "cookie_count",
    "message",
    "logger",
    "path",
    "user_id",
    "id",
    "status",
    "secret_version",
    "api_key_count",
    "hash",
    "日本語",
    "_",
    "123",
]

SECRETS = {
    "bearer": "Bearer a8f5f167f44f4964e6c998dee827110c",
    "basic": "Basic " + base64.b64encode(b"aladdin:opensesame").decode(),
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "api_key": "sk-proj-abcDEF1234567890abcDEF1234567890",
    "anthropic_key": "sk-ant-api03-abcdefghij-KLMNOP_0123456789",
    "aws_key_id": "AKIAIOSFODNN7EXAMPLE",
    "github_token": "ghp_" + "a1B2" * 9,
    "slack_token": "xoxb-123456789012-abcdefABCDEF",
    "google_api_key": "AIza" + "Sy0_-" * 7,
    "vendor_key": "gsk_" + "Ab1" * 12,
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/==\n-----END RSA PRIVATE KEY-----",
}


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize("key", SENSITIVE)
def test_a_key_that_names_a_secret_is_sensitive(redactor: Redactor, key: str) -> None:
    assert redactor.key_is_sensitive(key)


@pytest.mark.parametrize("key", HARMLESS)
def test_a_key_that_only_looks_like_one_is_not(redactor: Redactor, key: str) -> None:
    assert not redactor.key_is_sensitive(key)


def test_an_own_key_is_matched_by_its_words_in_any_spelling() -> None:
    redactor = Redactor(extra_keys=["national-id", "iban"])
    assert all(map(redactor.key_is_sensitive, ("nationalId", "user.national_id", "IBAN", "payer_iban")))
    assert not redactor.key_is_sensitive("international_id")
    assert redactor.text("payer iban=DE89370400440532013000 paid") == "payer iban=[REDACTED] paid"


def test_an_own_pattern_replaces_its_whole_match_and_is_counted() -> None:
    redactor = Redactor(extra_patterns=[r"\b(ORD)-\d{6}\b"])
    assert redactor.text("order ORD-123456 sent") == "order [REDACTED] sent"
    assert redactor.redactions == {"pattern_1": 1}


@pytest.mark.parametrize("rule", SECRETS)
def test_a_secret_is_known_by_its_shape_wherever_it_stands(rule: str) -> None:
    secret = SECRETS[rule]
    for template in ("{}", "used {} now", '{{"v": "{}"}}', "({})", "x={}", "a,{},b", "line\n{}\n", "é {} ü"):
        redactor = Redactor()
        redacted = redactor.text(template.format(secret))
        assert secret.split()[-1] not in redacted
        assert secret[10:30] not in redacted
        assert "[REDACTED]" in redacted
        assert redactor.redactions == {rule: 1}


def test_every_shape_has_an_example() -> None:
    assert {shape.rule for shape in SHAPES} == {*SECRETS, "url_credentials"}


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("postgres://app:hunter2@db:5432/x", "postgres://app:[REDACTED]@db:5432/x"),
        ("redis://:p%40ss@cache/0 down", "redis://:[REDACTED]@cache/0 down"),
        ("GET /v1?api_key=abc123&page=2", "GET /v1?api_key=[REDACTED]&page=2"),
        ("password=hunter2", "password=[REDACTED]"),
        ("password: hunter2, user: bob", "password: [REDACTED], user: bob"),
        ("{'password': 'hunter 2', 'user': 'bob'}", "{'password': '[REDACTED]', 'user': 'bob'}"),
        ('{"apiKey":"a\\"b","n":1}', '{"apiKey":"[REDACTED]","n":1}'),
        (r"{\"client_secret\": \"abc\", \"n\": 1}", r"{\"client_secret\": \"[REDACTED]\", \"n\": 1}"),
        ("Authorization: Bearer abc", "Authorization: Bearer [REDACTED]"),
        ("Cookie: sid=abc; theme=dark\nHost: x", "Cookie: [REDACTED]\nHost: x"),
        ("connect(host='db', password='x y')", "connect(host='db', password='[REDACTED]')"),
        ('headers["X-Api-Key"] = "abc"', 'headers["X-Api-Key"] = "[REDACTED]"'),
        ("new_password1=a new_password2=b", "new_password1=[REDACTED] new_password2=[REDACTED]"),
        ("token=abc token=def", "token=[REDACTED] token=[REDACTED]"),
        ('password="never closed', 'password="[REDACTED]'),
    ],
)
def test_the_value_of_a_sensitive_pair_is_replaced_and_nothing_else(
    redactor: Redactor, text: str, redacted: str
) -> None:
    assert redactor.text(text) == redacted
    assert redactor.text(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "Invalid token: expired",
        "password: required",
        "Basic authentication failed",
        "basic ingredients list",
        "the bearer certificate of deposit",
        "sk-learn-pipeline-configuration",
        "task-force-meeting-2024-01-01-minutes",
        "LLM call finished: prompt_tokens=812 completion_tokens=164 max_tokens=1024",
        "user:pass is the form",
        "SELECT token_count FROM usage WHERE cache_key = 'prompt:1'",
        "see https://example.com:8080/a/b?page=2#c@d",
        "mail bob@example.com via https://example.com/x",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "0af7651916cd43dd8448eb211c80319c",
        "order 4111-2222 at 2026-01-01T10:00:00.123+01:00",
        "def login(password: str, token: str) -> None",
        "",
        "[REDACTED]",
        "PWD=/home/app",
        "-----BEGIN CERTIFICATE-----",
    ],
)
def test_an_ordinary_text_is_never_touched(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == text
    assert not redactor.redactions


@given(st.uuids(version=4), st.integers(), st.binary(min_size=16, max_size=32))
def test_ids_numbers_and_hashes_are_never_touched(random_id: uuid.UUID, number: int, digest: bytes) -> None:
    redactor = Redactor()
    for text in (str(random_id), random_id.hex, f"order {number} of {random_id}", digest.hex(), f"id={digest.hex()}"):
        assert redactor.text(text) == text


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=14), max_size=30))
def test_words_are_never_touched(parts: list[str]) -> None:
    text = " ".join(parts)
    assert Redactor().text(text) == text


@given(st.sampled_from(sorted(SECRETS)), st.text(max_size=60), st.text(max_size=60))
def test_a_secret_never_survives_whatever_surrounds_it(rule: str, before: str, after: str) -> None:
    secret = SECRETS[rule]
    assert secret not in Redactor().text(f"{before} {secret} {after}")


@given(
    st.sampled_from(["password", "api_key", "client_secret", "access_token"]),
    st.sampled_from(["{}={}", '"{}": "{}"', "'{}':'{}'", "?{}={}&b=1", r"{{\"{}\":\"{}\"}}"]),
    st.text(string.ascii_letters + string.digits + "!$%*+./?@^_|~-", min_size=6, max_size=40),
)
def test_no_value_of_a_sensitive_pair_survives(name: str, form: str, secret: str) -> None:
    secret = "Z9" + secret
    assert secret not in Redactor().text("x " + form.format(name, secret) + " y")


@given(st.text(max_size=200))
def test_redaction_is_finished_after_one_pass(text: str) -> None:
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


@given(st.text(alphabet=list("eyJ.sk-AIza_BEGIN @:/=\"'\\ bearerpasswordtoken09"), max_size=300))
def test_the_quick_check_never_says_no_where_a_shape_is_found(text: str) -> None:
    if any(shape.accept(match) for shape in SHAPES for match in shape.pattern.finditer(text)):
        assert may_hold_secret(text)


def test_scalars_and_lists_are_redacted_by_key_or_by_shape() -> None:
    redactor = Redactor()
    assert redactor.value("password", 1234) == "[REDACTED]"
    assert redactor.value("password", None) is None
    assert redactor.value("prompt_tokens", 812) == 812
    assert redactor.value("args", ["--token=abc", 3]) == ["--token=[REDACTED]", 3]
    assert redactor.redactions == {"key": 1, "pair": 1}


@pytest.mark.parametrize(
    "piece",
    ["eyJ", "eyJa.", "sk-", "://", "://a:", "password=", "password: ", "token=token ", 'password="', "pwd=/", "token==",
     "\\", "password=" + "\\" * 50, "Bearer ", "-----BEGIN PRIVATE KEY-----", "-", "a", "a:", "AKIA", "cookie: a=b; ", "basic "],
)  # fmt: skip
def test_a_hostile_text_of_a_mebibyte_takes_no_more_than_linear_time(piece: str) -> None:
    redactor = Redactor()
    text = piece * ((1 << 18) // len(piece))
    began = time.perf_counter()
    redactor.text(text)
    quarter = time.perf_counter() - began
    assert quarter < 2


def test_hostile_keys_neither_fill_the_memory_nor_stop_anything() -> None:
    redactor = Redactor()
    for number in range(20_000):
        redactor.key_is_sensitive(f"field_{number}")
    assert len(redactor.judged) <= 8192
    assert not redactor.key_is_sensitive("x" * 10_000_000)
