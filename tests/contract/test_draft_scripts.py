"""Drafts in several scripts and forms, compared on both stores."""

import unicodedata

import pytest

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.integrity import IntegrityLabel

COMPOSED = "café été à noël"
JAPANESE = "私は昨日友達と一緒に学校へ行きました"


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of one student."""
    datastore.add_student("s1", "Ada")
    return datastore


def test_another_form_is_no_change(school: DatastoreManager) -> None:
    school.add_draft("s1", "essay", COMPOSED)
    draft = school.add_draft("s1", "essay", unicodedata.normalize("NFD", COMPOSED))
    record = school.get_performance_record("s1")

    assert (draft.word_count, draft.new_words, draft.lexical_similarity) == (4, 0, 1)
    assert (record.integrity_score, record.integrity_label) == (1, IntegrityLabel.CONSISTENT)


def test_one_character_is_a_small_change(school: DatastoreManager) -> None:
    school.add_draft("s1", "essay", JAPANESE)
    draft = school.add_draft("s1", "essay", JAPANESE.replace("校", "園"))
    record = school.get_performance_record("s1")

    assert (draft.word_count, draft.new_words) == (18, 1)
    assert record.integrity_label is IntegrityLabel.CONSISTENT


def test_a_changed_vowel_sign_is_a_new_word(school: DatastoreManager) -> None:
    school.add_draft("s1", "essay", "यह किताब राम की है")
    draft = school.add_draft("s1", "essay", "यह किताब राम का है")

    assert (draft.word_count, draft.new_words) == (5, 1)


@pytest.mark.parametrize("text", ["👍👍👍", "ⴰⵎⴰⵣⵉⵖ" * 20])
def test_a_text_whose_words_are_unknown_is_not_compared(
    school: DatastoreManager, text: str
) -> None:
    school.add_draft("s1", "essay", text)
    draft = school.add_draft("s1", "essay", text)
    record = school.get_performance_record("s1")

    assert draft.version == 2
    assert (draft.new_words, draft.retained_share, draft.change_type) == (None, None, None)
    assert (record.integrity_score, record.integrity_label) == (None, None)


def test_a_jump_of_characters_needs_twice_as_many(school: DatastoreManager) -> None:
    text = JAPANESE
    for added in ("", "天", "気", "良", "春" * 150, "花鳥" * 250):
        text += added
        draft = school.add_draft("s1", "essay", text)
        if added.startswith("春"):
            assert draft.sudden_jump_flag is False

    assert draft.sudden_jump_flag is True
