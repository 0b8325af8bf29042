"""Logs that are copied and cut off faster than they are read: each line once, and in order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from copytruncate_scene import QUIET_SECONDS, Scene
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """New lines were seen at the path and not read, because the rest of a copy is still awaited."""
    made = Scene(tmp_path)
    made.write(40)
    made.start()
    made.survey()
    made.step(5)
    made.commit()
    made.copytruncate()
    made.survey()
    made.write(30)
    made.survey()
    made.step(5)
    made.commit()
    assert made.read == list(range(40))
    return made


def expect_all(scene: Scene) -> None:
    scene.finish()
    assert scene.read == list(range(scene.written))
    assert scene.losses == {}


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_a_copy_that_was_seen_before_the_cut_of_a_file_that_was_not_read_is_read_after_it(
    tmp_path: Path, pattern: str
) -> None:
    scene = Scene(tmp_path, pattern)
    scene.write(40)
    scene.start()
    scene.survey()
    scene.step(5)
    scene.copytruncate()
    scene.write(30)
    scene.survey()
    scene.begin_copy()
    scene.fill_copy()
    scene.survey()
    scene.cut_off()
    scene.write(60)

    expect_all(scene)


@pytest.mark.parametrize("killed", ["never", "before the cut", "after the cut", "after the file was filled again"])
def test_a_generation_that_was_seen_and_not_read_is_read_from_its_copy_whenever_the_agent_is_killed(
    scene: Scene, killed: str
) -> None:
    scene.begin_copy()
    scene.fill_copy()
    scene.survey()
    if killed == "before the cut":
        scene.kill()
    scene.cut_off()
    if killed == "after the cut":
        scene.kill()
    scene.write(90)
    if killed == "after the file was filled again":
        scene.kill()

    expect_all(scene)


def test_generations_that_came_and_went_between_two_looks_are_read_from_their_copies(scene: Scene) -> None:
    for count in (50, 20, 90):
        scene.copytruncate()
        scene.write(count)

    expect_all(scene)


def test_a_file_that_was_empty_when_it_was_seen_is_read_after_the_generation_that_filled_it_first(
    scene: Scene,
) -> None:
    scene.copytruncate()
    scene.survey()
    scene.clock.advance(QUIET_SECONDS)
    scene.step(40)
    scene.write(10)
    scene.copytruncate()
    scene.write(50)
    scene.step(40)

    expect_all(scene)


def test_a_copy_that_lags_behind_what_was_read_is_not_read_again(scene: Scene) -> None:
    scene.clock.advance(QUIET_SECONDS)
    scene.step(20)
    scene.begin_copy()
    scene.fill_copy()
    scene.write(5)
    scene.step(20)
    scene.cut_off()
    scene.write(90)

    expect_all(scene)


def test_a_copy_under_way_of_a_generation_that_is_itself_new_is_not_read_beside_it(scene: Scene) -> None:
    scene.copytruncate()
    scene.write(90)
    scene.begin_copy()
    scene.survey()
    scene.fill_copy(preserve=True)
    scene.survey()
    scene.step(40)
    scene.cut_off()

    expect_all(scene)


def test_lines_that_were_seen_and_are_in_no_copy_are_counted(scene: Scene) -> None:
    scene.cut_off()
    lost = scene.written
    scene.write(90)
    scene.finish()

    assert scene.read == [*range(40), *range(lost, scene.written)]
    assert scene.losses == {
        "truncated_bytes": sum(len(f"line {number} {'x' * (number * 37 % 60)}\n") for number in range(40, lost))
    }


STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from([1, 5, 100])),
    st.tuples(st.just("rotate"), st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans())),
    st.tuples(st.just("survey"), st.none()),
    st.tuples(st.just("step"), st.integers(1, 20)),
    st.tuples(st.just("commit"), st.sampled_from([1, 2, None])),
    st.tuples(st.just("wait"), st.sampled_from([0.3, 6.0])),
    st.tuples(st.just("kill"), st.none()),
)


def act(scene: Scene, step: str, value: object) -> None:
    if step == "write":
        scene.write(value)
    elif step == "wait":
        scene.clock.advance(value)
    elif step == "rotate":
        looks_at_begun, looks_at_filled, preserve = value
        scene.begin_copy()
        look(scene, looks_at_begun)
        scene.fill_copy(preserve=preserve)
        look(scene, looks_at_filled)
        scene.cut_off()
    elif step == "kill":
        scene.kill()
    elif not scene.lives:
        scene.start()
        scene.survey()
    elif step == "survey":
        scene.survey()
    else:
        getattr(scene, step)(value)


def look(scene: Scene, count: int) -> None:
    if scene.lives and count:
        scene.survey()
        scene.step(count - 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=60), st.sampled_from(["app.log", "app.log*"]), st.integers(0, 3))
def test_every_line_is_read_once_and_in_order_however_quick_the_rotation_and_whenever_the_agent_is_killed(
    steps: list[tuple[str, object]], pattern: str, first: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        scene = Scene(Path(name), pattern)
        scene.write(first)
        scene.start()
        scene.survey()
        scene.commit()
        for step, value in steps:
            act(scene, step, value)
        expect_all(scene)
