"""Words of texts in several scripts."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from staffstuddash_service.domain.drafts import compare, is_sudden_jump, min_jump
from staffstuddash_service.domain.words import LONGEST_WORD, count_characters, words_of


def revision(before: str, after: str) -> tuple[float, int]:
    """Return the retained share and the new words of a revision."""
    found = compare(words_of(before), words_of(after))
    assert found is not None
    return found.retained_share, found.new_words


def test_punctuation_and_case_are_dropped() -> None:
    assert words_of("The sky, THE Ärger!") == ["the", "sky", "the", "ärger"]
    assert words_of("well-known, 3.14 and foo_bar") == ["well", "known", "3.14", "and", "foo_bar"]


@pytest.mark.parametrize("text", ["", "...", "👍 👨‍👩‍👧 !", "\u200b\u202e", "\ue000\ue001"])
def test_a_text_without_letters_has_no_words(text: str) -> None:
    assert words_of(text) == []


def test_an_apostrophe_belongs_to_the_word_in_any_form() -> None:
    assert words_of("don't don\u2019t don\u02bct") == ["don't"] * 3


def test_both_forms_of_a_text_are_equal() -> None:
    text = "café été à noël"

    assert revision(text, unicodedata.normalize("NFD", text)) == (1, 0)
    assert len(words_of(unicodedata.normalize("NFD", text))) == 4


def test_vowel_signs_belong_to_their_word() -> None:
    assert words_of("यह किताब राम की है") == ["यह", "किताब", "राम", "की", "है"]
    assert revision("यह किताब राम की है", "यह किताब राम का है") == (0.8, 1)


def test_invisible_characters_do_not_split_or_distinguish() -> None:
    assert words_of("so\u00adft A\u200bda \u2067x\u2069 \ufeffy") == ["soft", "ada", "x", "y"]
    assert words_of("\u0645\u06cc\u200c\u062e") == ["\u0645\u06cc\u062e"]


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("私は学校に行きました。", 10),
        ("テレビ ﾃﾚﾋﾞ", 6),
        ("我们去学校。", 5),
        ("ภาษาไทยก่อน", 10),
        ("ພາສາລາວ", 7),
        ("ភាសាខ្មែរ", 5),
        ("မြန်မာစာ", 6),
        ("ꦧꦱꦗꦮ", 4),
    ],
)
def test_scripts_without_spaces_are_compared_by_characters(text: str, characters: int) -> None:
    words = words_of(text)

    assert len(words) == count_characters(words) == characters


def test_one_changed_character_of_a_sentence_is_one_new_word() -> None:
    before = "私は昨日友達と一緒に学校へ行きました"

    assert revision(before, before.replace("校", "園")) == (17 / 18, 1)


def test_scripts_with_spaces_are_compared_by_words() -> None:
    assert len(words_of("한국어 문장입니다")) == 2
    assert len(words_of("Это простое предложение")) == 3
    assert len(words_of("שלום עולם צה\u05f4ל")) == 3
    assert count_characters(words_of("한국어 Ada Это")) == 0


def test_a_mixed_text_has_words_and_characters() -> None:
    assert words_of("Python は楽しい") == ["python", "は", "楽", "し", "い"]


def test_the_words_of_an_unknown_script_without_spaces_are_unknown() -> None:
    undivided = "ⴰⵎⴰⵣⵉⵖ" * 20

    assert words_of(undivided) == []
    assert words_of(f"{'ok ' * LONGEST_WORD}{undivided[:70]}")[0] == "ok"


def test_a_jump_of_characters_is_twice_a_jump_of_words() -> None:
    assert min_jump(words_of("私は学校に行きました")) == 200
    assert min_jump(words_of("The sky is blue")) == 100
    assert is_sudden_jump(150, [1, 1, 1], 200) is False
    assert is_sudden_jump(200, [1, 1, 1], 200) is True


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_the_form_never_changes_the_words(text: str) -> None:
    words = words_of(text)

    assert words_of(unicodedata.normalize("NFC", text)) == words
    assert words_of(unicodedata.normalize("NFD", text)) == words
    assert all(words)
