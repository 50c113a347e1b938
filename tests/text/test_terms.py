"""Words and bigrams of Chinese text with English terms."""

import pytest

from chatbot.text.terms import bigrams, normalise, without_stop_words, words


def test_a_compound_name_is_found_whole_and_by_its_parts() -> None:
    assert words("GRU-Mem") == ["gru-mem", "gru", "mem"]


def test_chinese_is_cut_into_words() -> None:
    assert words("推理速度提升") == ["推理", "速度", "提升"]


def test_full_width_letters_and_digits_match_half_width_ones() -> None:
    assert words("ＧＲＵ－Ｍｅｍ ４００") == words("GRU-Mem 400")


@pytest.mark.parametrize("number", ["61.4", "400", "2602.10560"])
def test_a_number_stays_one_word(number: str) -> None:
    assert number in words(f"提升 {number}%")


def test_bigrams_overlap_within_a_chinese_run_and_keep_latin_words_whole() -> None:
    assert bigrams("推理速度 of BERT") == ["推理", "理速", "速度", "of", "bert"]


def test_a_single_character_is_its_own_bigram() -> None:
    assert bigrams("A 卡 B") == ["a", "卡", "b"]


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert without_stop_words(["what", "is", "bert"]) == ["bert"]
    assert without_stop_words(["what", "is"]) == ["what", "is"]


def test_punctuation_and_emoji_give_no_terms() -> None:
    assert words("，。！📄 —— ") == []


def test_normalising_twice_changes_nothing() -> None:
    text = "Ｑｗｅｎ３－ＶＬ ①"
    assert normalise(normalise(text)) == normalise(text)


def test_english_words_are_known_by_their_stem() -> None:
    assert words("imagines") == words("imagining") == bigrams("imagine")
    assert words("GPT-4o") == ["gpt-4o", "gpt", "4o"]


def test_stop_words_are_stop_words_in_every_form() -> None:
    assert without_stop_words(words("what does this robot do 训练")) == ["robot", "训练"]
