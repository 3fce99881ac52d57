"""Undo bitshuffle's bit transpose in vector registers, and compare the elements with a limit while they are in bits.

A block of n elements of w bytes is stored as 8 w planes: the lowest bit of every element, the next bit of every
element, and so on; byte i of a plane holds the bits of the elements 8 i to 8 i + 7. Transposing the 8 x 8 bits that
eight planes have at one place gives eight streams, of which stream e belongs to element 8 i + e; interleaving the
streams puts the elements in order. Compilers do not derive this from loops, so the instructions are written here as
portable LLVM vectors, which become the machine's own shuffles, whatever its register width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fedbragg.images.codecs.compiled import compiled

LANE = 16
"""Bytes within which a shuffle is one cheap instruction."""
STEP = 2 * LANE
"""Bytes of each plane that are transposed at once."""
EXCHANGES = ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F))
"""Distance and mask of the three rounds that transpose 8 x 8 bits (Warren, Hacker's Delight, section 7-3)."""

BYTES = ir.VectorType(ir.IntType(8), STEP)
WORDS = ir.VectorType(ir.IntType(64), STEP // 8)
PLACES = ir.VectorType(ir.IntType(32), STEP // 8)


class Comparison(NamedTuple):
    """Addresses of what the elements are compared with while they are transposed."""

    expected: int  # a bit an element: set where it should be above the limit
    limits: int  # a word for each bit of an element: zero where the limit has the bit set, else all ones
    differing: int  # STEP bytes, in which the bits that differ are set


# Not inlined: then LLVM makes less of it, and decoding takes a tenth longer.
@compiled
def untranspose(planes: int, out: int, stream: int, width: int, comparison: Comparison) -> None:
    """Turn the planes at address ``planes`` into elements of ``width`` bytes (1, 2 or 4) at address ``out``.

    ``stream`` is the number of bytes in a plane, an eighth of the number of elements. Only whole steps are
    transposed: the last ``stream`` % STEP bytes of each plane are left out.
    """
    for start in range(0, stream // STEP * STEP, STEP):
        here = Comparison(comparison.expected + start, comparison.limits, comparison.differing)
        if width == 1:
            untranspose_step_1(planes + start, out + start * 8, stream, here)
        elif width == 2:
            untranspose_step_2(planes + start, out + start * 16, stream, here)
        else:
            untranspose_step_4(planes + start, out + start * 32, stream, here)


def _step(width: int) -> Any:
    """Return a compiled function that turns STEP bytes of every plane into elements of ``width`` bytes."""

    def generate(
        context: Any, builder: ir.IRBuilder, signature: Any, arguments: Sequence[ir.Value]
    ) -> ir.Value:
        planes, out, stream, comparison = arguments
        expected, limits, differing = (builder.extract_value(comparison, k) for k in range(3))
        rows = [
            _load(builder, builder.add(planes, builder.mul(stream, stream.type(k)))) for k in range(8 * width)
        ]
        differs = builder.xor(_above(builder, rows, limits), _load(builder, expected))
        place = builder.inttoptr(differing, WORDS.as_pointer())
        builder.store(builder.or_(_load(builder, differing), differs), place, align=1)
        streams = [_transpose(builder, rows[8 * byte : 8 * byte + 8]) for byte in range(width)]
        # In the order in which the bytes lie in memory: by element, then by byte within it.
        ordered = [streams[byte][element] for element in range(8) for byte in range(width)]
        for group in range(0, len(ordered), LANE):
            interleaved = _interleave(builder, ordered[group : group + LANE], 1)
            _store(builder, interleaved, builder.add(out, out.type(group)), 8 * width)
        return context.get_dummy_value()

    @intrinsic
    def step(typing_context: Any, planes: Any, out: Any, stream: Any, comparison: Any) -> Any:
        return types.void(types.intp, types.intp, types.intp, comparison), generate

    return step


def _above(builder: ir.IRBuilder, rows: list[ir.Value], limits: ir.Value) -> ir.Value:
    """Return a bit for each element, set where it is above the limit; rows from the lowest bit to the highest.

    A higher bit overrules the lower ones where it differs from the limit's: set, the element is above; clear, it is
    not. That is the majority of the bit, the result so far, and the limit's bit inverted. Negative elements have
    their highest bit set, which the limit has not, and so count as above.
    """
    above = ir.Constant(WORDS, [0] * WORDS.count)
    for bit, row in enumerate(rows):
        place = builder.inttoptr(builder.add(limits, limits.type(8 * bit)), ir.IntType(64).as_pointer())
        single = builder.insert_element(
            ir.Constant(WORDS, ir.Undefined), builder.load(place), ir.IntType(32)(0)
        )
        inverted = builder.shuffle_vector(single, single, ir.Constant(PLACES, [0] * WORDS.count))
        above = builder.or_(builder.and_(row, above), builder.and_(inverted, builder.or_(row, above)))
    return above


def _load(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    return builder.load(builder.inttoptr(address, WORDS.as_pointer()), align=1)


def _transpose(builder: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """Transpose the 8 x 8 bits of eight rows in every byte column; return the rows as bytes."""
    for distance, mask in EXCHANGES:
        for upper in (k for k in range(8) if not k & distance):
            rows[upper], rows[upper + distance] = _exchange(
                builder, rows[upper], rows[upper + distance], distance, mask
            )
    return [builder.bitcast(row, BYTES) for row in rows]


def _exchange(
    builder: ir.IRBuilder, upper: ir.Value, lower: ir.Value, distance: int, mask: int
) -> tuple[ir.Value, ir.Value]:
    shift = ir.Constant(WORDS, [distance] * WORDS.count)
    kept = ir.Constant(WORDS, [mask] * WORDS.count)
    moved = builder.and_(builder.xor(builder.lshr(upper, shift), lower), kept)
    return builder.xor(upper, builder.shl(moved, shift)), builder.xor(lower, moved)


def _interleave(builder: ir.IRBuilder, streams: list[ir.Value], unit: int) -> list[ir.Value]:
    """Interleave streams within lanes: ``unit`` bytes of the first, of the second ... then the next bytes of each."""
    if len(streams) == 1:
        return streams
    pairs = list(zip(streams[::2], streams[1::2], strict=True))
    halves = [
        [builder.shuffle_vector(first, second, _unpack(unit, half)) for first, second in pairs]
        for half in (0, 1)
    ]
    return _interleave(builder, halves[0], 2 * unit) + _interleave(builder, halves[1], 2 * unit)


def _unpack(unit: int, half: int) -> ir.Constant:
    """Return the shuffle that alternates units of two vectors' lower (0) or upper (1) half, lane by lane."""
    places = [
        lane + half * LANE // 2 + piece + vector * STEP + byte
        for lane in range(0, STEP, LANE)
        for piece in range(0, LANE // 2, unit)
        for vector in (0, 1)
        for byte in range(unit)
    ]
    return ir.Constant(ir.VectorType(ir.IntType(32), STEP), places)


def _store(builder: ir.IRBuilder, interleaved: list[ir.Value], out: ir.Value, pitch: int) -> None:
    """Store each lane at its address: ``pitch`` bytes lie between the elements of neighbouring plane bytes."""
    kind = ir.VectorType(ir.IntType(8), LANE)
    for position, vector in enumerate(interleaved):
        for lane in range(STEP // LANE):
            column = lane * LANE + position * LANE // len(interleaved)
            places = ir.Constant(
                ir.VectorType(ir.IntType(32), LANE), list(range(lane * LANE, (lane + 1) * LANE))
            )
            piece = builder.shuffle_vector(vector, vector, places)
            address = builder.inttoptr(builder.add(out, out.type(column * pitch)), kind.as_pointer())
            builder.store(piece, address, align=1)


untranspose_step_1, untranspose_step_2, untranspose_step_4 = _step(1), _step(2), _step(4)
