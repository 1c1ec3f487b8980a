#!/usr/bin/env bash
# two_parts.sh TABLE END: both halves of a table at once, as of one moment, each in PostgreSQL's
# binary format with END behind it: "> /dev/null" or "| COMMAND".
set -eo pipefail
table=$1 end=$2
coproc HOLDER { psql -qAtX -v ON_ERROR_STOP=1 -d "$SOURCE"; }
echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SELECT pg_export_snapshot();
  SELECT pg_relation_size('$table') / 8192 / 2;" >&"${HOLDER[1]}"
read -r snapshot <&"${HOLDER[0]}"
read -r middle <&"${HOLDER[0]}"
part() {
  local copy="COPY (SELECT * FROM $table WHERE $1) TO STDOUT (FORMAT binary)"
  eval "psql -qAtX -v ON_ERROR_STOP=1 -d \"\$SOURCE\" \
    -c 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' \
    -c \"SET TRANSACTION SNAPSHOT '\$snapshot'\" -c \"\$copy\" $end"
}
part "ctid < '($middle,0)'" &
first=$!
part "ctid >= '($middle,0)'" &
second=$!
wait "$first"
wait "$second"
