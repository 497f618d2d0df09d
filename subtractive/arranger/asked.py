"""What a player is asked for, besides listening."""

from __future__ import annotations

from dataclasses import dataclass

from subtractive.claims import families_named
from subtractive.styles import FAMILIES, styles_in


@dataclass(frozen=True, slots=True)
class Asked:
    """Wishes that a player can do something about.

    Attributes
    ----------
    families, styles : frozenset of str
        Families of styles (`subtractive.styles`) to play in, and styles of them where words say
        more; none: the band's own style.
    eagerness : float
        How much more willing to strike than usual: above 0 for more notes, below for fewer. A
        pattern's digits (1 to 9) are moved by as much.
    in_three : bool or None
        Whether to divide beats in three, as swing does, or in two; None: as the band does.
    """

    families: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()
    eagerness: float = 0.0
    in_three: bool | None = None


NOTHING = Asked()


def asked_by(words: str) -> Asked:
    """Return the styles that words ask for.

    "Add ska drums" asks for ska, not for all of its family; "Add jazz drums" for any jazz.
    """
    families = frozenset(families_named(words))
    broad = {_plain(noun) for family in FAMILIES for noun in family.nouns}
    styles = {style for style in styles_in(words) if _plain(style) not in broad}
    return Asked(families, frozenset(styles) if families else frozenset())


def _plain(name: str) -> str:
    return name.casefold()
