"""The local page and its HTTP API: `python -m symbolic.serve`."""
