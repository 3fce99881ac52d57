"""Compiled decoders: bitshuffle, LZ4, byte offset."""
