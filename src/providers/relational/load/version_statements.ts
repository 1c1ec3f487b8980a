/**
 * The statements of a load that keeps versions of records. They compute the changes in temporary tables. None of
 * them names a temporary table twice, since MySQL refuses that.
 */
import type { History } from "../../../core/contracts/loader.ts";
import type { Field } from "../../../models/field.ts";
import type { Quoting, TableColumn } from "../contract.ts";
import { upsertColumns } from "./upsert.ts";

/** How a system writes what these statements need; all names are quoted. */
export interface VersionSyntax {
  /** SQL of a key in which only the same values are equal, whatever collation its column has. */
  exact(sql: string, field: Field): string;
  /** A condition that holds where two rows differ in one of their values, and is never NULL: NULL equals NULL. */
  differ(one: readonly string[], other: readonly string[], fields: readonly Field[]): string;
  /** Updates the rows of table `t` for which the FROM item has a row that matches the condition. */
  update(table: string, from: string, condition: string, sets: readonly ColumnValue[]): string;
}

/** `UPDATE … FROM`, as PostgreSQL and SQLite have it. */
export function updateFrom(
  table: string,
  from: string,
  condition: string,
  sets: readonly ColumnValue[],
): string {
  const list = sets.map(([column, value]) => `${column} = ${value}`).join(", ");
  return `UPDATE ${table} AS t SET ${list} FROM ${from} WHERE ${condition}`;
}

/** A column, and the SQL of its new value. */
export type ColumnValue = readonly [column: string, value: string];

/** Quoted names of temporary tables. */
export interface VersionTables {
  /** The staged rows, in the columns of the target. */
  readonly stage: string;
  /** Its column with the number of a row. */
  readonly order: string;
  /** The staged rows as versions. */
  readonly versions: string;
  /** The versions of the target that end, or are current again. */
  readonly endings: string;
}

/** The target of a load of versions. */
export interface VersionedTable {
  /** Quoted. */
  readonly name: string;
  readonly columns: readonly {
    readonly field: Field;
    readonly column: Pick<TableColumn, "name">;
  }[];
  readonly upsertKeys: readonly string[];
  readonly history: History;
}

/**
 * In the statements, `t` is the target, `v` the table of staged versions, and `e` that of endings. The columns of
 * `v` besides those of the target: `dxt time` from which a version is valid, `dxt next` that of the next staged
 * version of its key, `dxt rank` 1 for the last row of a version, which counts, `dxt new` 1 for a version
 * that the target lacks. Those of `e` besides the keys: `dxt from` of the version, `dxt until` its new end.
 */
export class VersionStatements {
  /** Quoted names of the columns of the key. */
  readonly keys: readonly string[];
  readonly #all: readonly string[];
  readonly #others: readonly string[];
  readonly #list: string;
  readonly #from: string;
  readonly #to: string;
  readonly #current: string;
  readonly #time: string;
  readonly #next: string;
  readonly #rank: string;
  readonly #isNew: string;
  readonly #endFrom: string;
  readonly #until: string;
  /** SQL of the time from which a staged row is valid. */
  readonly #staged: string;
  /** Whether each time of a field begins a version; otherwise each load adds one version of a changed row. */
  readonly #isTimed: boolean;

  /** @param now SQL of the time of the load */
  constructor(
    private readonly syntax: VersionSyntax,
    { quote }: Quoting,
    private readonly table: VersionedTable,
    private readonly tables: VersionTables,
    now: string,
  ) {
    const { columns, upsertKeys, history } = table;
    const { all, keys, others } = upsertColumns({ columns }, upsertKeys, { quote });
    [this.#all, this.keys, this.#others, this.#list] = [all, keys, others, all.join(", ")];
    this.#from = quote(history.validFrom);
    this.#to = quote(history.validTo);
    this.#current = quote(history.isCurrent);
    this.#time = quote("dxt time");
    this.#next = quote("dxt next");
    this.#rank = quote("dxt rank");
    this.#isNew = quote("dxt new");
    this.#endFrom = quote("dxt from");
    this.#until = quote("dxt until");
    const timed = columns.find(({ field }) => field.name === history.fromField);
    this.#isTimed = timed !== undefined;
    this.#staged = timed === undefined ? now : quote(timed.column.name);
    this.#exactKeys = columns.filter(({ field }) => upsertKeys.includes(field.name))
      .map(({ field, column }) => syntax.exact(quote(column.name), field)).join(", ");
    const compared = columns.filter(({ field }) => !upsertKeys.includes(field.name));
    const sides = ["t", "v"].map((alias) =>
      compared.map(({ column }) => `${alias}.${quote(column.name)}`)
    );
    this.#differ = compared.length === 0
      ? "1 = 0"
      : syntax.differ(sides[0]!, sides[1]!, compared.map(({ field }) => field));
  }

  readonly #exactKeys: string;
  /** Holds where `t` and `v` differ in a field besides the keys. */
  readonly #differ: string;

  /** A query without rows, with the columns of `versions`. */
  get versionColumns(): string {
    // The end of a version may be NULL, and so may the columns that are made from it.
    const times = [this.#time, this.#next].map((name) => `${this.#to} AS ${name}`).join(", ");
    return `SELECT ${this.#list}, ${times}, 0 AS ${this.#rank}, 0 AS ${this.#isNew} FROM ${this.table.name} LIMIT 0`;
  }

  /** A query without rows, with the columns of `endings`. */
  get endingColumns(): string {
    const times = [this.#endFrom, this.#until].map((name) => `${this.#to} AS ${name}`).join(", ");
    return `SELECT ${this.keys.join(", ")}, ${times} FROM ${this.table.name} LIMIT 0`;
  }

  /** Fills the table of versions from the stage; of the rows of one version the last one counts. */
  get fillVersions(): string {
    const [list, time, rank] = [this.#list, this.#time, this.#rank];
    const { stage, order, versions } = this.tables;
    const version = this.#isTimed ? `${this.#exactKeys}, ${this.#staged}` : this.#exactKeys;
    const rows =
      `SELECT ${list}, ${this.#staged} AS ${time}, row_number() OVER (PARTITION BY ${version} ORDER BY ${order} DESC) AS ${rank} FROM ${stage}`;
    const next =
      `lead(${time}) OVER (PARTITION BY ${this.#exactKeys}, CASE WHEN ${rank} = 1 THEN 1 ELSE 0 END ORDER BY ${time})`;
    return `INSERT INTO ${versions} (${list}, ${time}, ${this.#next}, ${rank}, ${this.#isNew}) SELECT ${list}, ${time}, ${next}, ${rank}, 0 FROM (${rows}) AS s`;
  }

  /** Finds the versions of the target that end, and those of deleted records that come back with their old time. */
  get findEndings(): string[] {
    const row = `${this.#keysOf("t")}, t.${this.#from}`;
    const into = `INSERT INTO ${this.tables.endings} (${
      this.keys.join(", ")
    }, ${this.#endFrom}, ${this.#until})`;
    const ends = this.#isTimed
      ? `t.${this.#from} < v.${this.#time} AND (t.${this.#to} IS NULL OR v.${this.#time} < t.${this.#to})`
      : `t.${this.#current} AND ${this.#differ}`;
    const ending =
      `${into} SELECT ${row}, min(v.${this.#time}) FROM ${this.#pairs} AND ${ends} GROUP BY ${row}`;
    if (!this.#isTimed) return [ending];
    const later = `SELECT 1 FROM ${this.table.name} AS n WHERE ${
      this.#sameKey("n", "t")
    } AND n.${this.#from} > t.${this.#from}`;
    const back =
      `v.${this.#next} IS NULL AND ${this.#isStaged} AND t.${this.#to} IS NOT NULL AND NOT EXISTS (${later})`;
    return [ending, `${into} SELECT ${row}, NULL FROM ${this.#pairs} AND ${back}`];
  }

  /** Marks the staged versions that the target lacks. */
  get findNew(): string {
    const known = this.#isTimed ? this.#isStaged : `${this.#isStaged} AND NOT (${this.#differ})`;
    return `UPDATE ${this.tables.versions} AS v SET ${this.#isNew} = 1 WHERE v.${this.#rank} = 1 AND NOT ${
      this.#exists(known)
    }`;
  }

  /** Changes the target. */
  get changes(): string[] {
    return [...this.#corrections, this.#additions, this.#ends];
  }

  /** A staged row with the time of an existing version overwrites that version. */
  get #corrections(): string[] {
    if (!this.#isTimed || this.#others.length === 0) return [];
    return [
      this.syntax.update(
        this.table.name,
        `${this.tables.versions} AS v`,
        `${
          this.#sameKey("t", "v")
        } AND ${this.#isStaged} AND v.${this.#rank} = 1 AND ${this.#differ}`,
        this.#others.map((column) => [column, `v.${column}`]),
      ),
    ];
  }

  get #additions(): string {
    const [list, from, to, until] = [this.#list, this.#from, this.#to, this.#until];
    const [time, next] = [this.#time, this.#next];
    const into = `INSERT INTO ${this.table.name} (${list}, ${from}, ${to}, ${this.#current})`;
    const rows = `FROM ${this.tables.versions} AS v WHERE v.${this.#isNew} = 1`;
    if (!this.#isTimed) return `${into} SELECT ${list}, ${time}, NULL, TRUE ${rows}`;
    // The next version ends a new one, in the stage or in the target, and so does the end of a version it divides. If
    // none is later, the record is there now: its version is current even where an earlier load has closed one.
    const ofKey = `FROM ${this.table.name} AS t WHERE ${this.#sameKey("t", "v")}`;
    const isLater = `t.${from} > v.${time}`;
    const later = `SELECT min(t.${from}) ${ofKey} AND ${isLater}`;
    const bound =
      `SELECT min(CASE WHEN ${isLater} THEN t.${from} ELSE t.${to} END) ${ofKey} AND (${isLater} OR t.${to} > v.${time})`;
    const bounded =
      `SELECT ${list}, ${time}, ${next}, (${later}) AS ${this.#endFrom}, (${bound}) AS ${until} ${rows}`;
    const end =
      `CASE WHEN ${next} IS NULL AND ${this.#endFrom} IS NULL THEN NULL WHEN ${until} IS NULL OR ${next} < ${until} THEN ${next} ELSE ${until} END`;
    const ended = `SELECT ${list}, ${time}, ${end} AS ${until} FROM (${bounded}) AS b`;
    return `${into} SELECT ${list}, ${time}, ${until}, ${until} IS NULL FROM (${ended}) AS u`;
  }

  get #ends(): string {
    return this.syntax.update(this.table.name, `${this.tables.endings} AS e`, this.#endingRow, [
      [this.#to, `e.${this.#until}`],
      [this.#current, `e.${this.#until} IS NULL`],
    ]);
  }

  /** FROM items whose rows are counted. */
  get counted() {
    const { versions, endings } = this.tables;
    const keys = this.#keysOf("t");
    return {
      /** Staged rows without a time. */
      timeless: `${versions} WHERE ${this.#time} IS NULL`,
      /** Versions of the target that begin or end after this load: it cannot end them. */
      later:
        `${this.#pairs} AND v.${this.#isNew} = 1 AND (t.${this.#from} >= v.${this.#time} OR t.${this.#to} > v.${this.#time})`,
      /** Staged rows that a later row of the same version replaces. */
      superseded: `${versions} WHERE ${this.#rank} > 1`,
      added: `${versions} WHERE ${this.#isNew} = 1`,
      ending: endings,
      /** Endings that the target has after its change. */
      ended:
        `${endings} AS e JOIN ${this.table.name} AS t ON ${this.#endingRow} WHERE t.${this.#current} = (e.${this.#until} IS NULL)`,
      /** Staged versions that the target lacks after its change. */
      missing: `${versions} AS v WHERE v.${this.#rank} = 1 AND NOT ${this.#exists(this.#isStaged)}`,
      /** Keys with more than one current version. */
      ambiguous:
        `(SELECT ${keys} FROM ${this.#pairs} AND v.${this.#next} IS NULL AND t.${this.#current} GROUP BY ${keys} HAVING count(*) > 1) AS several`,
    };
  }

  /**
   * The query that reads the versions of the staged rows back. The keys are those of the stage, and so are rows
   * that a later row of the same version replaces.
   */
  selectLoaded(superseded: boolean): string {
    const select = (value: (column: string) => string) =>
      this.#all.map((column) => {
        const sql = this.keys.includes(column) ? `v.${column}` : value(column);
        return `${sql} AS ${column}`;
      }).join(", ");
    if (!superseded) {
      return `SELECT ${
        select((column) => `t.${column}`)
      } FROM ${this.#pairs} AND ${this.#isStaged}`;
    }
    const counts = `v.${this.#rank} = 1`;
    const values = select((column) => `CASE WHEN ${counts} THEN t.${column} ELSE v.${column} END`);
    return `SELECT ${values} FROM ${this.tables.versions} AS v LEFT JOIN ${this.table.name} AS t ON ${counts} AND ${
      this.#sameKey("t", "v")
    } AND ${this.#isStaged} WHERE NOT ${counts} OR t.${this.#from} IS NOT NULL`;
  }

  /** Holds where `t` is the version that a staged row of its key stands for. */
  get #isStaged(): string {
    return this.#isTimed ? `t.${this.#from} = v.${this.#time}` : `t.${this.#current}`;
  }

  get #pairs(): string {
    return `${this.tables.versions} AS v JOIN ${this.table.name} AS t ON ${
      this.#sameKey("t", "v")
    } WHERE v.${this.#rank} = 1`;
  }

  #exists(condition: string): string {
    return `EXISTS (SELECT 1 FROM ${this.table.name} AS t WHERE ${
      this.#sameKey("t", "v")
    } AND ${condition})`;
  }

  get #endingRow(): string {
    return `${this.#sameKey("t", "e")} AND t.${this.#from} = e.${this.#endFrom}`;
  }

  /** Compares by the collation of the target's column. */
  #sameKey(one: string, other: string): string {
    return this.keys.map((key) => `${one}.${key} = ${other}.${key}`).join(" AND ");
  }

  #keysOf(alias: string): string {
    return this.keys.map((key) => `${alias}.${key}`).join(", ");
  }
}
