"""What can go wrong, in the user's words.

- MusicError
    - FileFormatError   the file is not music that can be read, or is damaged
    - InstrumentError   the instrument is unknown, missing, or already there
    - OptionError       an option's value makes no sense for this file
    - OutputError       the result cannot be written where it was asked for

Every message says what was found, what is allowed, and what to do. Commands print it as one
sentence and exit with code 2.
"""


class MusicError(Exception):
    """Base of every error that a user can cause and mend."""


class FileFormatError(MusicError):
    """The file is not readable music: wrong format, truncated, empty, or without notes."""


class InstrumentError(MusicError):
    """The instrument is unknown, the only one there, or already played by a part."""


class OptionError(MusicError):
    """An option was given a value that cannot be used with this music."""


class OutputError(MusicError):
    """The output's folder is missing, or the output would overwrite the input."""
