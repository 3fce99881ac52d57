"""Compiled decoders of packed pixels; each says what it is given and where it comes from."""
