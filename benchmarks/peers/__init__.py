"""Other libraries and systems in the same run: reading, measuring, writing."""
