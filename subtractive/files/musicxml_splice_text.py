"""XML as text in its own encoding: where elements begin and end, and text put in or taken out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from subtractive.errors import FileFormatError

BLANK = " \t\r\n"
_DEEPEST = 2  # of the elements that are listed: the root has depth 0

# A well-formed document has no other "<" than these. Quoted values may hold ">", comments and
# CDATA sections may hold tags.
_TOKEN = re.compile(
    r"""
    <!--.*?--> | <!\[CDATA\[.*?\]\]> | <\?.*?\?>
    | <!DOCTYPE (?: [^"'\[>]++ | "[^"]*+" | '[^']*+' )*+
        (?: \[ (?: <!--.*?--> | <\?.*?\?> | "[^"]*+" | '[^']*+' | [^"'\]] )*+ \] \s*+ )?+ >
    | <(?P<close>/?)(?P<name>[^\s/>]++) (?: [^"'>]++ | "[^"]*+" | '[^']*+' )*+ >
    """,
    re.DOTALL | re.VERBOSE,
)


class Span(NamedTuple):
    """Where an element stands in a text: its start tag, what it holds, its end tag.

    `inside` and `inside_stop` enclose what it holds; both are `stop` in ``<an-empty/>`` one.
    """

    name: str
    depth: int
    start: int
    inside: int
    inside_stop: int
    stop: int

    @property
    def prefix(self) -> str:
        """The prefix of its namespace, with the colon; mostly empty."""
        return "".join(self.name.rpartition(":")[:2])

    @property
    def local_name(self) -> str:
        """The name without that prefix."""
        return self.name.rpartition(":")[2]


class Edit(NamedTuple):
    """A stretch of text, maybe an empty one, and what is to stand there instead."""

    start: int
    stop: int
    text: str


class XmlText(NamedTuple):
    """A document as text, line ends and all, and how it becomes bytes again."""

    text: str
    codec: str

    def edited(self, edits: Sequence[Edit]) -> bytes:
        """Return the bytes with edits that do not overlap; all others are what they were.

        A character that the encoding lacks becomes a numeric reference.
        """
        pieces, here = [], 0
        for edit in sorted(edits, key=lambda edit: edit[:2]):
            pieces.append(self.text[here : edit.start].encode(self.codec))
            pieces.append(edit.text.encode(self.codec, "xmlcharrefreplace"))
            here = edit.stop
        return b"".join([*pieces, self.text[here:].encode(self.codec)])


def xml_text(xml: bytes, encoding: str, name: str) -> XmlText:
    """Decode a document such that encoding it gives the same bytes.

    Parameters
    ----------
    xml : bytes
    encoding : str
        What the document says of it.
    name : str
        How messages call the file.

    Raises
    ------
    FileFormatError
        If that cannot be done.
    """
    # a byte order mark stays in the text as a character, so the byte order is named
    little, big = (b"\xff\xfe", b"<\0"), (b"\xfe\xff", b"\0<")
    codec = encoding
    if not encoding.upper().startswith("UTF-32"):
        codec = {little[0]: "utf-16-le", little[1]: "utf-16-le"}.get(xml[:2], codec)
        codec = {big[0]: "utf-16-be", big[1]: "utf-16-be"}.get(xml[:2], codec)
    try:
        result = XmlText(xml.decode(codec), codec)
        if result.edited(()) != xml:
            raise ValueError
    except (LookupError, ValueError) as error:
        raise FileFormatError(
            f"{name} is written in the encoding {encoding}, which nothing can be added in: "
            "export the score as UTF-8"
        ) from error
    return result


def outline(text: str) -> list[Span]:
    """Return the root of a well-formed document, its children and theirs, ordered by their ends."""
    found: list[Span] = []
    opened: list[tuple[int, int]] = []  # the start tags around: where each begins and ends
    for token in _TOKEN.finditer(text):
        if (name := token["name"]) is None:
            continue
        start, stop = token.span()
        if token["close"]:
            tag = opened.pop()
            if len(opened) <= _DEEPEST:
                found.append(Span(name, len(opened), *tag, start, stop))
        elif text[stop - 2] != "/":
            opened.append((start, stop))
        elif len(opened) <= _DEEPEST:
            found.append(Span(name, len(opened), start, stop, stop, stop))
    return found


def blank_before(text: str, place: int) -> int:
    """Return where the white space begins that ends at a place."""
    while place and text[place - 1] in BLANK:
        place -= 1
    return place


def prefixed(markup: str, prefix: str) -> str:
    """Return markup with a namespace prefix before the name of each element."""
    if not prefix:
        return markup
    return _TOKEN.sub(
        lambda token: (
            token[0]
            if token["name"] is None
            else f"<{token['close']}{prefix}{token[0][1 + len(token['close']) :]}"
        ),
        markup,
    )
