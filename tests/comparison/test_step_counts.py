import pytest
from sweetspot.comparison.step_counts import StepList, parse_numbers, parse_step_counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("4, 25, 50", [4, 25, 50]),
        ("50,4,25", [4, 25, 50]),
        (" 4;25\n50 ", [4, 25, 50]),
        ("1", [1]),
        ("10000", [10000]),
        ("4, 25, 50,", [4, 25, 50]),
        ("8..32:8", [8, 16, 24, 32]),
        ("4, 8..33:8, 50", [4, 8, 16, 24, 32, 50]),
        ("3..5", [3, 4, 5]),
        ("8 .. 12 : 2, 4", [4, 8, 10, 12]),
        ("7..7", [7]),
        ("8, 4..12:4", [4, 8, 12]),
        # As in A1111's X/Y/Z plot.
        ("10-50 [5]", [10, 20, 30, 40, 50]),
        ("1-10 [5]", [1, 3, 5, 7, 10]),
        ("1-3 [5], 9", [1, 2, 3, 9]),
        ("10-50 [1]", [10]),
        ("10-20 (+5), 25", [10, 15, 20, 25]),
        ("10 - 20 ( +5 ) 25", [10, 15, 20, 25]),
        ("1-4", [1, 2, 3, 4]),
        ("4, 8 - 16 [ 2 ]; 30", [4, 8, 16, 30]),
    ],
)
def test_lists_as_people_write_them(text: str, counts: list[int]):
    assert parse_step_counts(text) == StepList(tuple(counts))


@pytest.mark.parametrize(
    ("text", "came"),
    [
        ("", "got an empty list"),
        (" , ", "got an empty list"),
        ("0", "got '0'"),
        ("-3", "got '-3'"),
        ("4 -3", "got '4-3'"),
        ("4, -3", "got '-3'"),
        ("50-10 [5]", "got '50-10[5]'"),
        ("10-50 [0]", "got '10-50[0]'"),
        ("10-50 (5)", "got '10-50(5)'"),
        ("10-50 [", "got '10-50['"),
        ("1-9000 [65]", "got '1-9000[65]', which is 65 counts"),
        ("abc", "got 'abc'"),
        ("4, 2.5", "got '2.5'"),
        ("1_000", "got '1_000'"),
        ("٤", "got '٤'"),
        ("4, 25, 4", "got 4 more than once"),
        ("10001", "got '10001'"),
        ("9" * 500, "got '9999"),
        (", ".join(map(str, range(1, 301))), "got 300 entries"),
        ("32..8:8", "got '32..8:8'"),
        ("8..32:0", "got '8..32:0'"),
        ("0..4", "got '0..4'"),
        ("8..", "got '8..'"),
        ("1..10000", "got '1..10000', which is 10000 counts"),
        ("1..60, 100..160:10", "got 67 counts"),
        ("Best", "got 'Best'"),
    ],
)
def test_mistakes_are_named_with_what_is_allowed(text: str, came: str):
    with pytest.raises(ValueError, match="steps: expected up to 64 whole numbers from 1 to 10000") as caught:
        parse_step_counts(text)
    assert came in str(caught.value)
    assert len(str(caught.value)) < 300


def test_words_stand_for_a_plans_counts_and_count_once():
    words = {"draft": 8, "balanced": 20, "best": 50}
    assert parse_step_counts("draft, balanced, best").resolved(words) == (8, 20, 50)
    assert parse_step_counts("4, 20, balanced").resolved(words) == (4, 20)
    assert parse_step_counts("draft, best").resolved(dict.fromkeys(words, 4)) == (4,)
    assert parse_step_counts("4, best").words == ("best",)
    assert parse_step_counts("4, 8..32:8").words == ()


def test_words_count_towards_the_most():
    full = parse_step_counts("1..64, best")
    with pytest.raises(ValueError, match="got 65 counts"):
        full.resolved({"best": 100})
    assert len(full.resolved({"best": 64})) == 64


def test_auto_is_no_count_and_may_stand_alone():
    assert parse_step_counts("auto") == StepList((), auto=True)
    assert parse_step_counts("50, auto, 4") == StepList((4, 50), auto=True)
    assert not parse_step_counts("4, 25, 50").auto


@pytest.mark.parametrize(("text", "counts"), [("", ()), ("  ", ()), ("8", (8,)), ("12, 4..8:4", (4, 8, 12))])
def test_numbers_and_ranges_may_be_none(text: str, counts: tuple[int, ...]):
    assert parse_numbers(text, "other_steps") == counts


@pytest.mark.parametrize("text", ["auto", "4, best", "4, many", "0", "4, 4"])
def test_what_is_no_number_names_its_input(text: str):
    with pytest.raises(ValueError, match=r"^other_steps: expected .* got "):
        parse_numbers(text, "other_steps")
