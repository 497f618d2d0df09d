"""Which family of styles a part sounds like: a small classifier, its training and its limits."""
