"""What a player is asked for, besides listening."""

from __future__ import annotations

from dataclasses import dataclass

from subtractive.claims import claims, families_named
from subtractive.styles import FAMILIES, styles_in

_MANY = 4.0  # times as likely are fills that are asked for


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
    fills : float
        How many times as likely drum fills are: 0 for none.
    """

    families: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()
    eagerness: float = 0.0
    in_three: bool | None = None
    fills: float = 1.0


NOTHING = Asked()


def asked_by(words: str) -> Asked:
    """Return the styles that words ask for.

    "Add ska drums" asks for ska, not for all of its family; "Add jazz drums" for any jazz.
    """
    families = frozenset(families_named(words))
    broad = {_plain(noun) for family in FAMILIES for noun in family.nouns}
    styles = {style for style in styles_in(words) if _plain(style) not in broad}
    heard = claims(words)
    if heard.stated & {"no_fills"} or heard.denied & {"fills"}:
        fills = 0.0
    else:
        fills = _MANY if heard.stated & {"fills", "phrase_fills"} else 1.0
    return Asked(families, frozenset(styles) if families else frozenset(), fills=fills)


def _plain(name: str) -> str:
    return name.casefold()
