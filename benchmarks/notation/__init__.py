"""What becomes of scores when parts are written into them, as notation programs see it."""
