"""Which of the programs that we are compared with are there."""

from __future__ import annotations

import importlib.util


def missing(*modules: str) -> str:
    """Return how to install what is not there of some modules; nothing if all are.

    Parameters
    ----------
    modules : str
        Names to import, or "name=package" where the package index knows it by another name.
    """
    absent = []
    for module in modules:
        name, _, package = module.partition("=")
        if importlib.util.find_spec(name) is None:
            absent.append(package or name)
    return f"not installed: pip install {' '.join(absent)}" if absent else ""
