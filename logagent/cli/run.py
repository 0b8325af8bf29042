"""``logagent run``: the daemon, or one pass over all input."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from logagent.agent import Agent
from logagent.catalog import load_catalog
from logagent.cli.failures import describe, write_error
from logagent.cli.terminal_text import visible
from logagent.cli.unmatched import unmatched
from logagent.clock import SystemClock
from logagent.errors import ConfigurationError, LogagentError
from logagent.settings import read_settings
from logagent.settings.located import locate

if TYPE_CHECKING:
    from logagent.report import Summary

_log = logging.getLogger("logagent.run")
_OUT_OF_REACH = 3
_INTERRUPTED = 130


class NothingToDoError(LogagentError):
    """A configuration without receivers."""

    exit_code = 2


@click.command(name="run")
@click.option(
    "-c", "--config", "path", type=click.Path(path_type=Path), metavar="FILE",
    help="The configuration file. [default: /etc/logagent/logagent.toml, if there is one]",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Read every input to its end, deliver, print a JSON summary and exit.")
def command(path: Path | None, *, once: bool) -> int:
    """Run the agent in the foreground until SIGTERM or Ctrl-C.

    What it read and counted is kept in the state directory: killed at any moment, it goes on from there.
    """
    settings, problems = read_settings(path, os.environ)
    try:
        catalog = load_catalog(settings)
    except ConfigurationError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise ConfigurationError(problems)
    if not settings.receivers:
        raise NothingToDoError(
            "no receiver is configured", "[receivers.app] with type and include; see docs/configuration.md"
        )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="logagent: %(levelname)s: %(message)s")
    # It tells of every change it sees, which in a directory of logs, or of this very output, never ends.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    # It answers a malformed request with a traceback that holds the request's bytes.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    for warning in locate(unmatched(settings)):
        _log.warning("%s; try: %s", visible(describe(warning)), visible(warning.hint))
    agent = Agent(settings, catalog, SystemClock())
    summary, caught = asyncio.run(_run(agent, once=once))
    for problem in summary.problems:
        write_error(problem)
    if once:
        click.echo(orjson.dumps(asdict(summary)))
    if signal.SIGINT in caught or (once and caught):
        return _INTERRUPTED
    if summary.problems or (once and summary.undelivered):
        return _OUT_OF_REACH
    return 0


async def _run(agent: Agent, *, once: bool) -> tuple[Summary, list[signal.Signals]]:
    """What the agent did, and the signals that ended it."""
    stop = asyncio.Event()
    caught: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        caught.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    loop.add_signal_handler(signal.SIGHUP, agent.reloader.ask)
    return await agent.run(stop, once=once), caught
