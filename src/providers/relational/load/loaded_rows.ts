/** The rows that a load wrote, read back in its transaction. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ExtractRequest } from "../../../core/contracts/extractor.ts";
import type { ColumnTotals, LoadedRows, LoadTask } from "../../../core/contracts/loader.ts";
import type { MappedType } from "../../../core/contracts/type_mapper.ts";
import { ValueError } from "../../../core/errors.ts";
import {
  exactDecimal,
  formatValue,
  isIntegerType,
  parseText,
} from "../../../core/values/values.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamSource } from "../../../models/source.ts";
import { ALTERED, type LoadColumn, type Target } from "../column_match.ts";
import type {
  ColumnOf,
  RelationalSystem,
  SqlSession,
  SqlValue,
  Table,
  TotalName,
} from "../contract.ts";
import { fromClause, ownCondition } from "../select.ts";

const BATCH = { batchRows: 8192, batchBytes: 16 * 1024 * 1024 };

/** Where the rows of a load are. */
export interface LoadedRange {
  /** The table, or a query of it. */
  readonly source: StreamSource;
  /** A condition in SQL besides that of the source; `read` has its own. */
  readonly condition?: string | undefined;
  readonly doubt?: string | undefined;
  /** Reads in the transaction of the load. */
  read(request: ExtractRequest): AsyncGenerator<Batch, unknown, void>;
}

/** Describes the rows of a load for its verification. */
export function describeLoaded<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  { signal }: LoadTask,
  { table, columns, computed }: Target<T, E>,
  { source, condition, doubt, read }: LoadedRange,
): LoadedRows {
  const byName = new Map(columns.map((column) => [column.field.name, column]));
  const altered = columns.flatMap(({ field, column }): [string, string][] => {
    const spelling = system.types.describeSpelling?.(field, column);
    return spelling === undefined ? [] : [[field.name, spelling]];
  });
  const request = (fields: readonly Field[]): ExtractRequest => ({
    ...{ source, ...BATCH, signal, recycle: true },
    projections: fields.map((field) => ({ field, column: byName.get(field.name)!.column.name })),
  });
  return {
    label: table.label,
    fields: columns.map(({ field }) => field),
    altered: new Map([...altered, ...computed.map((name) => [name, ALTERED] as const)]),
    doubt,
    read: (fields) => read(request(fields)),
    async total(fields) {
      const chosen = fields.map(({ name }) => byName.get(name)!);
      const selected = chosen.map((column) => selectTotals(system, column));
      const conditions = [...ownCondition(source), ...(condition === undefined ? [] : [condition])];
      const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
      const from = `${fromClause(source, system.dialect)}${where}`;
      const list = selected.flatMap(({ sql }) => sql).map((sql) => `, ${sql}`).join("");
      const { rows: [row] } = await session.query(`SELECT count(*)${list} FROM ${from}`);
      const values = row!.values();
      const rows = Number(values.next().value);
      return { rows, columns: selected.map(({ read }) => read(rows, values)) };
    },
  };
}

/** Whether a field reads back from a column of another type: servers print 1 as 1.00, 1e15 or true there. */
export function isReadBack(dtype: DXTType, column: MappedType): boolean {
  const isFloat = column.dtype.startsWith("float");
  if (isIntegerType(dtype)) {
    return !isFloat && column.dtype !== "bool" &&
      (column.scale === undefined || column.scale === 0);
  }
  if (dtype === "decimal") return !isFloat;
  return dtype !== "date" || !column.dtype.startsWith("timestamp");
}

/** The SQL of a column's totals, and how its values are read from the answer. */
function selectTotals<S extends SqlSession, T extends Table, E>(
  { dialect, types }: RelationalSystem<S, T, E>,
  { field, column }: LoadColumn<ColumnOf<T>, E>,
): { sql: string[]; read(rows: number, values: Iterator<SqlValue>): ColumnTotals } {
  const name = dialect.quote(column.name);
  const totals = types.chooseTotals(field, column);
  const isFloat = field.dtype.startsWith("float");
  const number = isFloat ? dialect.withoutNaN?.(name) ?? name : name;
  const isNumber = isFloat || /^u?int|^decimal/.test(field.dtype);
  const length = dialect.byteLength(name, field);
  const value = (total: string) => total === "sum" && !isNumber ? length : number;
  return {
    sql: [`count(${name})`, ...totals.map((total) => `${total}(${value(total)})`)],
    read(rows, values) {
      const nulls = rows - Number(values.next().value);
      const found = totals.map((total) => [total, values.next().value as SqlValue] as const);
      return {
        nulls,
        ...Object.fromEntries(
          found.flatMap(([total, answer]) =>
            answer === null ? [] : [[total, formatAnswer(field, total, String(answer))]]
          ),
        ),
      };
    },
  };
}

/**
 * Formats a total as the stage does, so that equal ones are equal texts. Undefined for a text that only the system
 * reads, such as a year before 1.
 */
export function formatAnswer(field: Field, total: TotalName, text: string): string | undefined {
  const { dtype, scale = 0 } = field;
  // A sum has more digits than its field, and the column may have more places. What has a fraction where the field
  // has none differs from the stage, and is shown as it is.
  if (dtype === "decimal") return exactDecimal(text, Infinity, scale) ?? text;
  if (isIntegerType(dtype)) return exactDecimal(text, Infinity, 0) ?? text;
  if (total === "sum") return text;
  // A column without zones has the times of the session, which is in UTC.
  const isBare = dtype === "timestamp_tz" && /^\S+ [\d:.]+$/.test(text);
  try {
    const value = parseText(isBare ? `${text}Z` : text, field)!;
    // A summary has -0 as 0.
    return formatValue(value === 0 ? 0 : value);
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}
