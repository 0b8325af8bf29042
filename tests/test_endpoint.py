from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent import endpoint as module
from logagent.endpoint import endpoint


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/prompts/7f3a9b21c4", "/prompts/{id}"),
        ("/prompts/7f", "/prompts/7f"),
        ("/users/42/posts/7", "/users/{id}/posts/{id}"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/api/v2/users", "/api/v2/users"),
        ("/x/6f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f?a=1", "/x/{id}"),
        ("/x/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/x/{id}"),
        ("/files/report-20240131.pdf", "/files/{id}"),
        ("/facade/deadbeef", "/facade/deadbeef"),
        ("/search?q=12#top", "/search"),
        ("/", "/"),
        ("/" + "/".join("abcdefghijklmno"), "/a/b/c/d/e/f/g/h/i/j/k/l/…"),
    ],
)
def test_ids_in_a_path_become_a_placeholder(path: str, template: str) -> None:
    assert endpoint(path) == template
    assert endpoint(path) == template


@given(st.text(max_size=3000))
def test_a_template_is_short_whatever_the_path(path: str) -> None:
    assert len(endpoint(path)) <= 200


def test_the_cache_is_bounded() -> None:
    for number in range(10_000):
        endpoint(f"/a{number}")
    assert len(module._templates) <= 4_096
