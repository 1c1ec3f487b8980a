/**
 * Commits a load. If the answer is lost, another connection asks for the transaction's status:
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
import { z } from "zod";
import { ConnectionError, LoaderError, UnknownOutcomeError } from "../../../../core/errors.ts";
import type { CommitRecord, LoadOutcome, LoadTask } from "../../../../core/contracts/loader.ts";
import { isConnectionEnd, PostgresError } from "../wire/server_error.ts";
import { Session, type SessionConfig } from "../wire/session.ts";

/** A transaction, and the history of the database in which its number means that transaction. */
const Transaction = z.strictObject({
  /** 64 bits, in decimal digits. */
  xid: z.string().regex(/^\d+$/),
  /** Identifier of the cluster, timeline of its log, and OID of the database. */
  database: z.string(),
});
type Transaction = z.infer<typeof Transaction>;

/** Commits what moves no rows of the target, or is repeated without harm. */
export async function commit(session: Session): Promise<void> {
  let tag: string;
  try {
    ({ tag } = await session.query("COMMIT"));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    throw new LoaderError(
      `Cannot tell whether the load was committed: ${error.message}`,
      { cause: error },
    );
  }
  checkTag(tag);
}

function checkTag(tag: string): void {
  if (tag !== "COMMIT") throw new LoaderError(`Cannot commit the load: PostgreSQL says "${tag}"`);
}

/**
 * Commits a load, after its journal has stored the transaction's id.
 *
 * @throws {UnknownOutcomeError} when the answer is lost, the server cannot be asked, and the load
 * must not be repeated
 */
export async function commitLoad(
  session: Session,
  config: SessionConfig,
  { journal, mode, signal }: LoadTask,
): Promise<void> {
  const transaction = await identify(session);
  await journal?.remember({ transaction: transaction ?? null });
  let tag: string;
  try {
    ({ tag } = await session.query("COMMIT"));
  } catch (error) {
    if (!(error instanceof ConnectionError || isConnectionEnd(error))) throw error;
    const outcome = await settle(config, transaction, signal);
    if (outcome === "committed") return;
    const { message } = error as Error;
    if (outcome === "aborted") {
      throw new LoaderError(
        `Cannot commit the load: ${message}; the server says that nothing was committed`,
        { cause: error },
      );
    }
    const problem = `Cannot tell whether the load was committed: ${message}`;
    throw mode === "append"
      ? new UnknownOutcomeError(`${problem}; dxt load asks the target`, { cause: error })
      : new LoaderError(`${problem}; to ${mode} the same rows again is safe`, { cause: error });
  }
  checkTag(tag);
}

/** Functions that the queries need. Servers of other products with the same protocol may lack them. */
const FUNCTIONS = [
  "pg_current_xact_id()",
  "pg_xact_status(xid8)",
  "pg_control_system()",
  "pg_current_wal_insert_lsn()",
  "pg_walfile_name(pg_lsn)",
].map((name) => `pg_catalog.to_regprocedure('pg_catalog.${name}')`).join(", ");

/** The first digits of a log file's name are the timeline, which changes at a failover. */
const DATABASE = `concat_ws(' ', (SELECT system_identifier FROM pg_catalog.pg_control_system()),
  substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8),
  (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))`;

/** Identifies the open transaction; undefined if the server or the login does not allow it. */
async function identify(session: Session): Promise<Transaction | undefined> {
  const { rows: [rights] } = await session.query(
    `SELECT coalesce(bool_and(coalesce(pg_catalog.has_function_privilege(f::oid, 'EXECUTE'), false)),
      false) FROM unnest(ARRAY[${FUNCTIONS}]) AS f`,
  );
  if (rights![0] !== "t") return undefined;
  const { rows: [row] } = await session.query(
    `SELECT pg_catalog.pg_current_xact_id(), ${DATABASE}`,
  );
  const [xid, database] = row as [string, string];
  return { xid, database };
}

/** Milliseconds for which a lost server is asked again. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 250;

/** Asks until the server answers and the transaction has ended, or the time is up. */
async function settle(
  config: SessionConfig,
  transaction: Transaction | undefined,
  signal: AbortSignal,
): Promise<LoadOutcome> {
  if (transaction === undefined) return "unknown";
  const start = performance.now();
  for (;;) {
    let outcome: LoadOutcome = "running";
    try {
      outcome = await ask(await Session.open(config, signal), transaction);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ConnectionError || error instanceof PostgresError)) throw error;
    }
    if (outcome !== "running") return outcome;
    if (performance.now() - start > PATIENCE_MS) return "unknown";
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What became of a load, from what {@linkcode commitLoad} remembered. */
export async function findOutcome(
  { transaction }: CommitRecord,
  config: SessionConfig,
): Promise<LoadOutcome> {
  const parsed = Transaction.safeParse(transaction);
  return parsed.success ? await ask(await Session.open(config), parsed.data) : "unknown";
}

/** `in progress` of the server, and what it says when a transaction is too old or never began. */
const OUTCOMES: Readonly<Record<string, LoadOutcome>> = {
  committed: "committed",
  aborted: "aborted",
  "in progress": "running",
};

async function ask(session: Session, { xid, database }: Transaction): Promise<LoadOutcome> {
  try {
    const { rows: [now] } = await session.query(`SELECT ${DATABASE}`);
    if (now![0] !== database) return "unknown";
    const { rows: [status] } = await session.query(
      `SELECT pg_catalog.pg_xact_status('${xid}'::xid8)`,
    );
    return OUTCOMES[status![0] ?? ""] ?? "unknown";
  } catch (error) {
    // A number that the server has not given yet: it was restored from before the load.
    if (error instanceof PostgresError && error.code === "22023") return "unknown";
    throw error;
  } finally {
    await session.close();
  }
}
