"""``logagent tail``: a readable, live stream of records and finished spans, from any log, without configuration."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.cli import tail_open
from logagent.cli.failures import write_error, write_hint
from logagent.cli.render import Layout, Renderer
from logagent.cli.screen import Screen
from logagent.cli.selection import Selection, parse_level
from logagent.cli.style import make_style, wants_ascii, wants_colour
from logagent.cli.tail_engine import engine_maker, tailed_paths
from logagent.cli.tail_run import TailRun
from logagent.cli.tail_view import TailView
from logagent.cli.terminal import is_tty
from logagent.cli.terminal import width as terminal_width
from logagent.cli.terminal_text import visible, width
from logagent.cli.times import parse_time
from logagent.clock import Clock, SystemClock
from logagent.errors import LogagentError
from logagent.expr import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logagent.cli.tail_open import Input
    from logagent.cli.tail_run import Engine

_DEFAULT_LAST = 10


class UsageError(LogagentError):
    """An option's value that cannot be used."""

    exit_code = 2


@click.command(name="tail")
@click.argument("paths", nargs=-1, metavar="[PATH…|-]")
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use this configuration's parsers and files.",
)
@click.option(
    "-w",
    "--where",
    default="",
    metavar="CONDITION",
    help="Only what fits, as in rules: 'duration > 1 and kind == \"llm\"'.",
)
@click.option("-l", "--level", default="", metavar="LEVEL", help="This level and above, or exactly: =warn,error.")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only request, llm, query, …, or log; may be repeated."
)
@click.option(
    "--trace", default="", metavar="ID", help="Only what belongs to this request, call or trace id, or its beginning."
)
@click.option(
    "-S", "--since", default="", metavar="TIME", help="From then on: -15m, 13:00, yesterday, 2026-11-20T13:00Z."
)
@click.option("-U", "--until", default="", metavar="TIME", help="Until then; does not follow.")
@click.option("--raw", is_flag=True, help="The bytes as they were read, nothing else.")
@click.option(
    "-n",
    "--lines",
    "last",
    type=click.IntRange(min=0),
    metavar="N",
    help="Begin with the last N lines of each file that the options let through. [default: 10 when following, else all]",
)
@click.option(
    "-f/ ",
    "--follow/--no-follow",
    "follow",
    default=None,
    help="Go on with new lines, or stop at the end. [default: follow files]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for records and spans.")
@click.option("-x", "--expand", is_flag=True, help="Whole stack traces and texts of several lines.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="When to colour."
)
@click.option("--utc", is_flag=True, help="Times in UTC instead of local time.")
@click.option("--ascii", "ascii_only", is_flag=True, help="No symbols beyond ASCII.")
def command(  # noqa: PLR0913 - one argument an option
    *,
    paths: tuple[str, ...],
    config: Path | None,
    where: str,
    level: str,
    kinds: tuple[str, ...],
    trace: str,
    since: str,
    until: str,
    last: int | None,
    color: str,
    raw: bool,
    follow: bool | None,
    as_json: bool,
    expand: bool,
    utc: bool,
    ascii_only: bool,
) -> int:
    """Watch log lines and finished spans, readably.

    \b
    Examples:
      logagent tail app.log                       the last lines, then all that come
      logagent tail -l warn --no-follow *.log     every warning and error there is
      logagent tail --kind llm -w 'gen_ai.usage.cost > 0.05' app.log
      kubectl logs -f app | logagent tail         a pipe

    The lines that a finished span was built from are shown as that span; --raw, --json and --where show them all.
    """  # noqa: D301 - click looks for this very character
    if raw and as_json:
        raise UsageError("--raw and --json exclude each other", "one of them")
    clock = SystemClock()
    selection = _selection(
        where=where, level=level, kinds=kinds, trace=trace, since=since, until=until,
        clock=clock, utc=utc, fold=not as_json,
    )  # fmt: skip
    inputs = tailed_paths(paths, config)
    make_engine = engine_maker(config)
    layout = _layout(color, ascii_only=ascii_only, utc=utc, expand=expand)

    def begin() -> tuple[Engine, TailView]:
        return make_engine(), TailView(selection, None if as_json else Renderer(layout))

    with contextlib.ExitStack() as stack:
        sources = [stack.enter_context(tail_open.opened(name, binary=raw)) for name in inputs]
        follows = _follows(sources, wanted=not until if follow is None else follow)
        if last is None and follows and not since:
            last = _DEFAULT_LAST
        days = None if raw or as_json or not is_tty(sys.stdout) else Renderer(layout)
        tail = TailRun(begin, _screen(days, inputs), clock, raw=raw, on_silence=_on_silence(inputs))
        if follows:
            _follow(tail, sources, last)
        else:
            tail.read(sources, last)
    if not as_json and is_tty(sys.stdout) and is_tty(sys.stderr):
        click.echo(tail.view.tally.text(Renderer(layout).moments), err=True)
    return 0


def _follows(sources: Sequence[Input], *, wanted: bool) -> bool:
    """Whether to go on after the end: where there is a file that may grow, and no pipe, which is read as it comes."""
    pipes = [source for source in sources if not (source.seekable or source.followable or source.unpacked)]
    return wanted and not pipes and any(source.followable for source in sources)


def _follow(tail: TailRun, sources: Sequence[Input], last: int | None) -> None:
    with contextlib.suppress(KeyboardInterrupt):  # the usual end of a followed file, even while it catches up
        asyncio.run(tail.follow(sources, tail.catch_up(sources, last)))


def _screen(days: Renderer | None, inputs: Sequence[str]) -> Screen:
    names = " ".join(visible(Path(name).name) for name in inputs)
    return Screen(sys.stdout.buffer, days=days, names=names, ordered=len(inputs) > 1)


def _on_silence(inputs: Sequence[str]) -> Callable[[], None]:
    """What says that the standard input is read when nothing comes; said at once where it is a terminal."""

    def say() -> None:
        click.echo("reading standard input; to read a file: logagent tail FILE", err=True)

    if tail_open.STDIN in inputs:
        if is_tty(sys.stdin):
            say()
        elif is_tty(sys.stderr):
            return say
    return lambda: None


def _selection(  # noqa: PLR0913 - one argument an option
    *,
    where: str,
    level: str,
    kinds: Sequence[str],
    trace: str,
    since: str,
    until: str,
    clock: Clock,
    utc: bool,
    fold: bool,
) -> Selection:
    try:
        return Selection(
            where=where,
            levels=parse_level(level) if level else frozenset(),
            kinds=frozenset(kinds),
            trace=trace,
            since_unix_nano=_moment("--since", since, clock, utc=utc),
            until_unix_nano=_moment("--until", until, clock, utc=utc),
            fold=fold,
        )
    except ExpressionError as error:
        write_error(f"--where: {error.message} (column {error.column})")
        click.echo(f"  {visible(where)}\n  {' ' * (width(visible(where[: error.column - 1])))}^", err=True)
        if error.hint:
            write_hint(error.hint)
        raise click.exceptions.Exit(error.exit_code) from None


def _moment(option: str, text: str, clock: Clock, *, utc: bool) -> int | None:
    if not text:
        return None
    try:
        return parse_time(text, clock.now(), UTC if utc else None)
    except (ValueError, OverflowError):
        raise UsageError(f"{option}: {text!r} is no time", "-15m, 13:00, yesterday or 2026-11-20T13:00:00Z") from None


def _layout(color: str, *, ascii_only: bool, utc: bool, expand: bool) -> Layout:
    style = make_style(
        colour=wants_colour(color, sys.stdout),
        ascii_only=ascii_only or wants_ascii(getattr(sys.stdout, "encoding", None)),
    )
    columns = terminal_width() if is_tty(sys.stdout) else 0
    return Layout(style=style, columns=columns, zone=UTC if utc else None, expand=expand)
