"""What the documents say is there, and what is there is in the documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import readme
from benchmarks.metrics import MEASURES
from benchmarks.metrics.sound import MEASURES as SOUND_MEASURES
from benchmarks.writers import WRITERS
from subtractive.errors import OptionError

ROOT = Path(__file__).parent.parent
EVALUATION = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MEASURES)
def test_every_metric_is_explained(name: str) -> None:
    assert f"`{name}`" in EVALUATION


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_is_explained(name: str) -> None:
    assert f"| {name} |" in EVALUATION.replace("**", "")


def test_every_metric_of_sound_is_explained_where_the_document_points() -> None:
    text = (ROOT / "benchmarks" / "metrics" / "sound.py").read_text(encoding="utf-8")
    assert all(f"`{measure.name}`" in text for measure in SOUND_MEASURES)


def test_the_tables_of_the_readme_are_those_of_the_results(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert readme.main(["--check"]) == 0, capsys.readouterr().out


def test_results_of_another_program_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "quick.json").write_text('{"summaries": [{"case": "song"}]}', encoding="utf-8")
    text = "<!-- quick -->\n<!-- end of quick -->"
    with pytest.raises(OptionError, match=r"quick\.json cannot be shown"):
        readme.with_tables(text, tmp_path)
    assert readme.with_tables("no table", tmp_path) == "no table"


def test_a_readme_that_is_out_of_date_is_written_anew(tmp_path: Path) -> None:
    copy = tmp_path / "README.md"
    before = (ROOT / "README.md").read_text(encoding="utf-8")
    copy.write_text(before.replace("| snare F1 |", "| by hand |"), encoding="utf-8")
    assert readme.main(["--readme", str(copy), "--check"]) == 1
    assert readme.main(["--readme", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == before
