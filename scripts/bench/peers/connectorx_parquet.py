"""connectorx_parquet.py URL TABLE FILE: two partitions by id as Arrow, then one zstd Parquet file."""

import sys

import connectorx
import pyarrow.parquet

url, table, file = sys.argv[1:]
rows = connectorx.read_sql(
    url, f"SELECT * FROM {table}", return_type="arrow", partition_on="id", partition_num=2
)
pyarrow.parquet.write_table(rows, file, compression="zstd", compression_level=1)
