"""The page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from web_browser import Page, browser_page, find_chromium
from web_picture import SCRIPT, FakeAgent, busy_agent, make_record, make_span

from logagent.clock import SystemClock
from logagent.model import Outcome, StatusCode
from logagent.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logagent.model import Span

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")

LOADED = "document.querySelector('.span') && document.querySelectorAll('#t-llm tbody tr').length > 2"


@pytest.fixture
def agent() -> FakeAgent:
    return busy_agent(SystemClock().now())


@pytest.fixture
async def address(agent: FakeAgent) -> AsyncIterator[str]:
    server = WebServer(agent, SystemClock())
    host, port = await server.start("127.0.0.1", 0)
    yield f"http://{host}:{port}"
    await server.stop()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with browser_page(tmp_path / "profile") as page:
        yield page


async def test_the_page_shows_what_the_agent_found_without_a_complaint(page: Page, address: str) -> None:
    await page.open(address)
    await page.wait_for(LOADED)
    totals = await page.evaluate("document.getElementById('totals').innerText")
    assert "6,120" in totals
    assert "$1.23" in totals
    assert "✗ 17" in totals
    assert "healthy" in await page.evaluate("document.getElementById('health').innerText")
    assert "gpt-4o-mini (openai)" in await page.evaluate("document.getElementById('t-llm').innerText")
    assert "$1.23 of $2.00" in await page.evaluate("document.getElementById('budgets').innerText")
    slos = await page.evaluate("document.getElementById('slos').innerText")
    assert "75 % of the error budget left" in slos
    assert "burns 1h 14.5" in slos
    assert page.complaints == []


def llm_span(model: str, **tokens: int) -> Span:
    attributes: dict[str, Any] = {"gen_ai.provider.name": "openai", "gen_ai.request.model": model}
    return make_span("llm", attributes=attributes | {f"gen_ai.usage.{name}": count for name, count in tokens.items()})


async def shown_table(page: Page, agent: FakeAgent, kind: str) -> list[list[str]]:
    """Head and rows of a table as they are read."""
    server = WebServer(agent, SystemClock())
    host, port = await server.start("127.0.0.1", 0)
    await page.open(f"http://{host}:{port}")
    await page.wait_for(f"document.querySelectorAll('#t-{kind} tbody td').length > 1")
    found = await page.evaluate(
        f"[...document.querySelectorAll('#t-{kind} tr')].map(row => [...row.children].map(cell => cell.innerText))"
    )
    await server.stop()
    assert isinstance(found, list)
    return found


def titles(kind: str, start: str) -> str:
    return (
        f"[...document.querySelectorAll('#t-{kind} th, #t-{kind} td')]"
        f".filter(cell => cell.innerText.startsWith('{start}')).map(cell => cell.title)"
    )


async def test_tokens_that_the_log_does_not_tell_apart_are_one_column_that_says_so(page: Page) -> None:
    agent = FakeAgent()
    agent.live.add(Outcome(spans=[llm_span("gpt-4", total_tokens=1500)]))
    head, row = await shown_table(page, agent, "llm")
    assert head[:3] == ["model", "calls", "Σ tokens"]
    assert row[:3] == ["gpt-4 (openai)", "1", "1,500"]
    assert "out" not in head
    assert await page.evaluate(titles("llm", "Σ")) == [
        "Input and output tokens together: the log does not tell them apart."
    ]
    assert "Σ tokens in and out together" in await page.evaluate("document.querySelector('footer').innerText")


async def test_a_sum_of_tokens_beside_models_that_tell_them_apart_says_what_it_is(page: Page) -> None:
    agent = FakeAgent()
    spans = [llm_span("gpt-4", total_tokens=1500), llm_span("claude", input_tokens=20, output_tokens=3)]
    agent.live.add(Outcome(spans=spans))
    head, *found = await shown_table(page, agent, "llm")
    assert head[:4] == ["model", "calls", "tokens in", "out"]
    assert sorted(row[:4] for row in found) == [
        ["claude (openai)", "1", "20", "3"],
        ["gpt-4 (openai)", "1", "Σ 1,500", "\N{EN DASH}"],
    ]
    assert await page.evaluate(titles("llm", "Σ")) == [
        "Input and output tokens together: the log does not tell them apart."
    ]


@pytest.mark.parametrize("width", [400, 1280])
async def test_a_long_name_is_shown_whole_and_in_its_title(page: Page, width: int) -> None:
    model = "a-vendor-with-a-long-name/a-model-with-a-long-name-and-a-date-2026-11-22"
    agent = FakeAgent()
    agent.live.add(Outcome(spans=[llm_span(model, total_tokens=1_234_567)]))
    await shown_table(page, agent, "llm")
    await page.resize(width, 900)
    cell = "document.querySelector('#t-llm tbody td')"
    assert await page.evaluate(f"{cell}.innerText") == f"{model} (openai)"
    assert await page.evaluate(f"{cell}.title") == f"{model} (openai)"
    assert await page.evaluate(f"{cell}.scrollWidth <= {cell}.clientWidth")


async def test_a_404_is_the_clients_error_in_the_table_and_no_error_in_figure_table_or_trace(page: Page) -> None:
    agent = FakeAgent()
    agent.total_row = {"requests": 2, "errors": 0}
    missing = {"outcome": "error", "attributes": {"http.response.status_code": 404}}
    agent.live.add(Outcome(spans=[make_span(**missing), make_span(**missing)]))
    head, row = await shown_table(page, agent, "request")
    assert dict(zip(head, row, strict=True)) | {"p50": "", "p95": ""} == {
        "endpoint": "GET /", "count": "2", "4xx": "2", "errors": "0", "p50": "", "p95": "",
    }  # fmt: skip
    assert all("4xx is the client's" in title for title in await page.evaluate(titles("request", "errors")))
    figure = "[...document.querySelectorAll('#totals div')].find(each => each.innerText.startsWith('Errors'))"
    assert (await page.evaluate(f"{figure}.innerText")).split() == ["Errors", "0"]
    assert "4xx is the client's" in await page.evaluate(f"{figure}.title")
    assert "✗" not in await page.evaluate("document.querySelector('[data-trace]').innerText")


async def test_markup_in_a_log_line_stays_text(page: Page, address: str, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record(SCRIPT, severity_number=17)]))
    agent.live.add(
        Outcome(spans=[make_span(SCRIPT, SCRIPT, id=SCRIPT, attributes={SCRIPT: SCRIPT}, status_message=SCRIPT)])
    )
    agent.alert_rows.append({"name": SCRIPT, "state": SCRIPT, "labels": {SCRIPT: SCRIPT}, "summary": SCRIPT})
    await page.open(address)
    await page.wait_for(LOADED)
    await page.evaluate(
        "[...document.querySelectorAll('[data-trace]')].find(r => r.innerText.includes('script')) ?.click()"
    )
    await page.wait_for("document.getElementById('trace-body').innerText.includes('<script>')")
    await page.wait_for("document.getElementById('log').innerText.includes('<script>')")
    assert await page.evaluate("document.title") == "logagent"
    assert await page.evaluate("document.querySelectorAll('img').length") == 1
    assert await page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.complaints == []


async def test_the_newest_lines_arrive_by_themselves_and_a_pause_holds_them(
    page: Page, address: str, agent: FakeAgent
) -> None:
    await page.open(address)
    await page.wait_for(LOADED)
    agent.live.add(Outcome(records=[make_record("just arrived")]))
    await page.wait_for("document.getElementById('log').innerText.includes('just arrived')")
    await page.evaluate("document.getElementById('pause').click()")
    agent.live.add(Outcome(records=[make_record("while paused", severity_number=17)]))
    await page.wait_for("document.getElementById('newest').innerText.includes('1 new · ✗ 1')")
    assert not await page.evaluate("document.getElementById('log').innerText.includes('while paused')")
    await page.evaluate("document.getElementById('pause').click()")
    assert await page.evaluate("document.getElementById('log').innerText.includes('while paused')")


async def test_the_level_filter_shows_only_lines_of_at_least_that_level(page: Page, address: str) -> None:
    await page.open(address)
    await page.wait_for(LOADED)
    await page.evaluate(
        "(() => { const level = document.getElementById('level'); level.value = '17';"
        " level.dispatchEvent(new Event('change')); })()"
    )
    await page.wait_for("document.querySelectorAll('#log .line').length > 0")
    await page.wait_for(
        "[...document.querySelectorAll('#log .line:not(.gap)')].every(l => l.innerText.includes('ERR'))"
    )


async def test_a_trace_opens_by_keyboard_alone(page: Page, address: str) -> None:
    await page.open(address)
    await page.wait_for(LOADED)
    await page.evaluate("document.querySelector('[data-trace][tabindex=\"0\"]').focus()")
    await page.press("End")
    wanted = await page.evaluate("document.activeElement.dataset.trace")
    await page.press("Enter")
    await page.wait_for(f"location.pathname === '/t/{wanted}'")
    await page.wait_for(f"document.querySelector('.facts code').title === 'trace {wanted}'")
    assert await page.evaluate("document.querySelectorAll('[data-trace][tabindex=\"0\"]').length") == 1
    await page.evaluate("document.querySelector('.span[tabindex=\"0\"]').focus()")
    await page.press("ArrowDown")
    assert await page.evaluate("document.activeElement.dataset.index") == "1"


async def test_an_address_of_a_trace_opens_it_and_e_goes_to_its_error(
    page: Page, address: str, agent: FakeAgent
) -> None:
    base = {"request_id": "r1", "parent_kind": "request", "parent_id": "r1"}
    spans = [
        make_span("query", f"q{n}", id=f"q{n}", start=n, status=StatusCode.ERROR * (n == 3), **base) for n in range(6)
    ]
    agent.live.add(Outcome(spans=[*spans, make_span(name="GET /x", id="r1", request_id="r1", start=0)]))
    await page.open(f"{address}/t/r1")
    await page.wait_for("document.querySelectorAll('.span').length === 7")
    await page.evaluate("document.querySelector('.span[tabindex=\"0\"]').focus()")
    await page.press("e")
    assert "✗ q3" in await page.evaluate("document.querySelector('.details h3').innerText")


@pytest.mark.parametrize("width", [400, 1280])
async def test_nothing_is_wider_than_the_window(page: Page, address: str, width: int) -> None:
    await page.open(address, width)
    await page.wait_for(LOADED)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_an_agent_that_knows_nothing_yet_is_shown_with_dashes(page: Page) -> None:
    server = WebServer(FakeAgent(), SystemClock())
    host, port = await server.start("127.0.0.1", 0)
    await page.open(f"http://{host}:{port}")
    await page.wait_for("document.querySelectorAll('#totals dd').length === 7")
    figures = await page.evaluate("[...document.querySelectorAll('#totals dd')].map(d => d.innerText).join(' ')")
    assert figures.split() == ["\N{EN DASH}"] * 7
    assert "No LLM call seen yet" in await page.evaluate("document.getElementById('t-llm').innerText")
    await server.stop()
    await page.wait_for("document.getElementById('health').innerText.includes('out of reach')")
