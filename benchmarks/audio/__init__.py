"""How well sound is written: clips of any system beside floors and the true mix."""
