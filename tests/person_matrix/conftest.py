"""The filled school, for the tests of one file."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.person_matrix.world import World, open_world


@pytest.fixture(scope="module")
def world(migrated_engine: Engine) -> Iterator[World]:
    """Give the school; tests take their changes back."""
    with open_world(migrated_engine) as opened:
        yield opened
