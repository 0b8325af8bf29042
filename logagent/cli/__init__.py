"""The command line: one command a module, each imported only when it is called.

The group knows the commands' names and one line of help for each, so that ``logagent
--help`` imports none of them.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from logagent import __version__
from logagent.cli import failures

COMMANDS = {
    "run": "Read logs; account for them; export spans, metrics and alerts.",
    "tail": "Watch log lines and finished spans, readably.",
    "check": "Find every mistake in the configuration, parsers and rules.",
    "test": "Run the tests inside rule and parser files.",
    "replay": "Show what rules would have done over logs that exist.",
    "export": "Write Prometheus's rules, Grafana's dashboards or schemas for editors.",
    "demo": "See it work: a sample application, its logs and a web page.",
}
"""Name -> what the list of commands says. The module of the same name has the ``command``."""

_EXAMPLES = """\b
Examples:
  logagent demo                               see what it does, with nothing set up
  logagent tail /var/log/app/app.log          a readable, live view of any log
  logagent run -c /etc/logagent/logagent.toml the agent itself

logagent rebuilds requests, LLM calls and queries as spans from the JSON logs that an
application already writes, derives metrics and alerts from rule files, and exports them.
"""


class CommandLine(click.Group):
    """Loads a command when it is called, and ends the program as its errors say."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """All names, without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"logagent.cli.{cmd_name}").command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(failures.debug_option(hidden=True))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """Write the list of commands, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what it raises ends as an exit code."""
        with failures.reported(ctx):
            return super().invoke(ctx)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the program. A command's whole-number result is its exit code."""
        extra["standalone_mode"] = False
        with failures.exiting():
            result = super().main(*args, **extra)
            sys.exit(result if isinstance(result, int) else 0)


@click.group(cls=CommandLine, help=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="logagent %(version)s")
def main() -> None:
    """Hold the commands together; what users read is ``_EXAMPLES``."""


main.params.append(failures.debug_option(hidden=False))
