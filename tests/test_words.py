"""Every text that the page shows: the English in the code, once more in locales/en, and in the other languages."""

import ast
import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sweetspot.words import Message, Messages, codes_of, spoken

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ja", "zh")
# The folders whose sentences the browser shows.
SPEAKING = ("comparison", "graphs", "nodes", "presets", "samplers")
OURS = sorted([*(ROOT / "web").glob("*/*.js"), *(ROOT / "web").glob("viewer/*.mjs")])
BRACES = re.compile(r"\{(\w+)\}")


def in_the_browser() -> list[tuple[str, str]]:
    """Return code and English of each `t("code", "English")`."""
    call = re.compile(r'\bt\(\s*"([\w.]+)",\s*"((?:[^"\\]|\\.)*)"')
    texts = [file.read_text("utf-8") for file in OURS]
    return [(found[1], json.loads(f'"{found[2]}"')) for text in texts for found in call.finditer(text)]


def on_the_server() -> list[tuple[str, str]]:
    """Return code and English of each `Message("code", "English", ...)`."""
    files = [file for folder in SPEAKING for file in sorted((ROOT / folder).rglob("*.py"))]
    return [found for file in files for found in messages_in(ast.parse(file.read_text("utf-8")))]


def messages_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield code and English of each message in a file. The English may be the last text of a name before it."""
    nodes = list(ast.walk(tree))
    named = [
        (node.lineno, node.targets[0].id, node.value)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    for call in nodes:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Message":
            english = call.args[1]
            if isinstance(english, ast.Name):
                before = [text for text in named if text[1] == english.id and text[0] < call.lineno]
                english = max(before, key=lambda text: text[0])[2]
            yield ast.literal_eval(call.args[0]), ast.literal_eval(english)


def flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, str):
        return {path: value}
    return {
        code: text for name, more in value.items() for code, text in flat(more, f"{path}.{name}".strip(".")).items()
    }


def words(language: str) -> dict[str, str]:
    return flat(json.loads((ROOT / "locales" / language / "main.json").read_text("utf-8"))["sweetspot"])


def test_each_text_of_the_code_is_in_the_english_file_and_no_other():
    found = in_the_browser() + on_the_server()
    assert len(found) > 100
    # A code has one text, wherever it is used.
    assert len(set(found)) == len(dict(found))
    assert dict(found) == words("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_the_same_values(language: str):
    english, other = words("en"), words(language)
    assert other.keys() == english.keys()
    for code, text in english.items():
        assert other[code].strip(), code
        # What stands in braces is filled in, so a translation must name nothing else.
        assert set(BRACES.findall(other[code])) == set(BRACES.findall(text)), code


def test_no_text_of_the_page_is_left_outside_of_them():
    """Texts for people in the elements that our modules make."""
    plain = re.compile(r'(?:textContent = |title: |summary: |detail: )"([A-Z][a-z]+ [^"]*)"')
    left = {(file.name, found) for file in OURS for found in plain.findall(file.read_text("utf-8"))}
    assert left == set()


def test_a_message_is_its_english_text_and_remembers_its_code():
    english = "{steps} step is enough. | {steps} steps are enough."
    one, five = (Message("x.steps", english, {"steps": steps}) for steps in (1, 5))
    assert (one, five) == ("1 step is enough.", "5 steps are enough.")
    both = Messages(one, "", Messages(five, "Plain."))
    assert both == "1 step is enough. 5 steps are enough. Plain."
    assert codes_of(both) == ["x.steps", "x.steps"]
    assert json.loads(json.dumps(both)) == both


def test_the_browser_gets_codes_and_values_as_deep_as_they_go():
    inner = Message("x.why", "because of {name}", {"name": "lcm"})
    said = spoken(Messages(Message("x.none", "None: {why}.", {"why": inner}), "Plain."))
    inside = {"code": "x.why", "values": {"name": "lcm"}, "text": "because of lcm"}
    assert said == [{"code": "x.none", "values": {"why": inside}, "text": "None: because of lcm."}, "Plain."]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_remember_as_much(copied: Callable[[Any], Any]):
    text = Messages(Message("x.a", "{n} | {n}s", {"n": 2, "steps": 1}), Message("x.b", "B."))
    assert copied(text) == text
    assert spoken(copied(text)) == spoken(text)
