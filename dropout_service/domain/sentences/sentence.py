"""Sentence as a code with values, so that it can be written in any language."""

from collections.abc import Mapping
from dataclasses import dataclass

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Sentence:
    """Code of a sentence, and its values by name (None: unknown).

    Code and values are stored in predictions; `text_of` returns the English text.
    """

    code: str
    values: dict[str, float | None]
