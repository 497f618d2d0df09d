"""The symbolic writer: models over score tokens, and the command that adds a part."""
