"""Language rules of docstrings, comments and documents; run as a module, it prints the figures."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.source_files import PACKAGES, ROOT, python_files

AREAS = (*PACKAGES, "tests", "benchmarks", "docs")

MOST_PRONOUNS_PER_THOUSAND_WORDS = 3
PRONOUN = re.compile(r"\b(what|who|whom|whose|whoever)\b", re.IGNORECASE)
QUESTION = re.compile(
    r"(What|Who|Whom|Whose|Whoever|Which|How|Where|When|Whether|That|Those)\b(?!-)"
)
EMPTY = re.compile(r"Do (what|as|like) \S+ does|Do the same|Likewise")
BANNED = re.compile(
    r"whoever|giving.back|farewell|\bmanners?\b|hopeless|reckoning|victim|storm", re.IGNORECASE
)


class Text(NamedTuple):
    """A docstring, a comment or a line of a document."""

    place: str
    content: str
    is_docstring: bool = False
    is_title: bool = False  # of a module or class

    def __str__(self) -> str:
        return f"{self.place}: {self.content.strip()[:70]!r}"


@cache
def files(area: str) -> tuple[Path, ...]:
    if area == "docs":
        return (*sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*.md")))
    return tuple(file for file in python_files(area) if file != Path(__file__))


def lines(file: Path) -> Iterator[Text]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        yield Text(f"{file.relative_to(ROOT)}:{number}", line)


def docstrings_and_comments(file: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            is_title = isinstance(node, ast.Module | ast.ClassDef)
            place = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
            yield Text(place, ast.get_docstring(node) or "", is_docstring=True, is_title=is_title)
    with file.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield Text(f"{file.relative_to(ROOT)}:{token.start[0]}", token.string)


@cache
def texts(area: str) -> tuple[Text, ...]:
    read = lines if area == "docs" else docstrings_and_comments
    return tuple(text for file in files(area) for text in read(file))


def figures(area: str) -> tuple[int, int]:
    """Return the number of words, and of pronouns among them."""
    content = "\n".join(text.content for text in texts(area))
    return len(re.findall(r"[A-Za-z][\w'-]*", content)), len(PRONOUN.findall(content))


def questions(area: str) -> list[str]:
    found = (text for text in texts(area) if text.is_title and QUESTION.match(text.content))
    return [f"{text} does not begin with the noun" for text in found]


def banned(area: str) -> list[str]:
    found = (line for file in files(area) for line in lines(file) if BANNED.search(line.content))
    return [f"{line} has a banned word" for line in found]


@pytest.mark.parametrize("area", AREAS)
def test_the_language_rules_are_kept(area: str) -> None:
    words, pronouns = figures(area)
    empty = (text for text in texts(area) if text.is_docstring and EMPTY.match(text.content))
    rate = 1000 * pronouns / words
    wordy = [str(text) for text in texts(area) if PRONOUN.search(text.content)]

    assert [*questions(area), *banned(area), *map(str, empty)] == []
    assert rate <= MOST_PRONOUNS_PER_THOUSAND_WORDS, "\n".join(wordy)


if __name__ == "__main__":
    print(f"{'':24}{'words':>8}{'pronouns per 1,000':>20}{'titles':>8}{'banned':>8}")  # noqa: T201
    for area in AREAS:
        words, pronouns = figures(area)
        found = (len(questions(area)), len(banned(area)))
        print(f"{area:24}{words:8}{1000 * pronouns / words:20.1f}{found[0]:8}{found[1]:8}")  # noqa: T201
