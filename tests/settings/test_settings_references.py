"""``${NAME}`` and ``${file:PATH}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logagent.settings.substitution import Concealed, Substitution

if TYPE_CHECKING:
    from pathlib import Path


def test_variables_and_files_are_replaced_wherever_a_text_stands(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  from file\n")
    substitution = Substitution({"A": "1", "DIR": str(tmp_path)}, tmp_path)
    document = {
        "plain": "x$y {z} $",
        "number": 5,
        "list": ["a${A}b${A}", {"deep": "${file:token}"}],
        "named": "${file:${DIR}/token}",
        "escaped": "$${A} $$5",
    }
    assert substitution.apply(document) == {
        "plain": "x$y {z} $",
        "number": 5,
        "list": ["a1b1", {"deep": "from file"}],
        "named": "from file",
        "escaped": "${A} $5",
    }
    assert not substitution.unresolved


def test_only_what_came_through_a_reference_is_concealed(tmp_path: Path) -> None:
    substitution = Substitution({"A": "secret"}, tmp_path)
    assert isinstance(substitution.apply("x${A}"), Concealed)
    assert not isinstance(substitution.apply("$${A}"), Concealed)
    assert "secret" not in repr(substitution.apply("${A}"))


def test_a_replacement_is_not_looked_at_again(tmp_path: Path) -> None:
    assert Substitution({"A": "${B}", "B": "no"}, tmp_path).apply("${A}") == "${B}"


def test_every_reference_to_nothing_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    substitution = Substitution({}, tmp_path)
    document = {
        "a": ["${MISSING}"],
        "b": "${file:missing}",
        "c": "${not closed",
        "d": "${}",
        "e": "${file:binary}",
        "f": "${file:.}",
        "g": "${file:large}",
        "h": "${file:${MISSING}/x}",
    }
    assert substitution.apply(document) == document
    assert [(item.place, item.message) for item in substitution.unresolved] == [
        (("a", 0), "the environment has no variable MISSING"),
        (("b",), "the file missing cannot be read: no such file or directory"),
        (("c",), "${ begins a reference, and this is none"),
        (("d",), "${ begins a reference, and this is none"),
        (("e",), "the file binary cannot be read: not UTF-8 text"),
        (("f",), "the file . cannot be read: is a directory"),
        (("g",), "the file large is larger than 1MiB"),
        (("h",), "the environment has no variable MISSING"),
    ]
    assert all(item.hint for item in substitution.unresolved)


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    substitution = Substitution({}, tmp_path)
    substitution.apply("${file:/dev/zero}")
    assert substitution.unresolved[0].message == "the file /dev/zero is larger than 1MiB"
