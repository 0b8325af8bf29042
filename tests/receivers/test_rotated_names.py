from __future__ import annotations

import pytest

from logagent.receivers.discovery import Entry
from logagent.receivers.identity import FileKey, FileStat
from logagent.receivers.rotation import is_rotated, may_be_rotated, oldest_first, possible_bases


@pytest.mark.parametrize(
    "name",
    [
        "app.log.1",
        "app.log-20261120",
        "app.log.2026-11-20_10:00",
        "app.log.old",
        "app-2026-11-20.log",
        "app.1.log",
        "app.log.2.gz",
    ],
)
def test_names_that_rotators_give_are_recognised(name: str) -> None:
    assert is_rotated(name, "app.log")
    assert may_be_rotated(name, "app.log")
    assert "app.log" in possible_bases(name)


@pytest.mark.parametrize(
    "name", ["app.log", "app-worker.log", "application.log", "app.log2", "app.json", "xapp.log.1", "app..log"]
)
def test_a_different_log_is_not_taken_for_a_rotated_one(name: str) -> None:
    assert not is_rotated(name, "app.log")
    assert not may_be_rotated(name, "app.log")
    assert "app.log" not in possible_bases(name)


def test_any_suffix_may_be_that_of_a_rotated_file_when_it_appears_in_a_rotation() -> None:
    assert may_be_rotated("app.log.archived", "app.log")
    assert not is_rotated("app.log.archived", "app.log")


def entry(path: str, modified: int, changed: int = 0) -> Entry:
    return Entry(path, FileStat(FileKey(1, 1), 0, modified, changed, regular=True))


def test_files_are_ordered_by_modification_then_by_a_count_that_grows_with_age() -> None:
    found = [entry("/l/a.log.1", 5), entry("/l/a.log.10", 5), entry("/l/a.log.2", 5), entry("/l/a.log.3", 9)]

    assert [e.path[9:] for e in oldest_first(found, "a.log")] == ["10", "2", "1", "3"]


def test_a_count_above_that_of_a_file_known_to_be_older_grows_with_time() -> None:
    found = [entry("/l/a.log.7", 5), entry("/l/a.log.6", 5)]

    assert [e.path[9:] for e in oldest_first(found, "a.log", "/l/a.log.5")] == ["6", "7"]


def test_a_later_rename_tells_the_younger_of_files_modified_at_once() -> None:
    found = [entry("/l/a.log-b", 5, 8), entry("/l/a.log-a", 5, 9)]

    assert [e.path[-1] for e in oldest_first(found, "a.log")] == ["b", "a"]
