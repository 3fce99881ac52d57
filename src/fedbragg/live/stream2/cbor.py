"""CBOR bytes -> the fields of a message; malformed bytes raise our own error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedbragg.live.message import MessageError, shown

MAX_DEPTH = 32
"""Most levels of nested containers; a detector's message has six."""
UNUSED_TAGS = (35, 36)
"""Regular expressions and e-mails, which cbor2 would parse: they cost time and no message has them."""


def fields_of(message: bytes) -> Mapping[Any, Any]:
    """Return a message's fields, with or without tag 55799 in front; raise MessageError where there are none.

    cbor2 reads byte strings piece by piece and containers item by item, so a declared length beyond the message's end
    allocates nothing.
    """
    import cbor2

    try:
        value = cbor2.loads(
            message, max_depth=MAX_DEPTH, semantic_decoders=dict.fromkeys(UNUSED_TAGS, _nothing)
        )
    except cbor2.CBORDecodeEOF:
        raise MessageError(f"a message of {len(message)} bytes is cut short.") from None
    except Exception as error:  # hostile bytes can raise any error of the decoder's parts
        raise MessageError(_no_stream2(f"no CBOR ({shown(str(error))})")) from None
    # After tag 55799 cbor2 returns a frozen dictionary and tuples, which are no dict and no list.
    if not isinstance(value, Mapping):
        raise MessageError(_no_stream2("no CBOR map"))
    return value


def _no_stream2(reason: str) -> str:
    return f"{reason}: this is not Stream2. Check the port, and that the detector's stream format is cbor."


def _nothing(value: object, immutable: bool) -> None:
    """Return None in place of a decoded tag."""
