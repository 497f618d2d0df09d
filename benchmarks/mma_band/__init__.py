"""The program MMA as an arranger: the groove that fits best plays the estimated chords."""

from benchmarks.mma_band.band import MmaBand

__all__ = ["MmaBand"]
