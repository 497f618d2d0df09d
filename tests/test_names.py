"""The folder tokenizers/ must never stand in the way of Hugging Face's library of that name."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

# top-level names that belong to other libraries, or that are of use in a checkout only
FOREIGN = {"tokenizers", "transformers", "datasets", "evaluate", "tests", "benchmarks", "docs"}


def test_tokenizers_is_a_source_root_and_the_import_is_hugging_faces() -> None:
    import tokenizers

    assert not (ROOT / "tokenizers" / "__init__.py").exists()
    assert not (ROOT / "tokenizers.py").exists()
    assert tokenizers.__file__ is not None
    assert not Path(tokenizers.__file__).is_relative_to(ROOT / "tokenizers")
    assert hasattr(tokenizers, "AddedToken")


def test_no_package_of_the_wheel_takes_a_foreign_name() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert not {Path(package).name for package in packages} & FOREIGN
    assert all((ROOT / package / "__init__.py").is_file() for package in packages)
