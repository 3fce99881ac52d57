"""DECTRIS Stream2: CBOR messages over ZeroMQ, and the dialects that its fields can express."""
