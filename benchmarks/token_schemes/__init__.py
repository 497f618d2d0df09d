"""Token schemes beside one another: ours and those of MidiTok."""
