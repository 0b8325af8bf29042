"""What became of tests: for people, as JSON, and as JUnit XML."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from xml.sax.saxutils import escape, quoteattr

import click
import orjson

from logagent.cli.terminal import style
from logagent.cli.terminal_text import visible
from logagent.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logagent.ruletests.checking import Difference
    from logagent.ruletests.suite import Case


class Report:
    """Shows each case as it ends."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self.cases: list[Case] = []
        self._stream = stream
        self._quiet = quiet
        self._file = ""

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(bool(case.differences) for case in self.cases)

    def add(self, case: Case) -> None:
        """Take a case that has been run."""
        self.cases.append(case)
        if self._quiet:
            return
        if case.file != self._file:
            self._file = case.file
            self._say(style(_short(case.file), "bold", stream=self._stream))
        mark = style("✗", "red", "bold", stream=self._stream) if case.differences else self._green("✓")
        self._say(f"  {mark} {visible(case.name)}  {style(_time(case.seconds), 'dim', stream=self._stream)}")
        for difference in case.differences:
            self._tell(difference)

    def _tell(self, difference: Difference) -> None:
        self._say(f"      {difference.when}, {visible(difference.about)}")
        self._say(f"        expected  {self._green(visible(difference.expected))}")
        self._say(f"        seen      {style(visible(difference.seen), 'red', stream=self._stream)}")
        for line in difference.why:
            self._say(f"        {style('·', 'dim', stream=self._stream)} {visible(line)}")

    def end(self, seconds: float, untested: Sequence[tuple[str, str]], *, as_json: bool) -> None:
        """Sum up. ``untested``: file and name of rules of which no test speaks."""
        if as_json:
            self._say(orjson.dumps(self._json(seconds, untested), option=orjson.OPT_INDENT_2).decode())
            return
        for file, names in groupby(untested, key=lambda one: one[0]):
            self._say(
                f"{style('no test:', 'yellow', stream=self._stream)} {_short(file)}: {', '.join(n for _, n in names)}"
            )
        passed = len(self.cases) - self.failed
        parts = [self._green(f"{passed} passed")] if passed else []
        if self.failed:
            parts.append(style(f"{self.failed} failed", "red", "bold", stream=self._stream))
        self._say(f"{', '.join(parts)} in {_time(seconds)}")

    def _json(self, seconds: float, untested: Sequence[tuple[str, str]]) -> dict[str, object]:
        return {
            "passed": len(self.cases) - self.failed,
            "failed": self.failed,
            "seconds": round(seconds, 6),
            "tests": [
                {
                    "file": case.file,
                    "name": case.name,
                    "passed": not case.differences,
                    "seconds": round(case.seconds, 6),
                    "differences": [
                        {"about": d.about, "when": d.when, "expected": d.expected, "seen": d.seen, "why": list(d.why)}
                        for d in case.differences
                    ],
                }
                for case in self.cases
            ],
            "untested": [{"file": file, "rule": name} for file, name in untested],
        }

    def _green(self, text: str) -> str:
        return style(text, "green", stream=self._stream)

    def _say(self, line: str) -> None:
        click.echo(line, file=self._stream)


def write_junit(path: Path, cases: Sequence[Case]) -> None:
    """Write the cases as JUnit XML. Raises UnreachableError where the file cannot be written."""
    try:
        path.write_text("\n".join(_junit(cases)) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnreachableError(f"{path} cannot be written: {error.strerror}", "another place for --junit") from None


def _junit(cases: Sequence[Case]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites tests="{len(cases)}" failures="{sum(bool(case.differences) for case in cases)}">'
    for file, group in groupby(cases, key=lambda case: case.file):
        own = list(group)
        failures = sum(bool(case.differences) for case in own)
        yield f'  <testsuite name={_attribute(file)} tests="{len(own)}" failures="{failures}">'
        for case in own:
            head = f'    <testcase classname={_attribute(file)} name={_attribute(case.name)} time="{case.seconds:.6f}"'
            if not case.differences:
                yield head + "/>"
                continue
            yield head + ">"
            first = case.differences[0]
            yield f"      <failure message={_attribute(f'{first.when}, {first.about}: {first.seen}')}>"
            for d in case.differences:
                lines = [f"{d.when}, {d.about}: expected {d.expected}, seen {d.seen}", *(f"  {why}" for why in d.why)]
                yield escape("\n".join(map(visible, lines)))
            yield "      </failure>"
            yield "    </testcase>"
        yield "  </testsuite>"
    yield "</testsuites>"


def _attribute(text: str) -> str:
    return quoteattr(visible(text))


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _short(file: str) -> str:
    """Relative to where the person is, where that is shorter."""
    try:
        relative = os.path.relpath(file)
    except ValueError:
        return file
    return relative if len(relative) < len(file) and Path(relative).exists() else file
