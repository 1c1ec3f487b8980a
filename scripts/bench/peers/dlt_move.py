"""dlt_move.py SOURCE TABLE TARGET FOLDER: a table or CSV file to a database, or to a folder of Parquet.

Arrow tables all the way: ConnectorX or pyarrow reads, Parquet files are the stage, ADBC loads them.
https://dlthub.com/docs/dlt-ecosystem/verified-sources/sql_database/configuration
"""

import sys

import dlt
from dlt.sources.sql_database import sql_table

source, table, target, folder = sys.argv[1:]


def csv_batches():
    import pyarrow
    from pyarrow import csv

    for batch in csv.open_csv(source, csv.ReadOptions(block_size=16 << 20)):
        yield pyarrow.Table.from_batches([batch])


if source.endswith(".csv"):
    resource = dlt.resource(csv_batches, name=table)
else:
    # SQLAlchemy has no driver of the scheme's own name.
    url = source.replace("postgres://", "postgresql+psycopg2://")
    # Of SQLite's declared types SQLAlchemy knows only some: there the values tell.
    level = "minimal" if url.startswith("sqlite") else "full"
    resource = sql_table(url, table=table, backend="connectorx", reflection_level=level)
if target.startswith("postgres"):
    destination = dlt.destinations.postgres(target.replace("postgres://", "postgresql://"))
elif target.startswith("sqlite"):
    destination = dlt.destinations.sqlalchemy(target)
else:
    destination = dlt.destinations.filesystem(target)
dataset = "main" if target.startswith("sqlite") else "public"
pipeline = dlt.pipeline("bench", f"{folder}/dlt", destination=destination, dataset_name=dataset)
pipeline.run(resource, write_disposition="replace", loader_file_format="parquet")
