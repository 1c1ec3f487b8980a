/** SQLite as the relational room sees it. */
import type { MappedType } from "../../../core/contracts/type_mapper.ts";
import type {
  LoadColumn as RelationalColumn,
  Target as RelationalTarget,
} from "../column_match.ts";
import type { RelationalSystem, TableColumn } from "../contract.ts";
import { catalog, type SqliteTable } from "./sql/catalog.ts";
import { remake } from "./sql/remake.ts";
import { dialect, quote } from "./sql/dialect.ts";
import type { SqliteSession } from "./sql/session.ts";
import { conversionInNew, findConversion } from "./types/conversion.ts";
import { canStore } from "./types/fit.ts";
import { chooseTotals, describeSpelling } from "./types/spelling.ts";
import { declaredType, newColumnType } from "./types/type_mapper.ts";

/** How a column's values are written. */
export interface ColumnFit {
  /** The type that each value is checked to be of, where the field holds others. */
  readonly checked?: MappedType;
}

export type LoadColumn = RelationalColumn<TableColumn, ColumnFit>;
export type Target = RelationalTarget<SqliteTable, ColumnFit>;

export const sqlite: RelationalSystem<SqliteSession, SqliteTable, ColumnFit> = {
  dialect,
  catalog,
  createUniqueIndex({ table }, keys) {
    const name = quote(`dxt_upsert_${table}_${keys.join("_")}`);
    return `CREATE UNIQUE INDEX main.${name} ON ${quote(table)} (${keys.map(quote).join(", ")})`;
  },
  remake,
  types: {
    newTypes: (_session, fields, keys) =>
      Promise.resolve(fields.map((field) => newColumnType(field, keys))),
    conversionInNew,
    findConversion: (field, { type }) => findConversion(field, type),
    chooseEncoding(field, { type }, accept) {
      const declared = declaredType(type);
      if (declared === undefined || canStore(field, declared)) return {};
      const accepted = accept || field.target_type !== undefined ||
        findConversion(field, type).limit === true;
      return accepted ? { checked: declared } : undefined;
    },
    describeSpelling: (field, { type }) => describeSpelling(field, type),
    chooseTotals: (field, { type }) => chooseTotals(field, type),
  },
};
