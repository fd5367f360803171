"""Words of a text in any script, so that its versions can be compared.

Words are found by the default rules of Unicode's annex 29, which keep marks with their letters and
apostrophes within words. Scripts that write no spaces between words are compared by characters.
"""

import unicodedata
from collections.abc import Sequence

import regex

# Limit of a word in characters: a longer one is a text without spaces of a script not named here.
LONGEST_WORD = 60

_BOUNDARY = regex.compile(r"\b", regex.V1 | regex.WORD)
_CHARACTERS = regex.compile(r"\X")
# Of these, annex 29 leaves only some undivided; the others are named for `count_characters`.
_WITHOUT_SPACES = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Javanese}\p{Balinese}\p{Buginese}"
    r"\uff70]"
)
_IGNORED = regex.compile(r"[\p{Cf}\p{Default_Ignorable_Code_Point}]")
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\uff07", "''''")


def words_of(text: str) -> list[str]:
    """Return the words of a text without punctuation, case and invisible characters.

    Of scripts without spaces each character is a word. Empty if there is no word, or if most of the
    text has no spaces although its script is known to have them.
    """
    text = text.translate(_APOSTROPHES)
    if not text.isascii():
        # Decomposed before the case is folded: a folded iota below is no mark any more.
        text = _IGNORED.sub("", unicodedata.normalize("NFD", text).casefold())
        text = unicodedata.normalize("NFC", text)
    text = text.casefold()
    words: list[str] = []
    for word in _BOUNDARY.split(text):
        if any(map(str.isalnum, word)):
            words += _CHARACTERS.findall(word) if _WITHOUT_SPACES.match(word) else [word]
    undivided = sum(len(word) for word in words if len(word) > LONGEST_WORD)
    return [] if 2 * undivided > sum(map(len, words)) else words


def count_characters(words: Sequence[str]) -> int:
    """Return how many of the words are characters of scripts without spaces."""
    return sum(1 for word in words if _WITHOUT_SPACES.match(word))
