"""How music is written down: measures, staves and note values, whatever the file format."""
