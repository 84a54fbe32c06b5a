"""Every text that the page shows: the English in the code, once more in locales/en, and in the other languages."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ja", "zh")
# The folders whose sentences the browser shows.
SPEAKING = ("comparison", "nodes", "presets")
BRACES = re.compile(r"\{(\w+)\}")


def in_the_browser() -> list[tuple[str, str]]:
    """Return code and English of each `t("code", "English")`."""
    call = re.compile(r'\bt\(\s*"([\w.]+)",\s*"((?:[^"\\]|\\.)*)"')
    texts = [file.read_text("utf-8") for file in sorted((ROOT / "web").glob("*/*.js"))]
    return [(found[1], json.loads(f'"{found[2]}"')) for text in texts for found in call.finditer(text)]


def on_the_server() -> list[tuple[str, str]]:
    """Return code and English of each `Message("code", "English", ...)`."""
    files = [file for folder in SPEAKING for file in sorted((ROOT / folder).rglob("*.py"))]
    calls = [
        node
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Message" and len(node.args) > 1
    ]
    return [(ast.literal_eval(call.args[0]), ast.literal_eval(call.args[1])) for call in calls]


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
    left = {
        (file.name, found)
        for file in sorted((ROOT / "web").glob("*/*.js"))
        for found in plain.findall(file.read_text("utf-8"))
    }
    assert left == set()
