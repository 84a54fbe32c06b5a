import json
import unicodedata

import pytest
from sweetspot.presets.control_characters import escaped, is_control


def test_no_control_character_of_unicode_is_left_raw():
    every = "".join(map(chr, range(0x110000)))
    left = escaped(every)
    raw = {letter for letter in left if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")}
    turning = {letter for letter in left if unicodedata.bidirectional(letter) in ("LRE", "RLE", "PDF", "LRO", "RLO")}
    assert (raw, turning) == (set(), set())
    assert not any(is_control(letter) for letter in "Füße 日本語 عربي שלום 👩\u200d🎨")


@pytest.mark.parametrize("letter", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\udc80", "\n"])
def test_escapes_are_those_of_json(letter: str):
    assert json.loads(f'"{escaped(letter)}"') == letter
    assert escaped(letter, keep="\n") == (letter if letter == "\n" else escaped(letter))
