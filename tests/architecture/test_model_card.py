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
    remarks = (DOCS / "model-card-remarks.md").read_text()
    _, _, of_card = card.partition("## Missed leavers by group")

    assert " ".join(of_card.split()).endswith(" ".join(remarks.split()))
    assert "--remarks docs/model-card-remarks.md`" in card
