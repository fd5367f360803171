"""Model card: its texts are those of the present command and remarks."""

import pytest

from tests.support.source_files import ROOT
from veritas_cli.commands import evaluate

DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", ["PURPOSE", "METHOD", "SCOPE", "LIMITS"])
def test_the_card_has_the_words_of_the_command(name: str) -> None:
    assert f"\n\n{getattr(evaluate, name)}\n\n" in (DOCS / "model-card.md").read_text()


def test_the_card_has_the_remarks_and_says_how_to_make_it_again() -> None:
    card = (DOCS / "model-card.md").read_text()
    remarks = (DOCS / "model-card-remarks.md").read_text().split("\n\n")

    assert len(remarks) == 3
    for paragraph in remarks:
        assert f"\n\n{' '.join(paragraph.split())}\n\n" in card
    assert "--remarks docs/model-card-remarks.md`" in card
