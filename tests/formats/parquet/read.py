"""Prints a Parquet file as JSON: its rows as text that tells every bit, and its statistics."""
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def text(value, kind):
    if value is None:
        return None
    if pa.types.is_boolean(kind):
        return "true" if value else "false"
    if pa.types.is_decimal(kind):
        sign, digits, exponent = value.as_tuple()
        return str((-1 if sign else 1) * int("".join(map(str, digits))))
    if pa.types.is_string(kind):
        return value.encode().hex()
    if pa.types.is_binary(kind):
        return value.hex()
    return repr(value) if pa.types.is_floating(kind) else str(value)


def bound(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def plain(column):
    """The column with times as the numbers that they are, JSON and UUIDs as their text."""
    if isinstance(column.type, pa.BaseExtensionType):
        if str(column.type) == "extension<arrow.uuid>":
            return pa.array(None if value is None else str(value) for value in column.to_pylist())
        column = column.cast(column.type.storage_type)
    kind = column.type
    if pa.types.is_date32(kind):
        return column.cast(pa.int32())
    if pa.types.is_time(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.int64())
    return column


file = pq.ParquetFile(sys.argv[1], page_checksum_verification=True)
table = file.read()
columns = []
for column in map(plain, table.columns):
    columns.append([text(value, column.type) for value in column.to_pylist()])
groups = []
for i in range(file.metadata.num_row_groups):
    group = file.metadata.row_group(i)
    chunks = []
    for j in range(group.num_columns):
        statistics = group.column(j).statistics
        bounds = None
        if statistics.has_min_max:
            try:
                bounds = [bound(statistics.min), bound(statistics.max)]
            except OverflowError:
                bounds = ["beyond", "beyond"]
        chunks.append({"nulls": statistics.null_count, "bounds": bounds})
    groups.append(chunks)
json.dump({
    "rows": [list(row) for row in zip(*columns)],
    "types": [str(field.type) for field in table.schema],
    "nullable": [field.nullable for field in table.schema],
    "statistics": groups,
}, sys.stdout)
