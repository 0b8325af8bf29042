"""How the program ends: expected errors as one line and a hint, problems as a list, bugs as bugs.

Exit codes: 0 done, 1 the work found something or a bug, 2 usage or configuration, 3 data or
daemon out of reach, 130 interrupted.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from logagent.cli.terminal import style
from logagent.errors import ConfigurationError, LogagentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logagent.errors import Problem
    from logagent.settings.located import Located

_INTERRUPTED = 130
_DEBUG = "logagent.debug"


def debug_option(*, hidden: bool) -> click.Option:
    """``--debug``, before or after the command's name."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        hidden=hidden,
        callback=_note_debug,
        help="Show the traceback of an internal error.",
    )


def _note_debug(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's callback
    context.meta[_DEBUG] = value or context.meta.get(_DEBUG, False)


@contextmanager
def reported(context: click.Context) -> Iterator[None]:
    """Around a command: says on stderr what went wrong and turns it into an exit code."""
    try:
        yield
        sys.stdout.flush()
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except ConfigurationError as error:
        write_problems(error.problems)
        raise click.exceptions.Exit(error.exit_code) from None
    except LogagentError as error:
        write_error(error.message, error.hint)
        raise click.exceptions.Exit(error.exit_code) from None
    except BrokenPipeError as error:
        if _output_is_gone():
            raise click.exceptions.Exit(0) from None
        _report_bug(context, error)
        raise click.exceptions.Exit(1) from None
    except Exception as error:  # noqa: BLE001 - the last place that can turn a bug into one line
        _report_bug(context, error)
        raise click.exceptions.Exit(1) from None


@contextmanager
def exiting() -> Iterator[None]:
    """Around the program: wrong usage and interruption, as errors of ours look."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "logagent"
        write_error(error.format_message().rstrip("."), f"{command} --help")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)


def write_error(message: str, hint: str = "") -> None:
    """One line that says what and where on stderr; a second one with what to try."""
    _write("error", ("red", "bold"), message, hint)


def write_warning(message: str, hint: str = "") -> None:
    """The same for what keeps nothing from working."""
    _write("warning", ("yellow",), message, hint)


def write_problems(problems: Sequence[Problem]) -> None:
    """Every problem on stderr: file, line and what on one line, what to try on the next; then how many."""
    from logagent.settings.located import locate  # noqa: PLC0415 - heavy, and this module starts every command

    for problem in locate(problems):
        write_error(describe(problem), problem.hint)
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    click.echo(style(count, "red", "bold", stream=sys.stderr), err=True)


def describe(problem: Located) -> str:
    """``file:line:column: key: message``."""
    return ": ".join(filter(None, (problem.where, problem.key, problem.message)))


def _write(what: str, styles: tuple[str, ...], message: str, hint: str) -> None:
    click.echo(f"{style(f'{what}:', *styles, stream=sys.stderr)} {_one_line(message)}", err=True)
    if hint:
        write_hint(hint)


def write_hint(hint: str) -> None:
    """What to try, on a line of its own; a suggestion is a question already."""
    lead = "" if hint.startswith("did you mean") else f"{style('try:', 'cyan', stream=sys.stderr)} "
    click.echo(f"  {lead}{_one_line(hint)}", err=True)


def _report_bug(context: click.Context, error: Exception) -> None:
    if context.meta.get(_DEBUG):
        traceback.print_exception(error)
    said = _one_line(f"{type(error).__name__}: {error}")
    write_error(f"internal error: {said}", "again with --debug for the traceback; this is a bug")


def _output_is_gone() -> bool:
    """Whether nobody reads stdout any more; if so, it becomes /dev/null, so that the interpreter ends quietly."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    if gone:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)
    return gone


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, which a file's name or content may have."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
