/**
 * A load over several connections. They write a new table, which becomes the target when it is complete:
 * for a target that does not exist yet, or one that may be swapped.
 */
import { LoaderError } from "../../../core/errors.ts";
import type {
  LoadReceipt,
  LoadTask,
  LoadTicket,
  SharedLoad,
  VerifiedLoad,
} from "../../../core/contracts/loader.ts";
import { isKeyed } from "../../../models/rules.ts";
import { planChanges } from "../load/table_changes.ts";
import { createTarget, describeNewTable, keyOfNewTable, makeTarget } from "../load/target.ts";
import type { PostgresSystem, Target } from "./system.ts";
import { matchColumns, warnOfComputed, warnOfOmissions } from "../column_match.ts";
import { displayName, displayTable, quoteTable, tableName } from "../names.ts";
import { findRelation, type Relation } from "./sql/catalog.ts";
import type { PostgresConnector } from "./connector.ts";
import { commit, commitLoad } from "./load/load_commit.ts";
import { copyIn } from "./load/copy_in.ts";
import { dialect, quote } from "./sql/dialect.ts";
import { lockLoads } from "./load/load_lock.ts";
import { selectAll, verifyLoaded } from "./load/verify_load.ts";
import { rowsOfTag } from "./wire/messages.ts";
import { dropLeftOver, markSibling, siblingTable } from "./sibling_table.ts";
import type { Session } from "./wire/session.ts";
import { createLike, refuseLosses, takePlace } from "./table_swap.ts";

/** The table of a shared load, quoted, with its schema. */
interface Ticket extends LoadTicket {
  readonly table: string;
}

/**
 * Begins a shared load; undefined where one is not possible. `swap` allows it for a target that exists.
 * A transaction holds the lock of the target's loads until the end, and the table that they write
 * is made by another, which commits: so no lock outlives a transaction.
 *
 * @param check throws for rows that were read from a range which is no longer the target's
 * @throws {ConcurrentRunError} when another run loads into the target
 * @throws {LoaderError} when a swap would lose something
 */
export async function shareLoad(
  connector: PostgresConnector,
  task: LoadTask,
  swap: boolean,
  check: () => Promise<void>,
): Promise<SharedLoad | undefined> {
  if (isKeyed(task.mode) || task.where !== undefined) return undefined;
  const { config } = connector;
  const session = await connector.begin("write", task.signal);
  try {
    if (await isShareable(session, task, swap)) {
      // It waits for as long as the shares take.
      await session.query("SET LOCAL idle_in_transaction_session_timeout = 0");
      await lockLoads(session, task, config);
      await check();
      const beside = await makeBeside(connector, task, swap);
      if (beside !== undefined) {
        const { created, old } = beside;
        const { table } = created;
        if (old !== undefined) {
          warnOfOmissions(connector.warn, { ...created, table: old, computed: [] });
        }
        return new PostgresSharedLoad(connector, session, task, old, { table: table.name });
      }
    }
    // Closing the session would release the lock only later.
    await session.query("ROLLBACK");
    await connector.giveBack(session);
    return undefined;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function isShareable(session: Session, task: LoadTask, swap: boolean): Promise<boolean> {
  return swap ||
    await findRelation(session, quoteTable(tableName(task.target), dialect)) === undefined;
}

/** Copies some files of the stage, in a transaction of their own. */
export async function loadShare(
  connector: PostgresConnector,
  task: LoadTask,
  ticket: LoadTicket,
): Promise<number> {
  const { table } = ticket as Ticket;
  const session = await connector.begin("write", task.signal);
  const release = session.endOnAbort(task.signal);
  try {
    const relation = await findRelation(session, table);
    if (relation === undefined) {
      throw new LoaderError(`Cannot load into ${displayName(table)}: it is gone`);
    }
    const target = matchColumns(connector.system, relation, task);
    const label = displayTable(tableName(task.target));
    warnOfComputed(connector.warn, label, target.computed);
    const tag = await copyIn(session, task, target, relation.name);
    await commit(session);
    return rowsOfTag(tag)!;
  } catch (error) {
    await session.close();
    throw error;
  } finally {
    release();
    await connector.giveBack(session);
  }
}

class PostgresSharedLoad implements SharedLoad {
  /** `session` is in the transaction that holds the lock of the target's loads. */
  constructor(
    private readonly connector: PostgresConnector,
    private readonly session: Session,
    private readonly task: LoadTask,
    private readonly old: Relation | undefined,
    readonly ticket: Ticket,
  ) {}

  async finish(rows: number): Promise<LoadReceipt> {
    const { connector, session, task, ticket: { table } } = this;
    const name = quoteTable(tableName(task.target), dialect);
    const { count } = await task.staged.committed();
    if (rows !== count) {
      throw new LoaderError(
        `Cannot load all rows into ${
          displayName(name)
        }: PostgreSQL took ${rows}, staged are ${count}`,
      );
    }
    const release = session.endOnAbort(task.signal);
    let verified: VerifiedLoad | undefined;
    try {
      verified = await this.#verify();
      if (this.old === undefined) await this.#appear(name);
      else await takePlace(session, table, this.old);
      await commitLoad(session, connector.config, task);
    } finally {
      release();
    }
    await session.close();
    return { rows, evidence: `COPY ${rows}, ALTER TABLE`, verified };
  }

  /** All rows of the table are those of the load. */
  async #verify(): Promise<VerifiedLoad | undefined> {
    const { connector: { system }, session, task, ticket: { table } } = this;
    const relation = await findRelation(session, table);
    if (relation === undefined) throw new LoaderError(`Cannot find ${displayName(table)}`);
    const target = matchColumns(system, relation, task);
    return await verifyLoaded(system, session, task, target, {
      sql: selectAll(relation),
    });
  }

  /** The table gets the target's name and, now that it is full, its key. */
  async #appear(name: string): Promise<void> {
    const { session, task, ticket: { table } } = this;
    await session.query(`ALTER TABLE ${table} RENAME TO ${quote(tableName(task.target).name)}`);
    const relation = await findRelation(session, name);
    if (relation === undefined) {
      throw new LoaderError(`Cannot find ${displayName(name)} by its name`);
    }
    await session.query(`COMMENT ON TABLE ${relation.name} IS NULL`);
    const keys = keyOfNewTable(task).map(quote).join(", ");
    if (keys === "") return;
    await session.query(`ALTER TABLE ${relation.name} ADD PRIMARY KEY (${keys})`);
  }

  async abort(): Promise<void> {
    await this.session.close();
    // The first session may be the one that was lost, or was aborted.
    const session = await this.connector.begin("write");
    try {
      await session.query(`DROP TABLE IF EXISTS ${this.ticket.table}`);
      await commit(session);
    } finally {
      await session.close();
    }
  }
}

/** The table that a load fills, and the one that it replaces. */
interface Beside {
  readonly created: Target;
  readonly old: Relation | undefined;
}

/** Creates and commits the table that will become the target, so that all connections see it. */
async function makeBeside(
  connector: PostgresConnector,
  task: LoadTask,
  swap: boolean,
): Promise<Beside | undefined> {
  const session = await connector.begin("write", task.signal);
  try {
    const beside = await createBeside(connector.system, session, task, swap);
    await (beside === undefined ? session.query("ROLLBACK") : commit(session));
    await connector.giveBack(session);
    return beside;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function createBeside(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  swap: boolean,
): Promise<Beside | undefined> {
  const target = tableName(task.target);
  const old = await system.catalog.find(session, target);
  if (old !== undefined && !swap) return undefined;
  if (old !== undefined) await refuseLosses(session, old);
  const { mark, name, beside } = siblingTable(target, old);
  if (!await dropLeftOver(session, beside, mark)) return undefined;
  const created = old === undefined
    ? await makeTarget(system, session, task, {
      ...await describeNewTable(system, session, task),
      name,
      keys: [],
    })
    : await createTarget(system, session, task, name, [
      createLike(beside, old),
      ...await planChanges(system, session, { ...old, name: beside }, task, undefined, true),
    ]);
  await markSibling(session, created.table.name, mark);
  return { created, old };
}
