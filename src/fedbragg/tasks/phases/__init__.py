"""Phase identification: which phases a powder pattern shows."""
