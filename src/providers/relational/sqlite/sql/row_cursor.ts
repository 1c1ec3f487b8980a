/** The rows of an extraction one by one, their values in the order of its projections. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ExtractRequest } from "../../../../core/contracts/extractor.ts";
import { selectStatement } from "../../select.ts";
import { comparingDialect } from "./watermark_order.ts";
import type { Raw } from "../types/read_value.ts";
import { mayBeText, TextEncoding } from "../types/text_encoding.ts";

type Row = Raw[];

/** Rows between two looks at the clock. */
const PAGE = 256;

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement;
}

/**
 * Rows of any source as SQLite finds them, in pages, read in the transaction that is open on the
 * connection.
 */
export function* streamRows(
  database: DatabaseSync,
  task: ExtractRequest,
): Generator<Iterable<readonly Raw[]>> {
  const encoding = new TextEncoding(database);
  const statement = arrays(database, selectStatement(task, comparingDialect(database)));
  const rows = statement.iterate() as unknown as Iterator<Row>;
  const texts = task.projections.map(({ field }, i) => [i, field] as const)
    .filter(([, field]) => mayBeText(field));
  let done = false;
  function* some(): Generator<Row> {
    for (let i = 0; i < PAGE; i++) {
      const row = rows.next();
      done = row.done === true;
      if (row.done === true) return;
      for (const [place, field] of texts) {
        row.value[place] = encoding.decode(row.value[place]!, field);
      }
      yield row.value;
    }
  }
  while (!done) yield some();
}
