"""The nodes' help pages: one for each node, in each language with the same parts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "web" / "docs").glob("*.md"))
LANGUAGES = ("ja", "zh")


def parts_of(text: str) -> dict[str, object]:
    """Return what a translation has in common with the original."""
    return {
        "headings": re.findall(r"^#+(?= )", text, re.MULTILINE),
        "columns of table rows": [line.count("|") for line in text.splitlines() if line.startswith("|")],
        "list entries": len(re.findall(r"^ *(?:-|\d+\.) ", text, re.MULTILINE)),
        "code": re.findall(r"^```\w*$", text, re.MULTILINE),
        "images": re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text),
        "links": re.findall(r"(?<!!)\[[^\]]*\]\(([^)]*)\)", text),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_translated_page_has_the_parts_of_the_english_one(page: Path, language: str):
    translated = page.with_suffix("") / f"{language}.md"
    assert parts_of(translated.read_text("utf-8")) == parts_of(page.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_pages_pictures_are_there(page: Path):
    for name in parts_of(page.read_text("utf-8"))["images"]:
        assert (page.parent / name).is_file(), name
