"""How the program starts, lists its commands, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from logagent import __version__
from logagent.cli import COMMANDS, main
from logagent.errors import ConfigurationError, LogagentError, Problem, UnreachableError

Invoke = Callable[..., Result]
_PROGRAM = "from logagent.cli import COMMANDS, main; import sys, types, click\n"


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the program with a command ``probe`` that does what is given."""

    def invoke(action: Callable[[], object], *arguments: str) -> Result:
        module = ModuleType("logagent.cli.probe")
        module.command = click.command("probe")(partial(action))  # type: ignore[attr-defined]
        monkeypatch.setitem(COMMANDS, "probe", "A command of the tests.")
        monkeypatch.setitem(sys.modules, "logagent.cli.probe", module)
        return CliRunner().invoke(main, arguments or ("probe",))

    return invoke


def _raise(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


def _start(action: str, **options: int) -> subprocess.Popen[str]:
    """The program as a process of its own, with a command ``probe`` of this source."""
    source = (
        _PROGRAM + f"def probe():\n    {action}\n"
        "module = types.ModuleType('logagent.cli.probe'); module.command = click.command('probe')(probe)\n"
        "COMMANDS['probe'] = ''; sys.modules['logagent.cli.probe'] = module; main(['probe'])"
    )
    return subprocess.Popen([sys.executable, "-c", source], text=True, **options)


def test_help_begins_with_examples_and_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    examples, _, rest = result.output.partition("Options:")
    assert sum(line.strip().startswith("logagent ") for line in examples.splitlines()[3:6]) == 3
    assert all(name in rest and text in rest for name, text in COMMANDS.items())


def test_the_examples_name_commands_that_exist() -> None:
    lines = CliRunner().invoke(main, ["--help"]).output.splitlines()[3:6]
    assert {line.split()[1] for line in lines} <= set(COMMANDS)


def test_help_imports_no_command_and_nothing_heavy() -> None:
    source = _PROGRAM + "try: main(['--help'])\nfinally: print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert not loaded & {
        "pydantic",
        "aiohttp",
        "rich",
        "asyncio",
        "genai_prices",
        "orjson",
        "tomli",
        "logagent.settings",
    }
    assert not loaded & {f"logagent.cli.{name}" for name in COMMANDS}


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"logagent {__version__}\n"


def test_without_arguments_the_help_is_printed_as_wrong_usage() -> None:
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Examples:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["nothing"], "No such command 'nothing'", "logagent --help"),
        (["--nothing"], "No such option '--nothing'", "logagent --help"),
        (["probe", "extra"], "Got unexpected extra argument (extra)", "logagent probe --help"),
    ],
)
def test_wrong_usage_is_one_line_and_a_hint(invoke: Invoke, arguments: list[str], message: str, hint: str) -> None:
    result = invoke(lambda: None, *arguments)
    first, second = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (2, "")
    assert first.startswith(f"error: {message}")
    assert second.replace("main", "logagent") == f"  try: {hint}"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (LogagentError("it broke", "mend it"), 1, "error: it broke\n  try: mend it\n"),
        (UnreachableError("no ledger"), 3, "error: no ledger\n"),
        (LogagentError("no x", "did you mean `y`?"), 1, "error: no x\n  did you mean `y`?\n"),
        (LogagentError("a\nb\x1b[31m"), 1, "error: a\\nb\\x1b[31m\n"),
        (KeyboardInterrupt(), 130, "\n"),
        (click.Abort(), 130, ""),
    ],
)
def test_an_expected_error_is_one_line_and_its_exit_code(
    invoke: Invoke, error: BaseException, code: int, text: str
) -> None:
    result = invoke(_raise(error))
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", text)


def test_problems_are_all_listed_and_counted(invoke: Invoke) -> None:
    problems = [Problem("a.toml", "x.y (line 3)", "wrong", "right"), Problem("b.toml", "", "gone", "bring it back")]
    result = invoke(_raise(ConfigurationError(problems)))
    assert result.exit_code == 2
    assert result.stderr == (
        "error: a.toml:3: x.y: wrong\n  try: right\nerror: b.toml: gone\n  try: bring it back\n2 problems\n"
    )


def test_one_problem_is_counted_in_the_singular(invoke: Invoke) -> None:
    result = invoke(_raise(ConfigurationError([Problem("a", "", "b", "c")])))
    assert result.stderr.endswith("\n1 problem\n")


@pytest.mark.parametrize("arguments", [["--debug", "probe"], ["probe", "--debug"]])
def test_a_bug_is_one_line_with_a_hint_and_a_traceback_only_when_asked_for(
    invoke: Invoke, arguments: list[str]
) -> None:
    line = "error: internal error: ZeroDivisionError: by\\nzero\n  try: again with --debug for the traceback; this is a bug\n"
    result = invoke(_raise(ZeroDivisionError("by\nzero")))
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)
    asked = invoke(_raise(ZeroDivisionError("by\nzero")), *arguments)
    assert asked.exit_code == 1
    assert asked.stderr.startswith("Traceback (most recent call last):")
    assert asked.stderr.endswith(line)


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), (3, 3), ("text", 0)])
def test_a_whole_number_that_a_command_returns_is_the_exit_code(invoke: Invoke, result: object, code: int) -> None:
    assert invoke(lambda: result).exit_code == code


def test_an_exit_code_that_a_command_sets_is_kept(invoke: Invoke) -> None:
    assert invoke(lambda: click.get_current_context().exit(3)).exit_code == 3
    assert invoke(lambda: sys.exit(1)).exit_code == 1


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    with _start("[print('x' * 1000) for _ in range(1000)]", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) == 0


def test_a_little_output_that_nobody_reads_ends_quietly_too() -> None:
    read, write = os.pipe()
    os.close(read)
    process = _start("print('x')", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_another_pipe_that_breaks_is_a_bug(invoke: Invoke) -> None:
    result = invoke(_raise(BrokenPipeError(32, "Broken pipe")))
    assert result.exit_code == 1
    assert "internal error: BrokenPipeError" in result.stderr


def test_an_interrupt_ends_with_130() -> None:
    process = _start("print('ready', flush=True); sys.stdin.read()", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
