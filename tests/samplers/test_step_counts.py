import pytest
from sweetspot.samplers.step_counts import parse_step_counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("4, 25, 50", [4, 25, 50]),
        ("50,4,25", [4, 25, 50]),
        (" 4;25\n50 ", [4, 25, 50]),
        ("1", [1]),
        ("10000", [10000]),
        ("4, 25, 50,", [4, 25, 50]),
    ],
)
def test_lists_as_people_write_them(text: str, counts: list[int]):
    assert parse_step_counts(text) == counts


@pytest.mark.parametrize(
    ("text", "came"),
    [
        ("", "got an empty list"),
        (" , ", "got an empty list"),
        ("0", "got '0'"),
        ("-3", "got '-3'"),
        ("abc", "got 'abc'"),
        ("4, 2.5", "got '2.5'"),
        ("1_000", "got '1_000'"),
        ("٤", "got '٤'"),
        ("4, 25, 4", "got 4 more than once"),
        ("10001", "got '10001'"),
        ("9" * 500, "got '9999"),
        (", ".join(map(str, range(1, 301))), "got 300 entries"),
    ],
)
def test_mistakes_are_named_with_what_is_allowed(text: str, came: str):
    with pytest.raises(ValueError, match="steps: expected up to 64 whole numbers from 1 to 10000") as caught:
        parse_step_counts(text)
    assert came in str(caught.value)
    assert len(str(caught.value)) < 300
