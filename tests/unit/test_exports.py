"""Exports of `shared_db`: every public name is found, and a small module stays small."""

import subprocess
import sys

import pytest

import shared_db


@pytest.mark.parametrize("name", shared_db.__all__)
def test_every_export_is_the_object_of_that_name(name: str) -> None:
    assert getattr(shared_db, name).__name__ == name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        _ = shared_db.Unknown


def test_a_small_module_does_not_load_sqlalchemy() -> None:
    code = "import sys, shared_db.clock; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
