/** What the tests of this provider share. */
import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import type { PostgresConnector } from "../../../../src/providers/relational/postgres/connector.ts";
import { PostgresCopyExtractor } from "../../../../src/providers/relational/postgres/copy_extractor.ts";
import { PostgresCopyLoader } from "../../../../src/providers/relational/postgres/copy_loader.ts";
import type { Batch } from "../../../../src/core/contracts/batch.ts";
import type { CompletionProof } from "../../../../src/core/contracts/proof.ts";
import type { StagedData } from "../../../../src/core/contracts/buffer.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import {
  freshDatabase,
  postgresTest,
  type TestDatabase,
  type TestServer,
} from "../../../support/services.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { stagedBatches as stagedFrom } from "../../../support/staged.ts";
import { ignoreIf } from "../../../support/ignore.ts";

export const VERSIONS = [15, 18] as const;
export const never = new AbortController().signal;

/** A test for each server that is there; ignored where there is none. */
export function onServers(
  name: string,
  run: (database: TestDatabase, server: TestServer) => Promise<void>,
): void {
  for (const version of VERSIONS) {
    const server = postgresTest(version);
    Deno.test({
      ...ignoreIf(server.missing, `postgres ${version}: ${name}`),
      async fn() {
        await using database = await freshDatabase(server.url);
        await run(database, server);
      },
    });
  }
}

export function connect(
  url: string,
  keys: Record<string, unknown> = {},
  signal = never,
  warnings: string[] = [],
  statements: string[] = [],
): Promise<PostgresConnector> {
  const config = postgres.config.parse({
    sslmode: "disable",
    ...postgres.urls!.parse(url, "/") as object,
    ...keys,
  });
  return postgres.connect(config, connectContext("/", signal, warnings, statements));
}

export interface Extracted {
  readonly fields: readonly Field[];
  readonly batches: Batch[];
  readonly proof: CompletionProof;
}

export async function extract(
  connector: PostgresConnector,
  name: string,
  options: {
    fields?: readonly Field[];
    signal?: AbortSignal;
    batchRows?: number;
    /** Awaited before each batch after the first: meanwhile the server cannot send on. */
    between?: () => Promise<void>;
  } = {},
): Promise<Extracted> {
  const source = { type: "relation", name } as const;
  const fields = options.fields ?? await connector.getStreamFields(source);
  if (fields === undefined) throw new Error(`there is no ${name}`);
  const extraction = new PostgresCopyExtractor(connector).extract({
    source,
    projections: fields.map((field) => ({ field, column: field.name })),
    batchRows: options.batchRows ?? 1000,
    batchBytes: 1 << 22,
    signal: options.signal ?? never,
  });
  const batches: Batch[] = [];
  while (true) {
    const { done, value } = await extraction.next();
    if (done) return { fields, batches, proof: value };
    batches.push(value);
    await options.between?.();
  }
}

export function stagedBatches(fields: readonly Field[], batches: readonly Batch[]): StagedData {
  const readBatches = async function* () {
    await Promise.resolve();
    yield* batches;
  };
  const count = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  return stagedFrom({ fields }, readBatches, count);
}

export function load(
  connector: PostgresConnector,
  name: string,
  staged: StagedData,
  options: { mode?: LoadMode; upsertKeys?: readonly string[]; signal?: AbortSignal } = {},
) {
  return new PostgresCopyLoader(connector).load({
    target: { type: "relation", name },
    staged,
    mode: options.mode ?? "append",
    upsertKeys: options.upsertKeys ?? [],
    signal: options.signal ?? never,
  });
}
