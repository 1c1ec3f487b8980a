/**
 * The contract between a relational provider and the files of this folder. The provider writes a
 * {@linkcode Dialect}, which is data and a few functions without a connection, a {@linkcode SqlSession}
 * over its driver or wire protocol, a {@linkcode Catalog} and {@linkcode ColumnTypes}. All of them run in
 * the worker that holds the connection, and none while a pipeline is planned offline.
 */
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import type { Conversion } from "../../core/values/conversion.ts";
import type { Value } from "../../core/values/values.ts";

/** How one system writes SQL. */
export interface Dialect {
  /** The system in messages, for example `PostgreSQL`. */
  readonly product: string;
  /** Syntax of strings and comments in a query; unset: that of the standard and of PostgreSQL. */
  readonly lexis?: "standard" | "mysql";
  /** Quotes an identifier, whatever characters it has: `names.ts` has `quoteName` for it. */
  quote(identifier: string): string;
  /** Two names of columns or tables are the same name where their folded forms are equal. */
  foldName(name: string): string;
  /** Schema of a new table whose name has none; unset: the session's own. */
  readonly defaultSchema?: string;
  /** The server truncates longer names silently; unset if the system refuses or accepts them. */
  readonly longestName?: { readonly length: number; readonly unit: "bytes" | "characters" };
  /**
   * Text as an argument of a function whose result is read as a table; unset where the system has no
   * such functions.
   */
  textArgument?(text: string): string;
  /**
   * A condition that holds where a column has a value of the pipeline, in the order and case that the
   * value has, whatever collation the column has.
   */
  equal(sql: string, value: string | number | boolean): string;
  /**
   * SQL that sorts like a field of whole numbers, for a column that may store them in another way.
   * Neighbours may be equal in it. Unset: `sql` itself.
   */
  wholeNumber?(sql: string, field: Field): string;
  /** SQL of the length of a text or of bytes, in bytes; of text those of UTF-8, whatever the encoding is. */
  byteLength(sql: string, field: Field): string;
  /** SQL of a float that is NULL for NaN; unset where the system has no NaN. */
  withoutNaN?(sql: string): string;
  /** A moment in SQL, as the columns store it that dxt makes for timestamp_tz, or for timestamp in UTC. */
  momentLiteral(moment: Temporal.Instant, dtype?: "timestamp" | "timestamp_tz"): string;
  /** SQL that selects a column or expression as the field that is read, without an alias. */
  select(sql: string, field: Field): string;
  /**
   * How a watermark is compared. Called once for each statement that has a range.
   *
   * @throws {SchemaError} where the system would compare it in another order than dxt
   */
  compare(sql: string, field: Field): Comparison;
}

/** All of a dialect that names need. */
export type Quoting = Pick<Dialect, "quote">;

/** All of a dialect that the FROM of a statement needs. */
export type FromDialect = Pick<Dialect, "product" | "lexis" | "quote" | "textArgument">;

/** A watermark in SQL. */
export interface Comparison {
  /** Sorts as the field's values do. */
  readonly sql: string;
  /** A bound, to be compared with `sql`. */
  literal(value: Exclude<Value, null>): string;
  /** Holds for NaN and infinity, where the type has them. */
  readonly placeless?: string | undefined;
  /** A condition that an index serves, and that holds for each row from the value on. */
  atLeast?(value: Exclude<Value, null>): string | undefined;
}

/** A value of a control query, as the driver returns it. */
export type SqlValue = null | string | number | bigint | boolean | Uint8Array;
export type SqlRow = readonly SqlValue[];

/**
 * One open connection, in the transaction that its owner began. Control statements go through it one
 * after the other; rows of a stream do not.
 */
export interface SqlSession {
  /** Runs one statement without parameters; its rows are few and held in memory. */
  query(sql: string): Promise<{ readonly rows: readonly SqlRow[] }>;
}

/** A name of a table, with its schema where one was given. */
export interface TableName {
  readonly schema?: string;
  readonly name: string;
}

/** A column of a table that exists. */
export interface TableColumn {
  readonly name: string;
  /** The type as the catalogue prints it. */
  readonly type: string;
  /** The column allows NULL. */
  readonly nullable: boolean;
  /** The system fills the column if an INSERT does not name it. */
  readonly hasDefault: boolean;
  /** The system computes the column: no statement can write it. */
  readonly generated: boolean;
  /** The system numbers new rows and never renumbers old ones: GENERATED ALWAYS AS IDENTITY. */
  readonly identity: boolean;
  /** Part of the primary key. */
  readonly key: boolean;
  /** The system numbers rows in a key that no field fills, without being asked to by its table. */
  readonly numbered?: boolean;
}

/** A table, or another relation, that exists. */
export interface Table<C extends TableColumn = TableColumn> {
  /** Quoted name with its schema, ready for SQL. */
  readonly name: string;
  /** The table in messages, in double quotes: `"public.orders"`. */
  readonly label: string;
  /** Kind of a relation that cannot be loaded, for example `a view`. */
  readonly readOnlyKind?: string | undefined;
  readonly columns: readonly C[];
}

/** A table of a listing. */
export interface ListedTable {
  /** Schema and name, or the name alone where it works as a stream's `source`. */
  readonly reference: TableName;
  /** As in {@linkcode Table}. */
  readonly readOnlyKind?: string | undefined;
  /** Empty where they cannot be read, as of a view of a table that is gone. */
  readonly fields: readonly Field[];
  /** Rows as the catalogue has them; unset where it does not know. */
  readonly estimatedRows?: number | undefined;
}

/** A foreign key by which a deletion of a table's rows changes or deletes rows of another table. */
export interface Cascade {
  /** The other table in messages, in double quotes. */
  readonly label: string;
  /** For example `CASCADE` or `SET NULL`. */
  readonly action: string;
  /** Name of the foreign key; unset where the system gives it none. */
  readonly constraint?: string | undefined;
}

/**
 * Queries of the system's catalogue. Each runs over a session in a transaction, a few times per stream. None
 * may read rows of a table, except for a sample in a system without declared types.
 */
export interface Catalog<S extends SqlSession, T extends Table> {
  /** The relation of a name as the session sees it; undefined when none exists. */
  find(session: S, table: TableName): Promise<T | undefined>;
  /** Fields of a table or view that exists, in its own order. */
  getFields(session: S, table: T): Promise<Field[]>;
  /** Fields of a query or a function's result, found without running it. */
  describe(session: S, ref: StreamRef): Promise<Field[]>;
  /** Everything with rows that the login may read, without the system's own tables. */
  list(session: S): Promise<ListedTable[]>;
  /** Column names of each unique index that an upsert can use, the primary key among them. */
  uniqueKeys(session: S, table: T): Promise<readonly (readonly string[])[]>;
  /** A foreign key by which an emptied table changes another one; undefined when there is none. */
  cascade(session: S, table: T): Promise<Cascade | undefined>;
  /** Rows of a table, estimated where a count takes long; undefined where the login may not look. */
  countRows(session: S, table: T): Promise<RowCount | undefined>;
}

export interface RowCount {
  readonly rows: number;
  /** The catalogue knows them; they were not counted. */
  readonly estimated: boolean;
}

export type ColumnOf<T extends Table> = T["columns"][number];

/**
 * How columns store fields. `E` is the provider's own type, with what its writer must know of a column. All
 * functions are called for each column of a load or a plan, before a row is written.
 */
export interface ColumnTypes<S extends SqlSession, T extends Table, E> {
  /**
   * Column types of a new table, one for each field; the session may be asked what types exist.
   *
   * @param keys names of the fields of its primary key, which an index must be able to hold
   */
  newTypes(session: S, fields: readonly Field[], keys: readonly string[]): Promise<string[]>;
  /** The conversion of a field's values in a column of a new table. */
  conversionInNew(field: Field, type: string): Conversion;
  /** The conversion of a field's values in an existing column. */
  findConversion(field: Field, column: ColumnOf<T>): Conversion;
  /**
   * How a field's values are written into a column. Undefined if the column cannot store all of them, unless
   * `accept` says that the first value that does not fit may fail the load.
   */
  chooseEncoding(field: Field, column: ColumnOf<T>, accept: boolean): E | undefined;
  /**
   * How a column spells the values of a field in its own way, so that they read back differently although
   * they are the same; undefined where they read back as they were sent.
   */
  describeSpelling?(field: Field, column: ColumnOf<T>): string | undefined;
  /** The totals that SQL computes of the column as dxt does of the field; `sum` of text is that of lengths. */
  chooseTotals(field: Field, column: ColumnOf<T>): readonly TotalName[];
}

export type TotalName = "min" | "max" | "sum";

/**
 * One relational system, for the files of this folder and of `load/`: plain functions over a session. A
 * connector creates it, and may close over its configuration.
 */
export interface RelationalSystem<S extends SqlSession, T extends Table, E> {
  readonly dialect: Dialect;
  readonly catalog: Catalog<S, T>;
  readonly types: ColumnTypes<S, T, E>;
  /**
   * The statement that gives a column of a table that exists another type; unset where a system has none.
   * Called in the transaction of the load.
   *
   * @param isEmpty the load has deleted all rows before; else the new type holds all values of the old one
   */
  changeType?(
    session: S,
    table: T,
    column: ColumnOf<T>,
    type: string,
    isEmpty: boolean,
  ): Promise<string>;
  /**
   * The type in which a column of text takes the longest texts of a field; undefined where it takes them, or
   * keeps its type. Unset where columns have no length.
   */
  lengthen?(
    session: S,
    table: T,
    field: Field,
    column: ColumnOf<T>,
  ): Promise<string | undefined>;
  /**
   * The statements that make a table again with these columns, for a system without `changeType`. The
   * table is empty.
   *
   * @throws {SchemaError} where the new table would lack something of the old one
   */
  remake?(
    session: S,
    table: T,
    columns: readonly Pick<TableColumn, "name" | "type" | "nullable">[],
  ): Promise<readonly string[]>;
  /**
   * Called before each change of a table.
   *
   * @param columns that get another type
   * @throws {SchemaError} where the system would refuse the change
   */
  refuseChanges?(
    session: S,
    table: T,
    columns: readonly ColumnOf<T>[],
    isEmpty: boolean,
  ): Promise<void>;
  /** Statements that make the schema of a table that does not exist, where that is missing too. */
  schemaStatements?(session: S, table: TableName): Promise<string[]>;
  /** The statement that creates the unique index of an upsert; unset where upserts need none. */
  createUniqueIndex?(table: T, keys: readonly string[]): string;
}
