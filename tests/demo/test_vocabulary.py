import pytest
from sweetspot.demo.vocabulary import CONTEXT_LENGTH, MAX_WORDS, WORDS, UnknownWordsError, encode, split_words


def test_a_prompt_becomes_the_numbers_of_its_words():
    numbers = encode("A red circle, left of a blue square on green.")
    words = [WORDS[number] for number in numbers]
    assert words[:11] == "<start> a red circle left of a blue square on green".split()
    assert set(words[11:]) == {"<pad>"}
    assert len(numbers) == CONTEXT_LENGTH


def test_the_empty_prompt_is_allowed():
    assert WORDS[encode("")[0]] == "<start>"


def test_common_other_words_are_understood():
    assert split_words("the big grey square") == ["a", "large", "gray", "square"]


def test_every_unknown_word_is_told_with_its_nearest():
    with pytest.raises(UnknownWordsError) as caught:
        encode("a rad circle in space")
    message = str(caught.value)
    assert "'rad' (did you mean 'red'?)" in message
    assert "'space'" in message
    assert "triangle" in message


def test_too_many_words_are_told():
    with pytest.raises(UnknownWordsError, match=f"prompt: expected at most {MAX_WORDS} words .*, got {MAX_WORDS + 1}"):
        encode("red " * (MAX_WORDS + 1))


@pytest.mark.parametrize("word", ["<pad>", "<start>"])
def test_control_words_cannot_be_written(word: str):
    with pytest.raises(UnknownWordsError):
        encode(word)
