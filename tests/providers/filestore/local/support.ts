/** A store in a folder of its own, and staged data without a stage. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  buildBatches,
  createExtractTask as asTask,
  readRecords,
} from "../../../../src/arrow/mod.ts";
import type { StagedData } from "../../../../src/core/contracts/buffer.ts";
import type {
  FilestoreConnector,
  WatermarkRange,
} from "../../../../src/core/contracts/connector.ts";
import type { RecordExtractor } from "../../../../src/core/contracts/extractor.ts";
import type { Loader } from "../../../../src/core/contracts/loader.ts";
import type { CompletionProof } from "../../../../src/core/contracts/proof.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import type { Field } from "../../../../src/models/field.ts";
import {
  parseSource,
  parseTarget,
  type StreamSource,
  type StreamTarget,
} from "../../../../src/models/source.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { stagedBatches } from "../../../support/staged.ts";

export interface Store {
  readonly folder: string;
  readonly connector: FilestoreConnector;
  readonly loader: Loader;
  /** What the connection warned of. */
  readonly warnings: readonly string[];
  /** Writes a text file. */
  put(name: string, text: string): Promise<void>;
  text(name: string): Promise<string>;
  /** Names of all that is in a folder, hidden or not, sorted. */
  names(folder?: string): Promise<string[]>;
  load(
    target: string | StreamTarget,
    staged: StagedData,
    mode?: LoadMode,
  ): ReturnType<Loader["load"]>;
  read(
    source: string | StreamSource,
    range?: WatermarkRange,
    fields?: readonly Field[],
  ): Promise<Read>;
}

export interface Read {
  readonly fields: readonly Field[];
  readonly records: DXTRecord[];
  readonly proof: CompletionProof;
}

/** Calls `work` with a store whose folder is gone afterwards. */
export async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-test-" });
  try {
    await work(await openStore(folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function openStore(folder: string): Promise<Store> {
  const { signal } = new AbortController();
  const warnings: string[] = [];
  const connector = await local.connect({ path: folder }, connectContext(folder, signal, warnings));
  const loader = await local.loaders["LocalLoader"]!.create(connector, {});
  const extractor = await local.extractors["LocalRecordExtractor"]!.create(
    connector,
    {},
  ) as RecordExtractor;
  return {
    folder,
    connector,
    loader,
    warnings,
    put: (name, text) => Deno.writeTextFile(join(folder, name), text),
    text: (name) => Deno.readTextFile(join(folder, name)),
    async names(path = ".") {
      const entries = await Array.fromAsync(Deno.readDir(join(folder, path)));
      return entries.map(({ name }) => name).sort();
    },
    load: (target, staged, mode = "append") =>
      loader.load({
        target: typeof target === "string" ? parseTarget("filestore", target) : target,
        staged,
        mode,
        upsertKeys: [],
        signal,
      }),
    async read(from, range, declared) {
      const source = typeof from === "string" ? parseSource("filestore", from) : from;
      const fields = declared ?? await connector.getStreamFields(source) ?? [];
      const task = asTask({
        source,
        projections: fields.map((field) => ({ field, column: field.name })),
        ...(range === undefined ? {} : { range }),
        batchRows: 100,
        batchBytes: 1 << 20,
        signal,
      });
      const extraction = extractor.extract(task);
      const records: DXTRecord[] = [];
      while (true) {
        const next = await extraction.next();
        if (next.done === true) return { fields, records, proof: next.value };
        records.push(...readRecords(next.value));
      }
    },
  };
}

const details = (run: string) => ({ pipeline: "p", stream: "s", run_id: run, source: "test" });

/** Records as if they were staged. */
export function stagedRecords(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  run: string = crypto.randomUUID(),
  count: number = records.length,
): StagedData {
  const readBatches = () => buildBatches(fields, records, { rows: 100, bytes: 1 << 20 });
  return stagedBatches({ fields, details: details(run) }, readBatches, count);
}

/** Files as if they were staged, by their names in the source. */
export function stagedFiles(contents: Record<string, string>): StagedData {
  const bytes = Object.values(contents).map((text) => new TextEncoder().encode(text));
  const files = Object.keys(contents).map((original_name, i) => ({
    name: `file-${i}`,
    rows: 1,
    size: bytes[i]!.length,
    sha256: createHash("sha256").update(bytes[i]!).digest("hex"),
    original_name,
  }));
  const header = { kind: "files", fields: [], details: details("r") } as const;
  return {
    ...stagedBatches(header, async function* () {}, bytes.length, files),
    openFile: (name) => Promise.resolve(new Blob([bytes[Number(name.slice(5))]!]).stream()),
  };
}
