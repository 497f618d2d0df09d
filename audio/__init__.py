"""Sound: the missing stem of a recording."""
