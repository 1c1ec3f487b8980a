/** How PostgreSQL finds the highest watermark of a table. */
import type { WatermarkQuery } from "../../../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../../../core/contracts/provider.ts";
import { orderKind, refuseOrder } from "../../../../core/values/value_order.ts";
import type { Value } from "../../../../core/values/values.ts";
import { findSourceMax, type WatermarkReader } from "../../max_watermark.ts";
import type { PostgresConnector } from "../connector.ts";
import { extractOver } from "../copy_extractor.ts";
import type { PostgresSystem } from "../system.ts";
import { typeMapper } from "../types/type_mapper.ts";
import { type Session, versionOf } from "../wire/session.ts";
import type { Relation } from "./catalog.ts";
import { quote, quoteText } from "./dialect.ts";
import { comparisonOf } from "./watermark_order.ts";

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
    stream: extractOver,
  };
}

/** Bytes of a table that is read as a whole to find its highest value. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** Highest watermark of a table that has an index for it or is small; undefined of other sources. */
export async function sourceMaxWatermark(
  connector: PostgresConnector,
  asked: SourceWatermark,
): Promise<Exclude<Value, null> | undefined> {
  return await connector.reading((session) =>
    findSourceMax(
      watermarkReader(connector.system),
      session,
      asked,
      (relation) => isCheap(session, relation, asked),
    )
  );
}

/** An index on text has the order of its collation, which is not that of code points. */
async function isCheap(
  session: Session,
  { id, kind }: Relation,
  { source, projection: { column, field } }: SourceWatermark,
): Promise<boolean> {
  if (kind !== "r" && kind !== "m") return false;
  const { rows: [row] } = await session.query(`
    SELECT pg_catalog.pg_table_size(${id})::text, EXISTS (
      SELECT FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = c.relam
      WHERE i.indrelid = ${id} AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
        AND a.attname = ${quoteText(column!)})`);
  const [bytes, indexed] = row!;
  const serves = indexed === "t" && !("where" in source) && orderKind(field) !== "text";
  return Number(bytes) <= SMALL_BYTES || serves;
}

function compare(
  name: string,
  type: string,
  as: NonNullable<WatermarkQuery["as"]>,
  session: Session,
) {
  return comparisonOf(quote(name), type, as, versionOf(session)) ??
    refuseOrder(as, `PostgreSQL, which has it as ${type},`);
}
