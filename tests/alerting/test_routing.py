"""Who is told of which alerts, and when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import tomli
from alert_samples import HOUR, MINUTE, SECOND, START
from hypothesis import given, settings
from hypothesis import strategies as st

from logagent.alerting.loading import dotted
from logagent.alerting.routing import Router, Routing, read_routing
from logagent.alerting.routing.intervals import WeekTimes, quiet_until
from logagent.alerting.rules.routes import TimeInterval
from logagent.errors import Problem
from logagent.model import Alert, AlertState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logagent.model import Notification

ROUTES = """
[[route]]
name = "pager"
where = 'severity == "critical"'
to = ["oncall"]
group_by = ["alertname"]
group_wait = "30s"
group_interval = "5m"
repeat = "1h"
continue = true

[[route]]
name = "chat"
to = ["chat"]
quiet = ["nights"]
send_resolved = false

[[time_interval]]
name = "nights"
timezone = "UTC"
times = ["22:00-06:00"]
"""
NOON = START + 12 * HOUR


def routing(text: str = ROUTES) -> Routing:
    found = Routing()
    problems = read_routing(tomli.loads(text), lambda p, m, h: Problem("f", dotted(p), m, h), found)
    assert problems == []
    return found


def problems(text: str) -> list[str]:
    found = Routing()
    wrong = read_routing(tomli.loads(text), lambda p, m, h: Problem("f", dotted(p), m, h), found)
    return [str(problem) for problem in wrong + found.problems({"chat", "oncall"})]


def alert(at: int, state: str = "firing", name: str = "Slow", severity: str = "critical", **labels: str) -> Alert:
    own = {"alertname": name, "severity": severity, **labels}
    return Alert(name, own, {}, AlertState(state), "", 1.0, at, at, at if state == "resolved" else 0)


def told(notifications: Sequence[Notification]) -> list[tuple[str, str, int, int, int]]:
    return [
        (one.route, one.reason, (one.time_unix_nano - NOON) // SECOND, len(one.firing), len(one.resolved))
        for one in notifications
    ]


def play(alerts: Sequence[Alert], until: int, text: str = ROUTES) -> list[Notification]:
    router = Router(routing(text))
    return router.add(alerts) + router.tick(until)


def test_a_new_group_waits_and_comes_in_one_notification() -> None:
    alerts = [alert(NOON, table="a"), alert(NOON + 10 * SECOND, table="b"), alert(NOON + 50 * SECOND, table="c")]
    assert told(play(alerts, NOON + 2 * MINUTE))[:2] == [("pager", "new", 30, 2, 0), ("chat", "new", 30, 2, 0)]


def test_a_change_is_told_after_the_interval_and_no_change_after_the_repeat() -> None:
    router = Router(routing())
    out = router.add([alert(NOON, table="a"), alert(NOON + MINUTE, table="b")])
    out += router.tick(NOON + 3 * HOUR)
    assert [one for one in told(out) if one[0] == "pager"] == [
        ("pager", "new", 30, 1, 0),
        ("pager", "changed", 330, 2, 0),
        ("pager", "repeat", 330 + 3600, 2, 0),
        ("pager", "repeat", 330 + 7200, 2, 0),
    ]


def test_an_end_is_told_once_and_only_where_it_is_wanted() -> None:
    alerts = [alert(NOON), alert(NOON + 2 * MINUTE, "resolved")]
    assert told(play(alerts, NOON + 5 * HOUR)) == [
        ("pager", "new", 30, 1, 0),
        ("chat", "new", 30, 1, 0),
        ("pager", "resolved", 330, 0, 1),
    ]


def test_what_ends_before_it_was_told_is_not_told() -> None:
    assert play([alert(NOON), alert(NOON + 20 * SECOND, "resolved")], NOON + HOUR) == []


def test_alerts_that_come_and_go_are_told_at_most_once_in_the_interval() -> None:
    flaps = [alert(NOON + second * SECOND, "resolved" if second % 120 else "firing") for second in range(0, 1200, 60)]
    pager = [one for one in told(play(flaps, NOON + HOUR)) if one[0] == "pager"]
    assert [(reason, at) for _, reason, at, *_ in pager] == [
        ("new", 30),
        ("resolved", 330),
        ("changed", 630),
        ("resolved", 930),
    ]


def test_nothing_is_told_before_it_happened() -> None:
    alerts = [alert(NOON), alert(NOON + HOUR // 2, "resolved")]
    assert told(play(alerts, NOON + 2 * HOUR))[-1] == ("pager", "resolved", 1800, 0, 1)


def test_a_commit_writes_the_alerts_that_changed_not_the_whole_group() -> None:
    router = Router(routing())
    router.add([alert(NOON, table=str(one)) for one in range(500)])
    router.changes()
    router.add([alert(NOON + SECOND, table="late")])
    changed = router.changes()
    assert len(changed) == 4, "a group and an alert, for each of two routes"
    assert sum(len(value or b"") for value in changed.values()) < 2000


def test_a_restart_keeps_the_order_of_the_alerts_in_a_notification() -> None:
    alerts = [alert(NOON + one * SECOND, table=table) for one, table in enumerate("hcagfbde")]
    router, again = Router(routing()), Router(routing())
    router.add(alerts)
    again.restore({key: value for key, value in router.changes().items() if value is not None})
    assert again.tick(NOON + HOUR) == router.tick(NOON + HOUR)


def test_an_alert_of_the_ledger_whose_group_is_gone_is_forgotten_and_counted() -> None:
    router, lost = Router(routing()), []
    router.add([alert(NOON)])
    entries = {
        key: value for key, value in router.changes().items() if value is not None and key.startswith('["member"')
    }
    again = Router(routing(), lost.append)
    again.restore(entries)
    assert [reason.value for reason in lost] == ["alert_state"] * 2
    assert again.changes() == dict.fromkeys(entries)


def test_pending_alerts_are_told_to_nobody() -> None:
    assert play([alert(NOON, "pending")], NOON + HOUR) == []


def test_the_first_route_that_holds_takes_an_alert_unless_it_says_go_on() -> None:
    text = ROUTES.replace("continue = true", "continue = false")
    assert [one.route for one in play([alert(NOON)], NOON + MINUTE, text)] == ["pager"]
    assert [one.route for one in play([alert(NOON, severity="info")], NOON + MINUTE, text)] == ["chat"]


def test_a_route_without_destinations_keeps_alerts_from_being_told() -> None:
    assert play([alert(NOON)], NOON + HOUR, '[[route]]\nname = "none"\nto = []\n' + ROUTES) == []


def test_quiet_hours_put_off_what_still_fires_to_their_end() -> None:
    late = NOON + 11 * HOUR
    alerts = [alert(late, severity="info", table="a"), alert(late, severity="info", name="Gone")]
    alerts.append(alert(late + HOUR, "resolved", severity="info", name="Gone"))
    assert told(play(alerts, NOON + 20 * HOUR)) == [("chat", "new", 18 * 3600, 1, 0)]


def test_a_mute_holds_alerts_back_until_it_ends() -> None:
    ends = datetime.fromtimestamp((NOON + HOUR) // SECOND, ZoneInfo("UTC")).isoformat()
    mute = f"""
[[mute]]
where = 'table == "a"'
ends_at = {ends}
reason = "migration"
author = "anna"
"""
    text = ROUTES.replace("continue = true", "") + mute
    alerts = [alert(NOON, table="a"), alert(NOON, table="b")]
    assert told(play(alerts, NOON + 62 * MINUTE, text)) == [
        ("pager", "new", 30, 1, 0),
        ("pager", "changed", 3600, 2, 0),
    ]
    assert told(play(alerts[:1], NOON + 62 * MINUTE, text)) == [("pager", "new", 3600, 1, 0)]


def test_the_id_of_a_notification_is_a_function_of_what_it_tells() -> None:
    first, second = (play([alert(NOON)], NOON + MINUTE) for _ in range(2))
    assert [one.id for one in first] == [one.id for one in second]
    assert len({one.id for one in first}) == len(first) == 2


@pytest.mark.parametrize(
    ("zone", "local", "end"),
    [
        ("Europe/Amsterdam", "2026-03-29T01:30", "2026-03-29T06:00"),  # the night is an hour short
        ("Europe/Amsterdam", "2026-10-25T01:30", "2026-10-25T06:00"),  # and an hour long
        ("Asia/Kolkata", "2026-05-01T23:59", "2026-05-02T06:00"),
        ("UTC", "2026-05-01T05:59", "2026-05-01T06:00"),
    ],
)
def test_a_night_ends_by_the_wall_clock_of_its_zone(zone: str, local: str, end: str) -> None:
    interval = WeekTimes(TimeInterval(name="n", timezone=zone, times=["22:00-06:00"]))
    begin, wanted = (
        int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND for text in (local, end)
    )
    assert interval.end(begin) == wanted
    assert interval.end(wanted) is None


def test_times_that_never_end_do_not_hang() -> None:
    always = WeekTimes(TimeInterval(name="n"))
    until = quiet_until([always], NOON)
    assert until is not None
    assert until > NOON


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (ROUTES.replace('"nights"]', '"night"]'), "f: route[1].quiet: there is no time interval `night`"),
        (ROUTES.replace('["oncall"]', '["oncal"]'), "f: route[0].to: no exporter `oncal` takes alerts"),
        (ROUTES.replace("22:00-06:00", "22-6"), 'f: time_interval[0].times: "22-6" is no stretch of a day'),
        (ROUTES.replace('severity == "critical"', 'severity = "critical"'), "f: route[0].where: column"),
        (ROUTES.replace('name = "chat"', 'name = "pager"'), "f: route[1].name: `pager` is there already"),
        (ROUTES.replace("group_wait", "group_wate"), "f: route[0].group_wate: unknown key `group_wate`"),
        ('[[mute]]\nwhere = "severity"\nreason = "x"\nauthor = "y"\n', "f: mute[0].ends_at: `ends_at` is missing"),
    ],
)
def test_each_mistake_in_routing_is_told(text: str, problem: str) -> None:
    assert any(one.startswith(problem) for one in problems(text)), problems(text)


CHANGES = st.lists(
    st.tuples(st.integers(0, 4 * 3600), st.sampled_from("abc"), st.booleans(), st.sampled_from(["critical", "info"])),
    max_size=25,
)


@settings(max_examples=200)
@given(CHANGES, st.lists(st.integers(0, 5 * 3600), max_size=6))
def test_restarts_and_the_moments_of_looking_change_no_notification(
    changes: list[tuple[int, str, bool, str]], cuts: list[int]
) -> None:
    alerts = [
        alert(NOON + at * SECOND, "firing" if fires else "resolved", table=table, severity=severity)
        for at, table, fires, severity in sorted(changes)
    ]
    end = NOON + 6 * HOUR
    undisturbed = Router(routing())
    expected = undisturbed.add(alerts) + undisturbed.tick(end)
    ledger: dict[str, bytes] = {}
    router, seen, rest = Router(routing()), [], alerts
    for cut in sorted(cuts):
        moment = NOON + cut * SECOND
        before = [one for one in rest if one.time_unix_nano <= moment]
        rest = rest[len(before) :]
        seen += router.add(before) + router.tick(moment)
        for key, value in router.changes().items():
            if value is None:
                ledger.pop(key, None)
            else:
                ledger[key] = value
        router = Router(routing())
        router.restore(ledger)
    seen += router.add(rest) + router.tick(end)
    assert seen == expected
