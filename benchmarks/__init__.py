"""How well the product does, measured on real songs beside floors and a ceiling."""
