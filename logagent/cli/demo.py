"""``logagent demo``: a sample application, its logs, the agent and its page, all on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logagent.agent import Agent
from logagent.catalog import load_catalog
from logagent.cli.demo_show import Show
from logagent.cli.demo_text import introduction, missing
from logagent.cli.failures import write_error
from logagent.cli.terminal import is_tty
from logagent.clock import SystemClock
from logagent.demo.stage import HOST, Workers, free_port, write_configuration
from logagent.settings import load_settings
from logagent.settings.values import parse_duration

if TYPE_CHECKING:
    from logagent.web.view import AgentView

LOOK_SECONDS = 0.2
UNATTENDED_SECONDS = 60.0
"""How long it runs where nobody can press Ctrl-C."""
NOTHING_FOUND = 1
GRACE_SECONDS = 30.0
"""How much longer it runs for what has not been found by the end of a short duration."""


def _read_duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; try 30s or 5m") from None


@click.command(name="demo")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9464,
    show_default=True,
    help="Of the page; a free one where it is taken.",
)
@click.option(
    "--duration",
    metavar="TIME",
    callback=_read_duration,
    help="How long, such as 60s. [default: until Ctrl-C; 60s in a pipe]",
)
@click.option("--open/--no-open", "open_page", default=False, show_default=True, help="Open the page in a browser.")
def command(port: int, duration: float | None, *, open_page: bool) -> int:
    """See it work: a sample application writes its logs, logagent reads them.

    Needs no network, no root and no configuration; leaves nothing behind. A short --duration ends when a request, an LLM
    call and a query have been found. The exit code is 1 where they never were.
    """
    logging.getLogger("logagent.alerts").setLevel(logging.CRITICAL)  # they are shown
    if duration is None and not is_tty(sys.stdout):
        duration = UNATTENDED_SECONDS
    with tempfile.TemporaryDirectory(prefix="logagent-demo-") as directory:
        return asyncio.run(_perform(Path(directory), free_port(port), duration, open_page=open_page))


async def _perform(directory: Path, port: int, duration: float | None, *, open_page: bool) -> int:
    stop = asyncio.Event()
    interrupted = _interruption(stop)
    settings = load_settings(write_configuration(directory, port), os.environ)
    agent = Agent(settings, load_catalog(settings), SystemClock())
    workers = Workers(directory)
    running = asyncio.create_task(agent.run(stop))
    running.add_done_callback(lambda _: stop.set())
    ending = None
    try:
        await workers.start()
        address = f"http://{HOST}:{port}"
        click.echo("\n".join(introduction(address, directory)))
        if open_page:
            webbrowser.open(address)
        if duration is not None:
            ending = asyncio.create_task(_end(duration, agent.report, stop))
        show = Show(agent.report, sys.stdout)
        await show.run(stop)
    finally:
        stop.set()
        if ending:
            ending.cancel()
        await workers.stop()
        await asyncio.wait([running])
    running.result()
    show.finish()
    lost = missing(agent.report.totals())
    if not lost or interrupted.is_set():
        return 0
    write_error(
        f"found no {' and no '.join(lost)}",
        "again, for longer: --duration 2m",
    )
    return NOTHING_FOUND


async def _end(duration: float, view: AgentView, stop: asyncio.Event) -> None:
    """Stop after the duration, and after what is to be seen has been seen, if that comes soon."""
    await asyncio.sleep(duration)
    deadline = time.monotonic() + GRACE_SECONDS
    while missing(view.totals()) and time.monotonic() < deadline:  # noqa: ASYNC110 - totals have no event
        await asyncio.sleep(LOOK_SECONDS)
    stop.set()


def _interruption(stop: asyncio.Event) -> asyncio.Event:
    """Give what is set, with ``stop``, when a person or a service manager ends it."""
    interrupted = asyncio.Event()

    def end() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    return interrupted
