from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.alerting.templates import LONGEST_TEXT, Template, TemplateError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{value}} and {{ value | duration }}", "1.5 and 1.5 s"),
        ("{{ labels.a-b }}", "x"),
        ("{{ missing | duration }}", "unknown"),
        ("{{ empty }}", "unknown"),
        ("{{ text | truncate(5) }}", "abcd…"),
        ("{{ text | truncate(6) }}", "abcdef"),
        ("{{ text | usd }}", "abcdef"),
        ("{{ flag }}", "true"),
        ("{{ value | usd | truncate(3) }}", "$1…"),
    ],
)
def test_a_text_is_filled_with_its_values(text: str, expected: str) -> None:
    values = {"value": 1.5, "labels.a-b": "x", "text": "abcdef", "empty": "", "flag": True}
    assert Template(text).render(values) == expected


@pytest.mark.parametrize(
    ("formatter", "value", "expected"),
    [
        ("duration", 0.0341, "34.1 ms"),
        ("duration", 0, "0 ms"),
        ("duration", 1.844, "1.84 s"),
        ("duration", 125, "2 min 5 s"),
        ("duration", 7384, "2 h 3 min"),
        ("duration", 183600, "2 d 3 h"),
        ("duration", float("nan"), "nan"),
        ("usd", 1234.5, "$1,234.50"),
        ("usd", 0.00042, "$0.00042"),
        ("usd", 0, "$0.00"),
        ("percent", 0.9, "90 %"),
        ("percent", 0.12345, "12.3 %"),
        ("percent", True, "true"),
    ],
)
def test_formatters_write_numbers_for_people(formatter: str, value: object, expected: str) -> None:
    assert Template("{{ v | " + formatter + " }}").render({"v": value}) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(3.0, "3"), (1e300, "1e+300"), (0.1 + 0.2, "0.3"), (10**20, "1" + "0" * 20)]
)
def test_numbers_without_a_formatter_stay_readable(value: float, expected: str) -> None:
    assert Template("{{ v }}").render({"v": value}) == expected


def test_a_text_is_never_longer_than_its_limit() -> None:
    assert len(Template("{{ v }}{{ v }}").render({"v": "x" * LONGEST_TEXT})) == LONGEST_TEXT


def test_names_are_listed_once_in_order() -> None:
    assert Template("{{ b }}{{ a.b }}{{ b | usd }}").names == ("b", "a.b")


@pytest.mark.parametrize(
    "text", ["{{", "}}", "{{ }}", "{{ {{ a }} }}", "{{ a b }}", "{{ a | }}", "{{ a[0] }}", "{{ a.b() }}"]
)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError) as refused:
        Template(text)
    assert refused.value.hint


@given(st.text(alphabet="{} ab.|()1", max_size=30))
def test_any_text_is_either_refused_or_rendered(text: str) -> None:
    try:
        template = Template(text)
    except TemplateError:
        return
    assert isinstance(template.render({"a": 1}), str)
