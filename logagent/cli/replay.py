"""``logagent replay``: what rules would have done over logs that exist."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.catalog import load_catalog
from logagent.cli.own_rules import rule_files_at, with_rules
from logagent.cli.replay_report import show, show_json
from logagent.cli.terminal import is_tty
from logagent.clock import SystemClock
from logagent.components import build_exporters
from logagent.errors import ConfigurationError, LogagentError, UnreachableError
from logagent.exporters.drain import Drain
from logagent.exporters.memory_outbox import MemoryOutbox
from logagent.replay import Replay
from logagent.settings import Settings, read_settings
from logagent.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from logagent.exporters.drain import ExportResult
    from logagent.exporters.protocol import Entries

_UNREACHABLE = 3
_DELIVERY_SECONDS = 120.0
"""How long a destination may keep a replay waiting."""


class WrongNameError(LogagentError):
    """There is no such exporter."""

    exit_code = 2


@click.command(name="replay")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "-c", "--config", "config", type=click.Path(path_type=Path), metavar="FILE",
    help="The configuration file. [default: /etc/logagent/logagent.toml, if there is one]",
)  # fmt: skip
@click.option(
    "--rules", "rules", type=click.Path(path_type=Path), metavar="DIR",
    help="Only the rules of this directory or file, in place of the configured ones.",
)  # fmt: skip
@click.option("--export", "export", metavar="NAME", help="Deliver to this exporter of the configuration, for real.")
@click.option("--metrics", is_flag=True, help="Also print the metrics, in Prometheus's text format.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(  # noqa: PLR0913 - one argument for each option
    paths: tuple[Path, ...],
    config: Path | None,
    rules: Path | None,
    export: str | None,
    *,
    metrics: bool,
    as_json: bool,
) -> int:
    """Read old logs, plain or gzip, and show what the rules would have done, in the data's own time.

    Several files are one history: their lines come in the order of their times. Nothing is stored, and nothing is
    sent unless --export says so.

    \b
    Examples:
      logagent replay /var/log/app/app.log*
      logagent replay --rules new-rules.d app.log.1.gz app.log
    """  # noqa: D301 - click looks for this very character
    settings = _settings(config, rules)
    catalog = load_catalog(settings, delivers=export is not None)
    replay = Replay([_file(path) for path in paths], catalog, settings, identify=export is not None)
    began = time.perf_counter()
    with _progress(replay.size) as advance:
        if export is None:
            for _, read in replay.steps(time.time_ns()):
                advance(read)
            undelivered = 0
        else:
            undelivered = asyncio.run(_exporting(replay, settings, export, advance))
    seconds = time.perf_counter() - began
    if as_json:
        show_json(replay, seconds, sys.stdout)
    else:
        show(replay, seconds, sys.stdout)
        if metrics:
            click.echo(replay.pipeline.store.render())
    return _UNREACHABLE if undelivered else 0


def _settings(config: Path | None, rules: Path | None) -> Settings:
    settings, problems = read_settings(config, os.environ)
    if problems:
        raise ConfigurationError(problems)
    return settings if rules is None else with_rules(settings, rule_files_at(rules))


def _file(path: Path) -> Path:
    if path.is_dir():
        raise UnreachableError(f"{path} is a directory", f"its files: {path}/*.log")
    if not path.exists():
        raise UnreachableError(f"{path} does not exist", "the path of a log file, plain or gzip")
    return path


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; takes bytes as they are read."""
    if not is_tty(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - heavy, and only a terminal shows it
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn  # noqa: PLC0415 - the same

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replay", total=total)
        yield lambda read: bar.advance(task, read)


async def _exporting(replay: Replay, settings: Settings, name: str, advance: Callable[[int], None]) -> int:
    """Deliver what each step comes to before the next is made; give how much was not taken."""
    clock = SystemClock()
    exporters = build_exporters(settings, clock)
    if name not in exporters:
        known = ", ".join(exporters) or "none is configured"
        raise WrongNameError(f"there is no exporter `{name}` to deliver to", did_you_mean(name, exporters) or known)
    exporter, outbox = exporters[name], MemoryOutbox()
    reasons: list[str] = []
    drain = Drain(
        exporter,
        outbox,
        clock,
        random=random.Random(),  # noqa: S311 - spreads attempts to deliver over time
        account=_account,
        on_result=lambda r: reasons.append(r.reason),
    )
    try:
        for outcome, read in replay.steps(time.time_ns()):
            exporter.add(outcome)
            outbox.put(exporter.take(), clock.now())
            if not await drain.flush(_DELIVERY_SECONDS):
                why = next((reason for reason in reversed(reasons) if reason), "no answer")
                raise UnreachableError(f"exporter {name} cannot deliver: {why}", "logagent check, and whether it runs")
            advance(read)
    finally:
        await exporter.close()
    return outbox.rejected


@asynccontextmanager
async def _account(results: Sequence[ExportResult]) -> AsyncIterator[Entries]:  # noqa: ARG001 - part of the seam
    """Nothing is counted: a replay begins anew."""
    yield {}
