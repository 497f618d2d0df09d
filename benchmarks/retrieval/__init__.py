"""Retrieval: the part of the nearest training context."""

from benchmarks.retrieval.library import Library, training_library

__all__ = ["Library", "training_library"]
