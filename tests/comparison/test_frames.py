import pytest
from sweetspot.comparison.frames import check_frames, choose_frames


@pytest.mark.parametrize(
    ("text", "frames", "chosen"),
    [
        ("first, middle, last", 9, [0, 4, 8]),
        ("first, middle, last", 2, [0, 1]),
        ("last first", 81, [0, 80]),
        ("0, -1, 12; 3", 49, [0, 3, 12, 48]),
        ("-1, 4", 5, [4]),
    ],
)
def test_frames_are_chosen_by_word_or_number(text: str, frames: int, chosen: list[int]):
    assert choose_frames(text, frames) == chosen


@pytest.mark.parametrize(("text", "came"), [("", "'nothing'"), ("1.5", "'1.5'"), ("all", "'all'"), ("--1", "'--1'")])
def test_what_names_no_frame_is_refused(text: str, came: str):
    with pytest.raises(ValueError, match=f"frames: expected first, middle, last, .* got {came}"):
        check_frames(text)


@pytest.mark.parametrize("text", ["9", "-10"])
def test_frames_that_the_video_does_not_have_are_refused(text: str):
    with pytest.raises(ValueError, match=f"this video has 9, numbered 0 to 8; got {text}"):
        choose_frames(text, 9)
