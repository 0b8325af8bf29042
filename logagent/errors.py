"""The exceptions that cross a room's door, each with the exit code that it ends a command with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration, parser or rule file."""

    file: str
    place: str
    """Dotted path of keys, or ``line N``; empty for the file as a whole."""
    message: str
    hint: str
    """What to try; one sentence without a full stop."""

    def __str__(self) -> str:
        """The problem in one line."""
        where = f"{self.file}: {self.place}" if self.place else self.file
        if not self.hint:
            return f"{where}: {self.message}"
        lead = "" if self.hint.startswith("did you mean") else "try: "
        return f"{where}: {self.message}; {lead}{self.hint}"


class LogagentError(Exception):
    """Base of all expected errors: one line for a person, and an exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(LogagentError):
    """Everything that is wrong with the configuration, all at once."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class UnreachableError(LogagentError):
    """Data, ledger or daemon out of reach."""

    exit_code = 3
