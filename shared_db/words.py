"""Words of texts and of searches, split alike on both stores."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# Class of characters between words, for regular expressions of Python and of PostgreSQL: white
# space, punctuation and symbols. Explicit code points, because PostgreSQL's own classes depend on
# the locale of the database. An index of monitoring contains them: a change needs a migration.
SEPARATORS = (
    r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2100-\u2bff\u3000-\u303f\ufe00-\ufe0f"
    r"\U0001f000-\U0001faff]+"
)
# PostgreSQL ignores longer words.
_MOST_BYTES = 2046

_SEPARATORS = re.compile(SEPARATORS)
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')


@dataclass(frozen=True)
class Term:
    """Words one after another that a text must have, or must not have if negated."""

    words: tuple[str, ...]
    is_negated: bool


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text in lower case."""
    for word in _SEPARATORS.sub(" ", text).lower().split():
        if len(word) * 4 <= _MOST_BYTES or len(word.encode()) <= _MOST_BYTES:
            yield word


@lru_cache
def alternatives(search: str) -> tuple[tuple[Term, ...], ...]:
    """Return the alternatives of a web search, each with the terms that a text must meet.

    A term is a word, several words in double quotes, or words connected by punctuation
    (`cron.log`). `-` before it negates it, `or` between terms separates alternatives, of which
    those without words are left out.
    """
    found: list[list[Term]] = [[]]
    pieces = list(_TERM.finditer(search))
    is_after_term = False
    for place, piece in enumerate(pieces, 1):
        minus, phrase, word = piece.groups()
        if is_after_term and piece[0].lower() == "or" and place < len(pieces):
            found.append([])
            is_after_term = False
            continue
        is_after_term = True
        if words := tuple(words_of(phrase or word or "")):
            found[-1].append(Term(words, is_negated=bool(minus)))
    return tuple(tuple(terms) for terms in found if terms)


def websearch(search: str) -> str:
    """Return the search for PostgreSQL's `websearch_to_tsquery`, with words only."""
    return " or ".join(
        " ".join(f'{"-" if term.is_negated else ""}"{" ".join(term.words)}"' for term in terms)
        for terms in alternatives(search)
    )


def has_words(text: str | None, search: str) -> bool:
    """Return True if the text meets the search; a text of None meets none."""
    if text is None:
        return False
    padded = f" {' '.join(words_of(text))} "
    return any(
        all((f" {' '.join(term.words)} " in padded) is not term.is_negated for term in terms)
        for terms in alternatives(search)
    )
