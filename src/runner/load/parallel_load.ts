/** Loads a stream over several connections, which take files from one queue until it is empty. */
import type { OpenStage, StagedFile } from "../../core/contracts/buffer.ts";
import type { LoadReceipt, LoadTicket } from "../../core/contracts/loader.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { RunContext } from "../contract/run_context.ts";
import { awaitAll } from "../worker/await_all.ts";
import type { ConnectionClient, OnCommit } from "../worker/connection_client.ts";
import { ClientGroup } from "../worker/connection_clients.ts";
import type { LoadInput } from "../worker/inside/protocol.ts";
import type { StagedFileQueue } from "../worker/staged_file_queue.ts";

/** Milliseconds that a connection waits for the next file before it ends its share. */
const PATIENCE_MS = 1000;

/** A parallel load that has begun. */
interface BegunLoad {
  /** The first worker: it began the load, will finish it, and writes shares like the others. */
  readonly target: ConnectionClient;
  readonly context: RunContext;
  readonly input: LoadInput;
  readonly ticket: LoadTicket;
  readonly stage: Pick<OpenStage, "slice">;
  readonly queue: StagedFileQueue<StagedFile>;
  readonly onRows: (rows: number) => void;
}

/** Writes all files of the queue, then finishes the load. */
export async function loadInParallel(load: BegunLoad, onCommit: OnCommit): Promise<LoadReceipt> {
  const { target, context, input, queue } = load;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { connectionsPerThread } = context.target.provider;
  // Untrusted code is never called twice at the same time.
  const isAlone = input.loader.module !== undefined;
  const clients = new ClientGroup(target, isAlone ? 1 : connectionsPerThread);
  const writeShares = async (connection: number): Promise<number> => {
    let rows = 0;
    try {
      for await (const file of queue) {
        signal.throwIfAborted();
        using _turn = await context.threads.turn("load");
        rows += await writeShare(load, clients.open(connection), connection, file, signal);
      }
    } finally {
      await clients.close(connection);
    }
    return rows;
  };
  const connections = Array.from({ length: context.threads.most }, (_, i) => writeShares(i));
  const rows = await awaitAll<number>(connections, (error) => {
    stop.abort(error);
    // The other connections may wait for a file that never comes.
    queue.fail(error);
  });
  context.signal.throwIfAborted();
  const staged = await queue.committed();
  const total = rows.reduce((sum, more) => sum + more, 0);
  return await target.finish({ rows: total, committed: staged.slice(staged.files) }, onCommit);
}

/** Writes one share: a file, and further ones as long as the worker asks for more. */
async function writeShare(
  { input, ticket, stage, queue, onRows }: BegunLoad,
  client: ConnectionClient,
  share: number,
  first: StagedFile,
  signal: AbortSignal,
): Promise<number> {
  const files = [first];
  const sendNext = async () => {
    const file = await queue.next(PATIENCE_MS);
    if (file === undefined) {
      return await client.call("feed", { share, committed: stage.slice(files) });
    }
    files.push(file);
    await client.call("feed", { share, slice: stage.slice([file]) });
  };
  const sendFailure = (error: unknown) => client.call("feed", { share, failed: fromError(error) });
  return await client.call(
    "loadShare",
    { ...input, staged: stage.slice(files), ticket, share },
    (progress) => {
      if ("rows" in progress) return onRows(progress.rows);
      // The worker may have ended.
      void sendNext().catch(sendFailure).catch(() => {});
    },
    signal,
  );
}
