"""The shared idea of Subtractive: arrangements, subtraction, examples; imports no torch."""
