"""The file formats, and the only places that know them."""
