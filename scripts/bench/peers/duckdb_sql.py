"""Runs statements with DuckDB on two threads, prints the rows of the last one."""

import sys

import duckdb

connection = duckdb.connect(config={"threads": 2})
for statement in sys.argv[1:]:
    result = connection.execute(statement)
for row in result.fetchall():
    print("|".join(map(str, row)))
