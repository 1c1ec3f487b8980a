/** How PostgreSQL finds the highest watermark of a table. */
import type { WatermarkQuery } from "../../../../core/contracts/loader.ts";
import { refuseOrder } from "../../../../core/values/value_order.ts";
import type { WatermarkReader } from "../../max_watermark.ts";
import { extractOver } from "../copy_extractor.ts";
import type { PostgresSystem } from "../system.ts";
import { typeMapper } from "../types/type_mapper.ts";
import { parseVersion, type Session } from "../wire/session.ts";
import type { Relation } from "./catalog.ts";
import { quote, quoteText } from "./dialect.ts";
import { chooseComparison } from "./watermark_order.ts";

/** How PostgreSQL compares and reads watermarks. */
export function watermarkReader({ dialect, catalog }: PostgresSystem): WatermarkReader<
  Session,
  Relation
> {
  return {
    dialect,
    catalog,
    orderColumn(session, { name, type }, field, as = field) {
      return { field, comparison: compare(name, type, as, session) };
    },
    checkOrder(session, as) {
      compare(as.name, typeMapper.toTarget(as), as, session);
    },
    searchCost,
    stream: extractOver,
  };
}

async function searchCost(session: Session, { id, kind }: Relation, column: string) {
  if (kind !== "r" && kind !== "m") return undefined;
  const { rows: [row] } = await session.query(`
    SELECT pg_catalog.pg_table_size(${id})::text, EXISTS (
      SELECT FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = c.relam
      WHERE i.indrelid = ${id} AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
        AND a.attname = ${quoteText(column)})`);
  const [bytes, indexed] = row!;
  return { bytes: Number(bytes), indexed: indexed === "t" };
}

function compare(
  name: string,
  type: string,
  as: NonNullable<WatermarkQuery["as"]>,
  session: Session,
) {
  return chooseComparison(quote(name), type, as, parseVersion(session)) ??
    refuseOrder(as, `PostgreSQL, which has it as ${type},`);
}
