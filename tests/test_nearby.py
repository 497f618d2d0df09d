"""Words that the lexicon has not, read as the nearest ones that it has."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.words import KNOWN
from benchmarks.nearby import cases, shares
from subtractive.arrangement import Arrangement
from subtractive.claims import claims, families_named
from subtractive.files.midi import write_midi
from subtractive.lexicon import LEXICON, Entry
from subtractive.nearby import nearest, understood
from subtractive.styles import FAMILIES, Family
from symbolic.add import main as add
from symbolic.distil import main as distil
from symbolic.distil import principal

PAPER = (
    "Add rock drums",
    "Add indie drums with punchy beats",
    "Add reggae beats",
    "Add soft acoustic drums to enhance emotion",
    "Generate percussion with a lively Latin flair",
    "Add jazzy drums",
    "Add aggressive rock drums with cymbal crashes",
)


@pytest.mark.parametrize("prompt", PAPER)
def test_what_the_lexicon_knows_is_left_as_it_is(prompt: str) -> None:
    told = understood(prompt)
    assert (told.text, told.readings, told.remarks()) == (prompt, (), [])


@pytest.mark.parametrize("entry", LEXICON, ids=lambda entry: f"{entry.term}-{entry.slot}")
def test_no_form_of_the_lexicon_is_rewritten(entry: Entry) -> None:
    for form in entry.forms:
        said = form.replace("{s}", "s").replace("{es}", "es")
        assert understood(said).text == said


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_style_is_rewritten(family: Family) -> None:
    for style in family.styles:
        for word in (style.name, *style.adjectives, *style.heard):
            assert understood(word).text == word


@pytest.mark.parametrize(
    ("word", "family"),
    [("Marley", "reggae and ska"), ("Havana", "latin"), ("rapper", "hip hop"), ("Slayer", "metal")],
)
def test_names_nobody_listed_lead_to_their_style(word: str, family: str) -> None:
    assert families_named(f"{word} drums") == set()
    assert families_named(understood(f"{word} drums").text) == {family}


def test_a_denied_word_stays_denied() -> None:
    told = claims(understood("drums, not deafening").text)
    assert told.denied == {"loud"}
    assert not told.stated


def test_slips_of_the_pen_are_read() -> None:
    assert understood("agressive regae drums").text == "aggressive reggae drums"


def test_words_that_ask_for_nothing_are_told() -> None:
    (remark,) = understood("a banana, please").remarks()
    assert "asks for nothing that is known" in remark
    assert understood("").remarks() == []


def test_what_only_sound_can_be_is_left_to_it() -> None:
    assert understood("muffled drums", KNOWN).text == "muffled drums"
    assert understood("glittering drums", KNOWN).text == "sparkling drums"


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="abcdefghilmnoprstuwy -',.", max_size=60))
def test_what_was_understood_is_understood_again(text: str) -> None:
    once = understood(text)
    assert understood(once.text).text == once.text


def test_a_word_is_nearest_to_itself() -> None:
    word, likeness = nearest("reggae", ("metal", "reggae"))
    assert word == "reggae"
    assert likeness == pytest.approx(1.0)
    assert nearest("xqzzy", ("metal",)) == ("", -1.0)


def test_most_readings_are_right() -> None:
    found = shares(cases(), 0.45)
    assert found["right"] > 6 * found["wrong"]
    assert found["read into"] < 0.1


def test_principal_axes_keep_who_is_near_whom() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 20))
    small = principal([flat.astype(np.float32)], 4).astype(float)
    assert np.abs(small).max(axis=1).tolist() == [127] * 200
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    flat = flat - flat.mean(axis=0)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    flat -= flat.mean(axis=0)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    # three dimensions fit into four axes: nothing is lost but what bytes round
    assert np.abs(small @ small.T - flat @ flat.T).max() < 0.03


def test_the_command_tells_what_it_understood(
    song: Arrangement, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(write_midi(song))
    said = ["--instrument", "bass", "--replace", "--takes", "1", "--bars", "1-2"]
    outputs = []
    for number, prompt in enumerate(("a deafening bass", "a loud bass")):
        target = tmp_path / f"{number}.mid"
        assert add([*said, "--prompt", prompt, "-o", str(target), "--json", str(path)]) == 0
        outputs.append(target.read_bytes())
        told = capsys.readouterr()
        notices = json.loads(told.out.splitlines()[-1])["outputs"][0]["notices"]
        assert ('"deafening" is understood as "loud"' in notices) == (number == 0)
    assert outputs[0] == outputs[1]


def test_no_model_in_the_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers")
    assert distil([str(tmp_path), "-o", str(tmp_path / "table.safetensors")]) == 2
    assert "holds no sentence model" in capsys.readouterr().err


def test_a_tiny_model_is_distilled(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from safetensors.numpy import load_file

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "loud", "soft", "drum", "##s", "in", "a"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    assert distil([str(tmp_path), "-o", str(tmp_path / "table.safetensors")]) == 0
    table = load_file(tmp_path / "table.safetensors")
    assert table["words"].tobytes().decode().split() == ["drum", "loud", "soft"]
    assert table["vectors"].shape[0] == 3
