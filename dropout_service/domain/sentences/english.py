"""English text of a sentence, from its code and values."""

from inspect import signature

from dropout_service.domain.sentences import of_models, of_rules
from dropout_service.domain.sentences.sentence import Sentence

_TEXTS = {**of_rules.TEXTS, **of_models.TEXTS}

# The names of the values of each code.
VALUES = {code: tuple(signature(text).parameters) for code, text in _TEXTS.items()}


def text_of(sentence: Sentence) -> str:
    """Return the English text of a sentence."""
    return _TEXTS[sentence.code](**sentence.values)
