"""The table of verdicts as Parquet, a piece at a time."""

from __future__ import annotations

from pathlib import Path

from fedbragg.screening.outputs.tables import COLUMNS, VERDICTS


def write_parquet(path: Path, folder: Path) -> str:
    """Write the verdicts.csv of a folder as Parquet: null where there is no score or background."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    kinds = (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.float64(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    options = csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=False)
    parsing = csv.ParseOptions(newlines_in_values=True)
    with (
        csv.open_csv(folder / VERDICTS, parse_options=parsing, convert_options=options) as pieces,
        parquet.ParquetWriter(path, schema) as writer,
    ):
        for piece in pieces:
            writer.write_batch(piece)
    return ""
