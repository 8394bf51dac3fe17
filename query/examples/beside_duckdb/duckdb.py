"""Answers questions with DuckDB: a JSON object a line in, a JSON object a line out."""

import glob
import json
import os
import sys
import time

import duckdb

root = sys.argv[1]
views = [
    f"CREATE VIEW {os.path.basename(table)} AS "
    f"SELECT * FROM read_parquet('{table}/*/*/*.parquet', hive_partitioning = true)"
    for table in sorted(glob.glob(f"{root}/*"))
]


def connect():
    connection = duckdb.connect()
    # Footers are kept between questions, as our side does.
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("SET TimeZone = 'UTC'")
    for view in views:
        connection.execute(view)
    return connection


def answer(connection, sql):
    return connection.sql(sql).to_arrow_table().num_rows


print(json.dumps({"version": duckdb.__version__}), flush=True)
kept = connect()
for line in sys.stdin:
    order = json.loads(line)
    for path in order.get("evict", []):
        file = os.open(path, os.O_RDONLY)
        os.fdatasync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
    told = {}
    if "sql" in order:
        began = time.perf_counter()
        connection = connect() if order["cold"] else kept
        told["rows"] = answer(connection, order["sql"])
        told["ms"] = (time.perf_counter() - began) * 1e3
    print(json.dumps(told), flush=True)
