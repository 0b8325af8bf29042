"""A kill at any moment changes nothing: the pipeline's whole state goes through the ledger and comes back the same."""

from __future__ import annotations

import contextlib
import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from afn_lines import BEGIN_MS, logs
from afn_lines import line as line_at
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pipeline_harness import (
    NOW,
    Entries,
    Seen,
    batch_of,
    commit,
    described,
    from_first_date,
    make_pipeline,
    make_settings,
    read_lines,
    restored,
    run,
)

from logagent.spans.ended import EndedSpans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logagent.model import Span
    from logagent.pipeline import Pipeline
    from logagent.settings import Settings

LOGS = ["afn_pjl2", "afn_pjl3", "afn_pjl4"]
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""Not shrunk: a story of sixty lines would be for minutes."""
FEW_OPEN = make_settings(limits={"open_spans": 3, "series": 4})


def batches(lines: Sequence[bytes], sizes: Sequence[int]) -> Iterator[Sequence[bytes]]:
    """All lines in batches of these sizes, over and over."""
    at = turn = 0
    while at < len(lines):
        size = sizes[turn % len(sizes)]
        yield lines[at : at + size]
        at += size
        turn += 1


def make(config: Settings, *, identify: bool) -> Pipeline:
    """A pipeline; one that may have few spans open remembers few that have ended."""
    pipeline = make_pipeline(config, identify=identify)
    if config is FEW_OPEN:
        pipeline.assembler.builder.ended = EndedSpans(limit=4, chunk=2)
    return pipeline


def undisturbed(
    lines: Sequence[bytes], sizes: Sequence[int], config: Settings, *, identify: bool
) -> tuple[Seen, Entries]:
    """What one pipeline without a restart makes of the lines."""
    pipeline = make(config, identify=identify)
    seen, entries = Seen(), Entries()
    for turn, batch in enumerate(batches(lines, sizes)):
        seen.add(pipeline.process(batch_of(batch, observed=NOW + turn * 10**9), NOW))
    commit(pipeline, entries)
    seen.add(pipeline.close(NOW))
    commit(pipeline, entries)
    return seen, entries


def killed(
    lines: Sequence[bytes], sizes: Sequence[int], kills: Sequence[str], config: Settings, *, identify: bool
) -> tuple[Seen, Entries]:
    """The same with a commit or a kill after batches: ``-`` nothing, ``c`` commit, ``k`` commit and kill,
    ``l`` kill before the commit, so that the lines since the last one are read again."""
    pipeline = restored(make(config, identify=identify), {})
    seen, entries, uncommitted = Seen(), Entries(), Seen()
    waiting: list[Sequence[bytes]] = []
    turn = 0

    def feed(batch: Sequence[bytes]) -> None:
        waiting.append(batch)
        uncommitted.add(pipeline.process(batch_of(batch, observed=NOW + turn * 10**12), NOW))

    def take() -> Seen:
        commit(pipeline, entries)
        waiting.clear()
        for name in ("records", "spans", "failures", "alerts"):
            getattr(seen, name).extend(getattr(uncommitted, name))
        return Seen()

    for batch in batches(lines, sizes):
        feed(batch)
        what = kills[turn % len(kills)]
        turn += 1
        if what in "ck":
            uncommitted = take()
        if what in "kl":
            lost = list(waiting)
            waiting.clear()
            uncommitted = Seen()
            pipeline = restored(make(config, identify=identify), entries)
            for again in lost:
                feed(again)
    uncommitted = take()
    pipeline = restored(make(config, identify=identify), entries)
    uncommitted.add(pipeline.close(NOW))
    take()
    return seen, entries


_IDS = 3
"""The last parts of what is described of a span."""


def assert_same(one: tuple[Seen, Entries], other: tuple[Seen, Entries]) -> None:
    (seen, entries), (seen_too, entries_too) = one, other
    assert [record.body for record in seen.records] == [record.body for record in seen_too.records]
    spans, spans_too = list(described(seen.spans)), list(described(seen_too.spans))
    assert [span[:-_IDS] for span in spans] == [span[:-_IDS] for span in spans_too]
    # where nothing needs the ids of all, only the spans that an alert might tell of have been given theirs
    both = [(ids, ids_too) for ids, ids_too in zip(spans, spans_too, strict=True) if ids[-_IDS] and ids_too[-_IDS]]
    assert [ids[-_IDS:] for ids, _ in both] == [ids[-_IDS:] for _, ids in both]
    assert [(f.time_unix_nano, f.error_type, f.message, f.logger) for f in seen.failures] == [
        (f.time_unix_nano, f.error_type, f.message, f.logger) for f in seen_too.failures
    ]
    assert sorted(map(repr, seen.alerts)) == sorted(map(repr, seen_too.alerts))
    assert entries == entries_too


@given(
    logs,
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.lists(st.sampled_from("--ckl"), min_size=1, max_size=6),
    st.sampled_from([(make_settings(), True), (make_settings(), False), (FEW_OPEN, True)]),
)
@settings(max_examples=40, phases=_PHASES)
def test_kills_at_any_moment_change_nothing_of_any_interleaving(
    lines: list[bytes], sizes: list[int], other_sizes: list[int], kills: list[str], how: tuple[Settings, bool]
) -> None:
    config, identify = how
    one = undisturbed(lines, sizes, config, identify=identify)
    assert_same(one, killed(lines, other_sizes, kills, config, identify=identify))


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("seed", range(2))
def test_kills_at_random_moments_change_nothing_of_a_real_log(log: str, seed: int) -> None:
    chance = random.Random(seed)
    lines = from_first_date(read_lines(f"autoforgenexus/{log}.log"))
    sizes = [chance.randint(1, 12) for _ in range(20)]
    kills = [chance.choice("--ckl") for _ in range(20)]
    one = undisturbed(lines, [len(lines)], make_settings(), identify=True)
    assert_same(one, killed(lines, sizes, kills, make_settings(), identify=True))


def test_a_kill_after_every_single_line_changes_nothing() -> None:
    lines = from_first_date(read_lines("autoforgenexus/afn_pjl3.log"))[:150]
    one = undisturbed(lines, [10], make_settings(), identify=True)
    assert_same(one, killed(lines, [1], ["k"], make_settings(), identify=True))


@given(
    logs,
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.sampled_from("--ckl"), min_size=1, max_size=6),
    st.sampled_from([make_settings(), FEW_OPEN]),
)
@settings(max_examples=30, phases=_PHASES)
def test_kills_change_nothing_where_lines_are_written_again_and_out_of_order(
    lines: list[bytes], again: list[tuple[int, int]], sizes: list[int], kills: list[str], config: Settings
) -> None:
    for which, where in again:
        lines.insert(where % (len(lines) + 1), lines[which % len(lines)])
    one = undisturbed(lines, [len(lines)], config, identify=True)
    assert_same(one, killed(lines, sizes, kills, config, identify=True))


@given(
    logs, st.lists(st.integers(1, 5), min_size=1, max_size=5), st.lists(st.sampled_from("-ckl"), min_size=1, max_size=6)
)
@settings(max_examples=20, phases=_PHASES)
def test_a_log_that_is_read_a_second_time_ends_no_span_a_second_time(
    lines: list[bytes], sizes: list[int], kills: list[str]
) -> None:
    whole = [line for line in lines if b" failed" in line or b" completed" in line]
    once, _ = undisturbed(whole, [len(whole) or 1], make_settings(), identify=True)
    twice, _ = killed(whole + whole, sizes, kills, make_settings(), identify=True)
    with_ids = [[span for span in seen.spans if "/" not in span.id] for seen in (once, twice)]
    assert sorted(span.span_id for span in with_ids[0]) == sorted(span.span_id for span in with_ids[1])


@st.composite
def _partly_undated(draw: st.DrawFn) -> list[bytes]:
    """Lines of which some have lost their time, after one that has its own."""
    lines = [line_at(BEGIN_MS, "startup", "begin")]
    for line in draw(logs):
        if draw(st.booleans()) and line.startswith(b"{"):
            with contextlib.suppress(ValueError):
                data = json.loads(line)
                del data["asctime"]
                lines.append(json.dumps(data).encode())
                continue
        lines.append(line)
    return lines


def ticked(lines: Sequence[bytes], sizes: Sequence[int], waits: Sequence[int]) -> tuple[Seen, int]:
    """What a live pipeline makes of the lines, with these nanoseconds between batches, over and over; at a negative one
    it is killed after its commit. And how many spans left while it waited."""
    pipeline, entries = restored(make(make_settings(), identify=True), {}), Entries()
    seen, left, now = Seen(), 0, NOW
    for turn, batch in enumerate(batches(lines, sizes)):
        seen.add(pipeline.process(batch_of(batch, observed=now), now))
        wait = waits[turn % len(waits)]
        now += abs(wait)
        if wait > 0:
            outcome = pipeline.tick(now)
            left += len(outcome.spans)
            seen.add(outcome)
        elif wait < 0:
            commit(pipeline, entries)
            pipeline = restored(make(make_settings(), identify=True), entries)
    seen.add(pipeline.close(now))
    return seen, left


def _told_by_lines(spans: Sequence[Span]) -> set[tuple[str, str]]:
    """Kinds and ids of all spans but those of echoes, which wait for the lines that they repeat and not for longer."""
    return {(span.kind, span.id) for span in spans if not re.search("/[a-z]+/", span.id)}


@given(
    _partly_undated(),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.lists(st.sampled_from([-1, 0, 1, 10**6, 5 * 10**8, 10**10, 10**13]), min_size=1, max_size=6),
)
@settings(max_examples=60, phases=_PHASES)
def test_the_time_that_passes_between_lines_changes_no_time_and_no_id(
    lines: list[bytes], sizes: list[int], waits: list[int]
) -> None:
    one, _ = ticked(lines, [len(lines)], [0])
    other, left = ticked(lines, sizes, waits)
    assert [(record.body, record.time_unix_nano) for record in one.records] == [
        (record.body, record.time_unix_nano) for record in other.records
    ]
    assert [(f.time_unix_nano, f.error_type, f.message) for f in one.failures] == [
        (f.time_unix_nano, f.error_type, f.message) for f in other.failures
    ]
    assert _told_by_lines(one.spans) == _told_by_lines(other.spans)
    if not left and max(waits) <= 1:  # nothing timed out
        assert sorted(map(repr, described(one.spans))) == sorted(map(repr, described(other.spans)))


_HOSTILE = [
    b"", b"\0" * 100, b"{", b"}" * 1000, b"\xff\xfe\xfa", b'{"a": NaN}', b"NaN", b"[" * 100_000, b'{"a":' * 100_000,
    b'{"message": ' + b"[" * 1_000 + b"]" * 1_000 + b"}", b'{"levelname": "\xc2\xb2", "message": "x"}', b'{"asctime": 1e308}',
    b'{"asctime": "9999-12-31 23:59:59,999", "levelname": "INFO", "message": "x", "name": "src.x"}', b'{"": {"": {"": ""}}}',
    b'{"levelname": 99999999999999999999999999, "message": {"a": [1, null]}, "process": {"b": 1e999}}',
]  # fmt: skip
_ODD_VALUES: list[Any] = [
    None, True, -1, 2**63, 2**64, 10**30, 0.1, -1.5, 1e308, "", "0", "-", "NaN", "x" * 300, "\0", "\ud800", [], [1, "a"], {}, {"a": {"b": []}},
    "2026-11-22T09:43:32.754212+00:00", "9999-01-01T00:00:00+00:00", "password=hunter2", float("nan"), float("inf"), [[[[[]]]]],
]  # fmt: skip


@st.composite
def _spoilt(draw: st.DrawFn) -> list[bytes]:
    """Good lines, in some of which one field is any other value; and lines that are nothing at all."""
    lines = []
    for line in draw(logs):
        how = draw(st.integers(0, 4))
        if how == 0:
            lines.append(draw(st.sampled_from(_HOSTILE)))
        elif how < 3 and line.startswith(b"{"):
            try:
                data = json.loads(line)
            except ValueError:
                data = {}
            inner = data.get("context") or data.get("metric") or data
            place = draw(st.sampled_from([data, inner]))
            if place:
                place[draw(st.sampled_from(sorted(place)))] = draw(st.sampled_from(_ODD_VALUES))
            lines.append(json.dumps(data).encode())
            continue
        lines.append(line)
    return lines


@given(
    _spoilt(),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.integers(1, 5), min_size=1, max_size=5),
    st.lists(st.sampled_from("--ckl"), min_size=1, max_size=6),
)
@settings(max_examples=40, phases=_PHASES)
def test_no_line_raises_or_makes_a_kill_show(
    lines: list[bytes], sizes: list[int], other_sizes: list[int], kills: list[str]
) -> None:
    # until a log has said the time, its lines are as old as the first that does in the same batch, or as the batch
    lines = [line_at(BEGIN_MS, "startup", "begin"), *lines]
    one = undisturbed(lines, sizes, make_settings(), identify=True)
    assert len(one[0].records) == len(lines)
    assert_same(one, killed(lines, other_sizes, kills, make_settings(), identify=True))


@given(logs)
@settings(max_examples=20, phases=_PHASES)
def test_reading_only_what_rules_read_gives_the_same_metrics(lines: list[bytes]) -> None:
    full, lean = (make_pipeline(identify=identify) for identify in (True, False))
    for pipeline in (full, lean):
        pipeline.process(batch_of(lines), NOW)
        pipeline.close(NOW)
    assert full.store.render() == lean.store.render()


@pytest.mark.parametrize("log", LOGS)
def test_reading_only_what_rules_read_gives_the_same_metrics_of_a_real_log(log: str) -> None:
    lines = from_first_date(read_lines(f"autoforgenexus/{log}.log"))
    full, lean = (run(lines, pipeline=make_pipeline(identify=identify))[1] for identify in (True, False))
    assert full.store.render() == lean.store.render()
    assert b"autoforge_llm_cost_usd_total" in full.store.render()


def test_lines_that_could_not_be_processed_are_counted_and_not_read_again() -> None:
    pipeline, entries = make_pipeline(), Entries()
    pipeline.give_up(batch_of([b"x", b"y"]))
    commit(pipeline, entries)
    assert entries["positions", "app\0/var/log/app.log"] == b"at"
    assert entries["telemetry", 's:["logagent_dropped_total","internal_error"]'] == b"2.0"


def test_every_loss_that_a_batch_tells_of_is_counted() -> None:
    pipeline, entries = make_pipeline(), Entries()
    batch = batch_of([b"x" * 10])
    batch.cut, batch.losses = {0: 99}, {"file_vanished": 3}
    pipeline.process(batch, NOW)
    commit(pipeline, entries)
    dropped = {key: value for (_, key), value in entries.items() if "dropped_total" in key and key.startswith("s:")}
    assert dropped == {
        's:["logagent_dropped_total","line_too_long"]': b"1.0", 's:["logagent_dropped_total","file_vanished"]': b"3.0",
    }  # fmt: skip


def test_a_stream_that_ended_is_forgotten() -> None:
    pipeline, entries = make_pipeline(), Entries()
    pipeline.process(batch_of([b"x"]), NOW)
    commit(pipeline, entries)
    batch = batch_of([])
    batch.position = None
    pipeline.process(batch, NOW)
    commit(pipeline, entries)
    assert ("positions", "app\0/var/log/app.log") not in entries


def test_nothing_changes_without_lines() -> None:
    pipeline = make_pipeline()
    commit(pipeline, Entries())
    assert list(pipeline.changes()) == []
