"""Files that change their names between paths that are all read, and links that are turned: each line once."""

# ruff: noqa: FBT001  # a table's column

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from receiver_harness import append

from logagent.clock import ManualClock
from logagent.receivers.books import Limits
from logagent.receivers.discovery import Patterns
from logagent.receivers.fileset import RECEIVER_STREAM, FileSet
from logagent.receivers.identity import Position

if TYPE_CHECKING:
    from logagent.model import RawBatch

QUIET_SECONDS = 5.0
LIMITS = Limits(
    max_line_bytes=1024,
    chunk_bytes=4096,
    quiet_seconds=QUIET_SECONDS,
    order_seconds=60.0,
    hold_seconds=3600.0,
    max_open_files=512,
)


class Agent:
    """Looks and reads when told to, on a clock that only the test moves; all that it tells is committed at once."""

    def __init__(self, directory: Path, pattern: str = "*.log") -> None:
        self.clock = ManualClock(time.time_ns())
        self.lines: list[str] = []
        self.sources: list[str] = []
        self.losses: Counter[str] = Counter()
        self.stored: dict[str, bytes] = {}
        self._pattern = str(directory / pattern)
        self._files = self._started()

    def restart(self) -> None:
        """Is killed and begins again from what was committed."""
        self._files = self._started()

    def look(self, *, once: bool = False) -> None:
        """Looks once, and reads whatever may be read then."""
        self._files.survey(once=once)
        self._take(*self._files.notices())
        for generations in list(self._files.generations.values()):
            while generations.pick(self.clock.monotonic(), once=once):
                self._take(self._files.step(generations, once=once))
        self._take(*self._files.notices())

    def wait(self) -> None:
        """Lets so much time pass, looking, that what was rotated is finished and closed."""
        for _ in range(3):
            self.clock.advance(2 * QUIET_SECONDS)
            self.look()

    @property
    def positions(self) -> list[Position]:
        return [Position.decode(value) for stream, value in self.stored.items() if stream != RECEIVER_STREAM]

    @property
    def paths(self) -> list[tuple[str, str]]:
        """The names of the paths that positions are of, and of where the files were."""
        return sorted((Path(found.path).name, Path(found.location).name) for found in self.positions)

    def _started(self) -> FileSet:
        made = FileSet("app", Patterns([self._pattern]), LIMITS, self.clock, start_at_end=False)
        made.restore(dict(self.stored))
        return made

    def _take(self, *batches: RawBatch | None) -> None:
        for batch in filter(None, batches):
            self.lines += [line.decode() for line in batch.lines]
            self.sources += [Path(batch.source).name] * len(batch.lines)
            self.losses.update(batch.losses)
            if batch.position is None:
                self.stored.pop(batch.stream, None)
            else:
                self.stored[batch.stream] = batch.position


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def turn(link: Path, target: Path) -> None:
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.replace(link)


@pytest.mark.parametrize("once", [True, False])
def test_a_file_that_is_renamed_to_another_path_while_the_agent_is_down_is_read_on(
    tmp_path: Path, agent: Agent, once: bool
) -> None:
    append(tmp_path / "a1.log", "one")
    agent.look(once=once)
    (tmp_path / "a1.log").rename(tmp_path / "b1.log")
    append(tmp_path / "b1.log", "two")
    agent.restart()
    agent.look(once=once)

    assert (agent.lines, agent.sources) == (["one", "two"], ["a1.log", "b1.log"])
    assert agent.paths == [("b1.log", "b1.log")]
    assert agent.losses == {}


@pytest.mark.parametrize("once", [True, False])
def test_another_file_with_the_inode_of_a_known_one_is_read_from_its_start_at_the_same_look(
    tmp_path: Path, agent: Agent, once: bool
) -> None:
    append(tmp_path / "a1.log", "one")
    agent.look(once=once)
    (tmp_path / "a1.log").rename(tmp_path / "b1.log")
    (tmp_path / "b1.log").write_text("another\nand more\n")
    agent.restart()
    agent.look(once=once)

    assert agent.lines == ["one", "another", "and more"]
    assert agent.paths == [("b1.log", "b1.log")]


def test_a_file_that_is_renamed_while_the_agent_lives_is_stored_under_its_new_path_at_the_next_look(
    tmp_path: Path, agent: Agent
) -> None:
    append(tmp_path / "a1.log", "one")
    agent.look()
    (tmp_path / "a1.log").rename(tmp_path / "b1.log")
    agent.look()
    assert agent.paths == [("b1.log", "b1.log")]

    agent.wait()
    append(tmp_path / "b1.log", "two")
    agent.look()
    agent.restart()
    append(tmp_path / "b1.log", "three")
    agent.look()

    assert agent.lines == ["one", "two", "three"]


def test_a_line_that_is_being_written_is_not_cut_by_a_rename(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "a1.log", "begun", end="")
    agent.look()
    (tmp_path / "a1.log").rename(tmp_path / "b1.log")
    agent.wait()
    append(tmp_path / "b1.log", " and ended")
    agent.look()

    assert agent.lines == ["begun and ended"]


@pytest.mark.parametrize("lives", [True, False])
def test_files_that_swap_their_names_are_each_read_on(tmp_path: Path, agent: Agent, lives: bool) -> None:
    append(tmp_path / "a.log", "a one")
    append(tmp_path / "b.log", "b one")
    agent.look()
    (tmp_path / "a.log").rename(tmp_path / "other")
    (tmp_path / "b.log").rename(tmp_path / "a.log")
    (tmp_path / "other").rename(tmp_path / "b.log")
    append(tmp_path / "a.log", "b two")
    append(tmp_path / "b.log", "a two")
    if not lives:
        agent.restart()
    agent.look()
    agent.wait()

    assert sorted(agent.lines) == ["a one", "a two", "b one", "b two"]
    assert agent.paths == [("a.log", "a.log"), ("b.log", "b.log")]


@pytest.mark.parametrize("lives", [True, False])
def test_names_that_are_all_read_and_shifted_keep_their_files(tmp_path: Path, agent: Agent, lives: bool) -> None:
    names = ["run-a.log", "run-b.log", "run-c.log", "run-d.log"]
    for number, name in enumerate(names[:3]):
        append(tmp_path / name, f"{number} one")
    agent.look()
    for older, younger in ((3, 2), (2, 1), (1, 0)):
        (tmp_path / names[younger]).rename(tmp_path / names[older])
        append(tmp_path / names[older], f"{younger} two")
    append(tmp_path / names[0], "new")
    if not lives:
        agent.restart()
    agent.look()
    agent.wait()
    agent.restart()
    agent.look()

    assert sorted(agent.lines) == ["0 one", "0 two", "1 one", "1 two", "2 one", "2 two", "new"]


def test_a_file_that_became_a_rotated_one_of_another_path_is_read_on_before_its_successor(
    tmp_path: Path,
) -> None:
    agent = Agent(tmp_path, "*.log*")
    append(tmp_path / "a.log", "one")
    agent.look()
    (tmp_path / "a.log").rename(tmp_path / "b.log.1")
    append(tmp_path / "b.log.1", "two")
    append(tmp_path / "b.log", "three")
    agent.restart()
    agent.look(once=True)

    assert agent.lines == ["one", "two", "three"]
    assert agent.paths == [("b.log", "b.log"), ("b.log", "b.log.1")]


def test_a_copy_that_has_the_inode_of_an_empty_file_is_not_taken_for_it(tmp_path: Path, agent: Agent) -> None:
    (tmp_path / "a.log").touch()
    append(tmp_path / "b.log", "one")
    agent.look(once=True)
    (tmp_path / "a.log").rename(tmp_path / "b.log.1")
    append(tmp_path / "b.log.1", "one")
    os.truncate(tmp_path / "b.log", 0)
    agent.restart()
    agent.look(once=True)

    assert agent.lines == ["one"]


@pytest.mark.parametrize("lives", [True, False])
def test_a_file_with_two_names_is_read_on_under_the_other_when_one_is_removed(
    tmp_path: Path, agent: Agent, lives: bool
) -> None:
    append(tmp_path / "a.log", "one")
    os.link(tmp_path / "a.log", tmp_path / "b.log")
    agent.look()
    (tmp_path / "a.log").unlink()
    append(tmp_path / "b.log", "two")
    if not lives:
        agent.restart()
    agent.look()
    agent.wait()

    assert agent.lines == ["one", "two"]
    assert agent.losses == {}


@pytest.mark.parametrize("once", [True, False])
def test_what_a_link_led_to_before_it_was_turned_while_the_agent_was_down_is_read_first(
    tmp_path: Path, agent: Agent, once: bool
) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look(once=once)
    append(tmp_path / "1.dat", "two")
    append(tmp_path / "2.dat", "three")
    turn(tmp_path / "cur.log", tmp_path / "2.dat")
    agent.restart()
    agent.look(once=once)
    agent.wait()

    assert agent.lines == ["one", "two", "three"]
    assert agent.losses == {}


def test_a_link_that_was_turned_more_than_once_is_followed_to_every_file_that_was_seen(
    tmp_path: Path, agent: Agent
) -> None:
    append(tmp_path / "0.dat", "0 one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "0.dat")
    expected = ["0 one"]
    agent.look(once=True)
    for number in range(1, 5):
        append(tmp_path / f"{number - 1}.dat", f"{number - 1} two")
        append(tmp_path / f"{number}.dat", f"{number} one")
        turn(tmp_path / "cur.log", tmp_path / f"{number}.dat")
        expected += [f"{number - 1} two", f"{number} one"]
        agent.restart()
        agent.look(once=True)

    assert agent.lines == expected


def test_a_link_in_a_directorys_name_that_is_turned_while_the_agent_is_down_loses_nothing(tmp_path: Path) -> None:
    for release in ("1", "2"):
        (tmp_path / release).mkdir()
    append(tmp_path / "1" / "app.log", "one")
    (tmp_path / "current").symlink_to(tmp_path / "1")
    agent = Agent(tmp_path, "current/*.log")
    agent.look(once=True)
    append(tmp_path / "1" / "app.log", "two")
    append(tmp_path / "2" / "app.log", "three")
    turn(tmp_path / "current", tmp_path / "2")
    agent.restart()
    agent.look(once=True)

    assert agent.lines == ["one", "two", "three"]


def test_what_a_turned_link_led_to_is_found_beside_its_old_name(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look(once=True)
    append(tmp_path / "1.dat", "two")
    (tmp_path / "1.dat").rename(tmp_path / "1.dat.1")
    append(tmp_path / "2.dat", "three")
    turn(tmp_path / "cur.log", tmp_path / "2.dat")
    agent.restart()
    agent.look(once=True)

    assert agent.lines == ["one", "two", "three"]


def test_late_lines_of_what_a_turned_link_led_to_are_read_after_a_restart_too(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look()
    append(tmp_path / "2.dat", "two")
    turn(tmp_path / "cur.log", tmp_path / "2.dat")
    agent.wait()
    assert agent.lines == ["one", "two"]
    append(tmp_path / "1.dat", "late")
    agent.restart()
    agent.wait()

    assert agent.lines == ["one", "two", "late"]


def test_a_link_that_is_renamed_is_read_on_under_its_new_name(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "a.log").symlink_to(tmp_path / "1.dat")
    agent.look()
    (tmp_path / "a.log").rename(tmp_path / "b.log")
    append(tmp_path / "1.dat", "two")
    agent.restart()
    agent.look()

    assert (agent.lines, agent.sources) == (["one", "two"], ["a.log", "b.log"])
    assert agent.paths == [("b.log", "b.log")]


def test_what_a_turned_link_led_to_is_counted_as_far_as_it_was_seen_when_it_is_gone(
    tmp_path: Path, agent: Agent
) -> None:
    append(tmp_path / "1.dat", "one")
    append(tmp_path / "1.dat", "begun", end="")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look()
    append(tmp_path / "2.dat", "two")
    turn(tmp_path / "cur.log", tmp_path / "2.dat")
    (tmp_path / "1.dat").unlink()
    agent.restart()
    agent.look()

    assert agent.lines == ["one", "two"]
    assert agent.losses == {"deleted_bytes": 5}
    assert agent.paths == [("cur.log", "cur.log")]


def test_another_file_where_a_turned_link_led_to_is_not_taken_for_it(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look()
    (tmp_path / "1.dat").write_text("another\nand more\n")
    append(tmp_path / "2.dat", "two")
    turn(tmp_path / "cur.log", tmp_path / "2.dat")
    agent.restart()
    agent.look()

    assert agent.lines == ["one", "two"]
    assert agent.paths == [("cur.log", "cur.log")]


def test_a_position_from_before_targets_were_stored_gets_one_at_the_first_look(tmp_path: Path, agent: Agent) -> None:
    append(tmp_path / "1.dat", "one")
    (tmp_path / "cur.log").symlink_to(tmp_path / "1.dat")
    agent.look()
    [stored] = agent.positions
    assert stored.target == str(tmp_path / "1.dat")
    for stream in agent.stored.keys() - {RECEIVER_STREAM}:
        agent.stored[stream] = replace(stored, target="").encode()
        assert b"target" not in agent.stored[stream]
    agent.restart()
    agent.look()

    assert agent.positions == [stored]
    assert agent.lines == ["one"]
