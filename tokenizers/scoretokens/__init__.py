"""Score tokens: the vocabulary, grammar and codec between parts and sequences of ids."""
