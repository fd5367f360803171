"""Layout of the source: sizes of folders and files, and a sentence for each package."""

import ast
import re
from pathlib import Path

from tests.support.source_files import PACKAGES, python_files

MOST_MODULES = 14
MOST_LINES = 300


def files(*folders: str) -> list[Path]:
    return [file for file in python_files(*folders) if "versions" not in file.parts]


def test_folders_have_few_modules() -> None:
    modules = [file.parent for file in files(*PACKAGES) if file.name != "__init__.py"]

    assert [str(folder) for folder in {*modules} if modules.count(folder) > MOST_MODULES] == []


def test_every_package_says_its_content_in_a_sentence() -> None:
    packages = {file.parent / "__init__.py" for file in files(*PACKAGES)}
    docstrings = {
        file: ast.get_docstring(ast.parse(file.read_text())) if file.exists() else None
        for file in sorted(packages)
    }

    assert [
        str(file)
        for file, docstring in docstrings.items()
        if not re.match(r"[A-Z`].*\.(\n\n|$)", docstring or "")
    ] == []


def test_files_are_of_a_size_to_read() -> None:
    sizes = {
        str(file): len(file.read_text().splitlines())
        for file in files(*PACKAGES, "tests", "benchmarks")
    }

    assert {file: size for file, size in sizes.items() if size > MOST_LINES} == {}
