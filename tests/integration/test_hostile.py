"""Whatever a log holds and whatever a pattern matches: counted, nothing stops, nothing is lost."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.child import Run, run
from benchmarks.configuration import AGENT
from tests.agent_process import value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 2**20
LINE_LIMIT = MIB
PEAK_RSS_MIB = 200
"""What the agent takes with nothing to read is about 80; a line of 50 MB must not show in it."""
DEEP = 100_000
PLAIN = '{"asctime": "2026-11-20 09:00:00,014", "name": "app", "levelname": "INFO", "message": "<tag>"}'
SHAPED = '{"asctime": "2026-11-20 09:00:00,014", "name": "app", "levelname": "INFO", "message": "<tag>", "v": %s}'
REQUEST = (
    '{"asctime": "2026-11-20 09:00:00,014", "name": "app", "levelname": "INFO", "message": "Request completed",'
    ' "tag": "<tag>", "context": %s}'
)
WITHOUT_CAPABILITIES = Path(__file__).with_name("without_capabilities.py")

HOSTILE: dict[str, bytes] = {
    "a line of 50 MB": b"<tag> " + b"x" * 50_000_000,
    "an object of 50 MB": b'{"levelname": "INFO", "message": "<tag> ' + b"y" * 50_000_000 + b'"}',
    "brackets that never close": b"<tag> " + b"[" * DEEP,
    "only brackets": b'["<tag>",' + b"[" * DEEP,
    "nested lists": (SHAPED % ("[" * DEEP + "]" * DEEP)).encode(),
    "nested objects": (SHAPED % ('{"a":' * DEEP + "1" + "}" * DEEP)).encode(),
    "nested lists that a decoder still takes": (SHAPED % ("[" * 900 + "]" * 900)).encode(),
    "text that is not UTF-8": b"<tag> \xff\xfe caf\xe9 \xc3( \xed\xa0\x80",
    "an object that is not UTF-8": (SHAPED % '"@"').encode().replace(b"@", b"\xff\xc3("),
    "NUL bytes in text": b"<tag> a\0b\0\0",
    "NUL bytes first": b"\0\0\0\0<tag>",
    "NUL bytes in an object": (SHAPED % '"a@b"').encode().replace(b"@", b"\0"),
    "an escaped NUL": (SHAPED % r'"a\u0000b"').encode(),
    "a carriage return inside": b"<tag> a\rb",
    "terminal sequences": b"<tag> \x1b]0;title\x07\x1b[31m",
    "a number beyond 64 bits": (SHAPED % ("9" * 40)).encode(),
    "a negative number beyond 64 bits": (SHAPED % ("-" + "9" * 40)).encode(),
    "a number just beyond 64 signed bits": (SHAPED % "18446744073709551615").encode(),
    "a number of 5000 digits": (SHAPED % ("9" * 5000)).encode(),
    "a float beyond all": (SHAPED % "1e999").encode(),
    "NaN": (SHAPED % "NaN").encode(),
    "infinity": (SHAPED % "-Infinity").encode(),
    "a lone high surrogate": (SHAPED % r'"\ud800"').encode(),
    "a lone low surrogate as key": (SHAPED % r'{"\udc00": 1}').encode(),
    "an empty key": (SHAPED % '{"": {"": ""}}').encode(),
    "one key twice": (SHAPED % '{"a": 1, "a": {"b": 2}}').encode(),
    "ten thousand keys": (SHAPED % json.dumps({f"k{number}": number for number in range(10_000)})).encode(),
    "a scalar": b'"<tag>"',
    "a list": b'["<tag>", 1, null]',
    "half an object": PLAIN[:-2].encode(),
    "two objects": (PLAIN * 2).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "a message that is an object": b'{"levelname": "INFO", "message": {"a": "<tag>"}}',
    "a level that is a list": b'{"levelname": ["INFO"], "message": "<tag>"}',
    "a level that is a number": b'{"levelname": 1e300, "message": "<tag>"}',
    "a time in the year 99999": PLAIN.replace("2026-11-20 09", "99999-11-20 09").encode(),
    "a time that is too large": b'{"timestamp": 1e300, "levelname": "INFO", "message": "<tag>"}',
    "a time that is NaN": b'{"timestamp": NaN, "levelname": "INFO", "message": "<tag>"}',
    "a time before all": b'{"timestamp": -9223372036854775809, "levelname": "INFO", "message": "<tag>"}',
    "a time that is an object": b'{"timestamp": {"a": []}, "levelname": "INFO", "message": "<tag>"}',
    "an exception that is a number": b'{"levelname": "ERROR", "message": "<tag>", "exc_info": 7}',
    "an exception that is a list": b'{"levelname": "ERROR", "message": "<tag>", "exc_info": [[], {}]}',
    "a context that is text": (REQUEST % '"text"').encode(),
    "a context that is a list": (REQUEST % "[[1]]").encode(),
    "an id that is an object": (REQUEST % '{"request_id": {"a": 1}, "duration_ms": 5}').encode(),
    "an id that is empty": (REQUEST % '{"request_id": "", "duration_ms": 5}').encode(),
    "an id with a NUL": (REQUEST % r'{"request_id": "a\u0000b", "duration_ms": 5}').encode(),
    "an id with a surrogate": (REQUEST % r'{"request_id": "\ud800", "duration_ms": 5}').encode(),
    "an id of a megabyte": (REQUEST % ('{"request_id": "%s", "duration_ms": 5}' % ("i" * 900_000))).encode(),
    "a duration beyond all": (REQUEST % '{"request_id": "r1", "duration_ms": 1e300}').encode(),
    "a duration below nought": (REQUEST % '{"request_id": "r2", "duration_ms": -1e18}').encode(),
    "a duration that is text": (REQUEST % '{"request_id": "r3", "duration_ms": "NaN"}').encode(),
    "a duration of many digits": (REQUEST % ('{"request_id": "r4", "duration_ms": %s}' % ("9" * 400))).encode(),
    "a status that is a list": (REQUEST % '{"request_id": "r5", "duration_ms": 1, "status_code": [200]}').encode(),
    "a status beyond 64 bits": (REQUEST % '{"request_id": "r6", "duration_ms": 1, "status_code": 1e40}').encode(),
    "a path of a megabyte": (
        REQUEST % ('{"request_id": "r7", "duration_ms": 1, "path": "/%s"}' % ("1/" * 400_000))
    ).encode(),
    "a method with a line feed": (
        REQUEST % r'{"request_id": "r8", "duration_ms": 1, "method": "A\n} 1\n# HELP"}'
    ).encode(),
    "an ordinary line": PLAIN.encode(),
}
TAGS = [f"tag-{number:03d}-" for number in range(len(HOSTILE))]


def write_configuration(directory: Path) -> Path:
    path = directory / "agent.toml"
    path.write_text(
        f'[state]\ndir = "{directory}/state"\n'
        f'[receivers.app]\ntype = "filelog"\ninclude = ["{directory}/logs/*.log"]\n'
        f'[exporters.prometheus]\nlisten = ""\ntextfile = "{directory}/metrics.prom"\n'
        f'[exporters.file]\npath = "{directory}/out.ndjson"\nsignals = ["logs", "traces"]\n'
    )
    return path


def run_once(directory: Path, *, before: Sequence[str] = ()) -> Run:
    command = [*before, AGENT, "run", "--once", "-c", str(write_configuration(directory))]
    return run(command, timeout_seconds=120)


def records(directory: Path) -> list[dict[str, Any]]:
    output = directory / "out.ndjson"
    lines = output.read_text().splitlines() if output.exists() else []
    return [
        record
        for line in lines
        for resource in json.loads(line).get("resourceLogs", [])
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def dropped(directory: Path, reason: str = "") -> float:
    """What was dropped for a reason, or for all of them."""
    labels = f'{{reason="{reason}"}}' if reason else "{"
    return value_of((directory / "metrics.prom").read_text(), f"logagent_dropped_total{labels}")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


def test_every_hostile_line_is_a_record_and_none_stops_the_agent_or_fills_its_memory(
    tmp_path: Path, logs: Path
) -> None:
    with (logs / "app.log").open("wb") as file:
        for tag, line in zip(TAGS, HOSTILE.values(), strict=True):
            file.write(line.replace(b"<tag>", tag.encode()) + b"\n")
    done = run_once(tmp_path)

    assert done.exit_code == 0
    texts = [json.dumps(record) for record in records(tmp_path)]
    missing = [name for tag, name in zip(TAGS, HOSTILE, strict=True) if not any(tag in text for text in texts)]
    assert missing == []
    assert len(texts) == len(HOSTILE)
    assert json.loads(done.output)["lines"] == json.loads(done.output)["records"] == len(HOSTILE)
    assert dropped(tmp_path, "line_too_long") == 2
    assert json.loads(done.output)["dropped"] == dropped(tmp_path)
    assert dropped(tmp_path, "internal_error") == 0
    assert max(map(len, texts)) < 2 * LINE_LIMIT
    assert list(text_string_to_metric_families((tmp_path / "metrics.prom").read_text()))
    assert done.peak_rss_mib < PEAK_RSS_MIB


def test_an_empty_file_a_directory_and_a_pipe_that_match_are_passed_over(tmp_path: Path, logs: Path) -> None:
    (logs / "empty.log").touch()
    (logs / "directory.log").mkdir()
    os.mkfifo(logs / "pipe.log")
    (logs / "dangling.log").symlink_to(logs / "nothing")
    (logs / "loop.log").symlink_to(logs / "loop.log")
    (logs / "app.log").write_text(PLAIN + "\n")
    done = run_once(tmp_path)

    assert done.exit_code == 0
    assert [record["body"] for record in records(tmp_path)] == [{"stringValue": "<tag>"}]


def test_a_file_that_may_not_be_read_is_counted_and_read_once_it_may_be(tmp_path: Path, logs: Path) -> None:
    (logs / "app.log").write_text(PLAIN + "\n")
    secret = logs / "secret.log"
    secret.write_text(PLAIN.replace("<tag>", "secret") + "\n")
    secret.chmod(0)
    # The superuser may read everything as long as it has the capability to.
    done = run_once(tmp_path, before=[sys.executable, str(WITHOUT_CAPABILITIES)])
    assert done.exit_code == 0
    assert len(records(tmp_path)) == 1
    assert dropped(tmp_path, "unreadable") == 1

    secret.chmod(0o600)
    assert run_once(tmp_path).exit_code == 0
    assert [record["body"]["stringValue"] for record in records(tmp_path)] == ["<tag>", "secret"]
