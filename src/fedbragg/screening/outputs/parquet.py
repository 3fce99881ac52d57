"""Convert the table of verdicts to Parquet, a batch at a time."""

from __future__ import annotations

from pathlib import Path

from fedbragg.screening.outputs.tables import COLUMNS, VERDICTS


def write_parquet(path: Path, folder: Path) -> None:
    """Write the verdicts.csv of a folder as Parquet, null where there is no number."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    numbers = (pa.float64(), pa.int64(), pa.float64())  # background, spots, resolution
    types = (pa.string(), pa.int64(), pa.float64(), pa.bool_(), *numbers, pa.string())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    conversion = csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=False)
    parsing = csv.ParseOptions(newlines_in_values=True)
    with (
        csv.open_csv(folder / VERDICTS, parse_options=parsing, convert_options=conversion) as batches,
        parquet.ParquetWriter(path, schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
