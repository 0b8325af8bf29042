from __future__ import annotations

import asyncio
import gzip
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_picture import FakeAgent, make_record, make_span

from logagent.clock import ManualClock
from logagent.errors import LogagentError, UnreachableError
from logagent.model import Outcome
from logagent.web import stream
from logagent.web.hosts import HostGuard, host_of
from logagent.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGEST_PAGE = 60 * 1024


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


@pytest.fixture
async def session(agent: FakeAgent) -> AsyncIterator[aiohttp.ClientSession]:
    server = WebServer(agent, ManualClock(), allowed_hosts=["logs.example.com"])
    host, port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
        yield session
    await server.stop()


async def get_json(session: aiohttp.ClientSession, path: str, status: int = 200) -> Any:
    async with session.get(path) as answer:
        assert answer.status == status
        return await answer.json()


async def events_until(
    session: aiohttp.ClientSession, path: str, wanted: str, **headers: str
) -> tuple[dict[str, Any], str]:
    """Give the data of each event up to the wanted one, and the last event id."""
    found: dict[str, Any] = {}
    name, last = "", ""
    async with asyncio.timeout(10), session.get(path, headers=headers) as answer:
        assert answer.status == 200
        async for line in answer.content:
            key, _, value = line.decode().rstrip("\n").partition(": ")
            if key == "id":
                last = value
            elif key == "event":
                name = value
            elif key == "data":
                found[name] = json.loads(value)
                if name == wanted:
                    break
    return found, last


@pytest.mark.parametrize("path", ["/", "/t/abc", "/metrics", "/healthz", "/api/overview", "/static/app.js", "/nothing"])
async def test_every_answer_carries_the_strict_headers(session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Server"] == "logagent"


async def test_metrics_are_negotiated_by_the_agent(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    async with session.get("/metrics", headers={"Accept": "application/openmetrics-text"}) as answer:
        assert await answer.text() == "up 1\n"
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert agent.accepts == ["application/openmetrics-text"]


async def test_a_scrape_that_cannot_commit_is_unavailable(
    session: aiohttp.ClientSession, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_accept: str) -> tuple[bytes, str]:
        raise LogagentError("disk full")

    monkeypatch.setattr(agent, "metrics", fail)
    async with session.get("/metrics") as answer:
        assert (answer.status, await answer.text()) == (503, "disk full\n")


async def test_health_and_readiness_say_so_with_their_status(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    assert (await get_json(session, "/healthz"))["status"] == "ok"
    assert await get_json(session, "/readyz") == {"ready": True}
    agent.status, agent.is_ready = "failed", False
    await get_json(session, "/healthz", 503)
    await get_json(session, "/readyz", 503)
    agent.status = "degraded"
    await get_json(session, "/healthz", 200)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:9464", 200),
        ("[::1]:9464", 200),
        ("LOCALHOST.:80", 200),
        ("logs.example.com", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:9464", 403),
        ("192.168.1.4", 403),
        ("::1", 400),
        ("127.0.0.1:9744@evil", 400),
        ("evil@127.0.0.1:9744", 400),
        ("127.0.0.1:", 400),
        ("127.0.0.1:99999", 400),
        ("127.0.0.1:80:80", 400),
        ("127.0.0.1:٣", 400),
        ("127.0.0.1/evil", 400),
        ("127.0.0.1?", 400),
        ("127.0.0.1#", 400),
        ("localhost\\evil", 400),
        ("localhost,evil", 400),
        ("local host", 400),
        ("[::1", 400),
        ("[::1]evil", 400),
        ("[::1].evil", 400),
        ("[evil]", 400),
        ("[127.0.0.1]", 400),
        ("[0:0:0:0:0:0:0:1]:9464", 200),
        ("LOGS.example.com:80", 200),
        (".", 400),
        ("", 400),
    ],
)
async def test_only_names_that_mean_this_server_are_answered(
    session: aiohttp.ClientSession, host: str, status: int
) -> None:
    async with session.get("/healthz", headers={"Host": host}) as answer:
        assert answer.status == status


def test_a_server_on_all_addresses_is_asked_by_any_address_but_by_no_foreign_name() -> None:
    guard = HostGuard("0.0.0.0")
    assert guard.allows("10.1.2.3")
    assert guard.allows("fe80::1")
    assert not guard.allows("evil.example")


@pytest.mark.parametrize("listen", ["::1", "[::1]", "0:0::1"])
def test_a_server_on_an_address_is_asked_by_it_however_it_is_written(listen: str) -> None:
    host = host_of("[::1]:9464")
    assert host is not None
    assert HostGuard(listen).allows(host)


@given(st.text())
def test_a_host_header_of_any_text_gives_a_plain_host_or_none(text: str) -> None:
    host = host_of(text)
    assert host is None or (host.isascii() and not set(host) & set("@/\\?#,[] \t%"))


async def test_a_request_that_names_two_hosts_or_none_is_refused(session: aiohttp.ClientSession) -> None:
    host, port = str(session._base_url).removeprefix("http://").rstrip("/").split(":")
    for hosts in (b"Host: localhost\r\nHost: evil\r\n", b""):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n")
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_nothing_but_reading_is_allowed(session: aiohttp.ClientSession, method: str) -> None:
    async with session.request(method, "/api/overview") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_head_gives_headers_only(session: aiohttp.ClientSession) -> None:
    async with session.head("/metrics") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_a_file_of_the_page_is_not_sent_again_when_the_browser_has_it(session: aiohttp.ClientSession) -> None:
    async with session.get("/static/app.css") as answer:
        tag = answer.headers["ETag"]
    async with session.get("/static/app.css", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e%2fserver.py", "/static/none.js", "/static/"])
async def test_only_files_of_the_page_are_served(session: aiohttp.ClientSession, path: str) -> None:
    async with session.get(path) as answer:
        assert answer.status == 404


async def test_traces_are_listed_and_given_in_full(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(spans=[make_span("query", request_id="r"), make_span(id="r", request_id="r")]))
    listed = await get_json(session, "/api/traces?limit=5")
    full = await get_json(session, f"/api/trace/{listed['traces'][0]['trace']}")
    assert [span["kind"] for span in full["tree"]] == ["request", "query"]
    assert (await get_json(session, "/api/trace/r"))["trace"] == full["trace"]
    assert (await get_json(session, "/api/traces?after=" + str(listed["sequence"])))["traces"] == []
    assert "error" in await get_json(session, "/api/trace/unknown", 404)


async def test_records_are_filtered_by_level(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record("fine"), make_record("bad", severity_number=17)]))
    found = await get_json(session, "/api/records?severity=17")
    assert [record["body"] for record in found["records"]] == ["bad"]


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "after=1e9", "severity=", "after=" + "9" * 40, "limit=٣"])
async def test_a_number_that_is_none_is_refused(session: aiohttp.ClientSession, query: str) -> None:
    async with session.get(f"/api/records?{query}") as answer:
        assert answer.status == 400
        assert "must be a whole number" in await answer.text()


async def test_what_json_cannot_carry_does_not_stop_the_page(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record("lone \ud800 surrogate")], spans=[make_span(name="\udfff")]))
    found = await get_json(session, "/api/records")
    assert found["records"][0]["body"] == "lone \ud800 surrogate"
    await get_json(session, "/api/traces")


async def test_what_is_not_known_is_left_out_and_never_zero(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(spans=[make_span("llm", "chat", incomplete=True)]))
    overview = await get_json(session, "/api/overview")
    (row,) = overview["llm"]["rows"]
    assert (row["p50"], row["unpriced"]) == (None, 1)
    assert "cost_usd" not in row
    assert overview["totals"] == {}


async def test_the_stream_gives_overview_records_and_traces(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record("line")], spans=[make_span(name="GET /a")]))
    found, _ = await events_until(session, "/api/live", "overview")
    assert list(found) == ["reset", "records", "traces", "overview"]
    assert found["records"]["records"][0]["body"] == "line"
    assert found["traces"][0]["name"] == "GET /a"


async def test_the_stream_goes_on_where_the_browser_left_it(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record("seen")]))
    _, last = await events_until(session, "/api/live", "overview")
    agent.live.add(Outcome(records=[make_record("new")]))
    found, _ = await events_until(session, "/api/live", "overview", **{"Last-Event-ID": last})
    assert [record["body"] for record in found["records"]["records"]] == ["new"]
    assert "reset" not in found
    again, _ = await events_until(session, f"/api/live?after={last}", "overview")
    assert [record["body"] for record in again["records"]["records"]] == ["new"]


@pytest.mark.parametrize("cursor", ["garbage", "1-2", "00000000-5-5", "--", "a-٣-4"])
async def test_a_cursor_of_another_run_starts_afresh(
    session: aiohttp.ClientSession, agent: FakeAgent, cursor: str
) -> None:
    agent.live.add(Outcome(records=[make_record("line")]))
    found, _ = await events_until(
        session, "/api/live", "overview", **{"Last-Event-ID": cursor.encode().decode("latin-1")}
    )
    assert "reset" in found


async def test_the_stream_tells_how_many_lines_it_leaves_out(session: aiohttp.ClientSession, agent: FakeAgent) -> None:
    agent.live.add(Outcome(records=[make_record("first")]))
    _, last = await events_until(session, "/api/live", "overview")
    agent.live.add(Outcome(records=[make_record(str(n)) for n in range(5000)]))
    found, _ = await events_until(session, "/api/live", "overview", **{"Last-Event-ID": last})
    assert len(found["records"]["records"]) == stream.RECORDS_OF_BATCH
    assert found["records"]["missed"] == 5000 - stream.RECORDS_OF_BATCH


async def test_too_many_pages_are_refused_and_a_place_is_free_again_afterwards(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CLIENTS", 1)
    async with session.get("/api/live") as first:
        assert first.status == 200
        await first.content.readline()
        async with session.get("/api/live") as second:
            assert second.status == 503
    async with asyncio.timeout(10):
        while True:
            async with session.get("/api/live") as again:
                if again.status == 200:
                    break
            await asyncio.sleep(0.02)


async def test_stopping_ends_the_streams_and_frees_the_address(agent: FakeAgent) -> None:
    server = WebServer(agent, ManualClock())
    host, port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/api/live") as answer:
        await answer.content.readline()
        async with asyncio.timeout(5):
            await server.stop()
    again = WebServer(agent, ManualClock())
    assert await again.start(host, port) == (host, port)
    await again.stop()


async def test_a_taken_port_is_an_error_that_says_what_to_try(agent: FakeAgent) -> None:
    first, second = WebServer(agent, ManualClock()), WebServer(agent, ManualClock())
    host, port = await first.start("127.0.0.1", 0)
    with pytest.raises(UnreachableError, match=f"cannot listen on 127.0.0.1:{port}: ") as caught:
        await second.start(host, port)
    await first.stop()
    assert "ss -ltnp" in caught.value.hint


def test_the_page_stays_small_and_refers_to_nothing_outside_or_inline() -> None:
    texts = {entry.name: entry.read_text() for entry in files("logagent.web").joinpath("static").iterdir()}
    assert len(gzip.compress("".join(texts.values()).encode())) <= LARGEST_PAGE
    for name, text in texts.items():
        bare = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in bare, name
        assert "https://" not in bare, name
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "style=",
            " onclick",
            "<script>",
            "document.write",
        ):
            assert forbidden not in text, name
