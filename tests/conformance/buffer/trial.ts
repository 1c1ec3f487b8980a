/** One stage under test: the same for records and for files but in how it is written and read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildBatches } from "../../../src/arrow/mod.ts";
import type { Batch } from "../../../src/core/contracts/batch.ts";
import type { Buffer, StageDetails, StagedFiles } from "../../../src/core/contracts/buffer.ts";
import type { SourceFile } from "../../../src/core/contracts/extractor.ts";
import type { CompletionProof, Extraction } from "../../../src/core/contracts/proof.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import type { BufferSettings } from "../../../src/models/buffer.ts";
import type { Field } from "../../../src/models/field.ts";
import { collect } from "../../support/bytes.ts";
import { stageWhole } from "../../support/stage.ts";
import { recordsOf } from "../../support/staged.ts";

/** Opens the stage in a folder; opened again it is the same stage. */
export type OpenBuffer = (directory: string) => Promise<Buffer>;

export interface BufferTest {
  readonly settings: BufferSettings;
  readonly kind: StagedFiles["kind"];
  /** Whether the stage is on disk. */
  readonly persistent: boolean;
}

export interface Check {
  readonly title: string;
  readonly when?: (test: BufferTest) => boolean;
  run(trial: Trial): Promise<void>;
}

export const DETAILS: StageDetails = {
  pipeline: "shop",
  stream: "orders",
  run_id: "run-1",
  source: { type: "relation", name: "orders" },
  watermark: { field: "id", after: "1", max: "9" },
};
const NUMBERS: readonly Field[] = [{ name: "n", dtype: "int32", nullable: false }];

/** With a proof, with an error, or as if done, which proves nothing. */
export type End = CompletionProof | Error | "no proof";

export interface Source<T> {
  readonly items: Extraction<T>;
  readonly closed: () => boolean;
}

/** An extraction that ends as it is told to. */
export function sourceOf<T>(items: readonly T[], end: End): Source<T> {
  let closed = false;
  const generator = async function* (): AsyncGenerator<T, CompletionProof, void> {
    try {
      for (const item of items) yield await Promise.resolve(item);
      if (end instanceof Error) throw end;
      return end === "no proof" ? undefined as unknown as CompletionProof : end;
    } finally {
      closed = true;
    }
  };
  return { items: generator(), closed: () => closed };
}

export function sourceFile(name: string, content = `content of ${name}`): SourceFile {
  const bytes = new TextEncoder().encode(content);
  return {
    path: `/in/${name}`,
    name,
    size: bytes.length,
    open: () => Promise.resolve(new Blob([bytes]).stream()),
  };
}

export class Trial {
  constructor(
    private readonly openBuffer: OpenBuffer,
    readonly test: BufferTest,
    readonly directory: string,
  ) {}

  open(): Promise<Buffer> {
    return this.openBuffer(this.directory);
  }

  /** Another stage beside this one. */
  beside(name: string): Trial {
    return new Trial(this.openBuffer, this.test, join(this.directory, "..", name));
  }

  /** Writes so many records, or files, with a proof of as many, or with the end that is given. */
  async write(
    buffer: Buffer,
    count: number,
    { end = { rows: count, evidence: `SENT ${count}` }, from = 0 }: { end?: End; from?: number } =
      {},
  ): Promise<StagedFiles> {
    const range = Array.from({ length: count }, (_, i) => from + i);
    if (this.test.kind === "files") {
      return await this.writeFiles(buffer, range.map((n) => sourceFile(`f${n}`)), end);
    }
    return await this.writeRecords(buffer, NUMBERS, range.map((n) => ({ n })), end);
  }

  async writeRecords(
    buffer: Buffer,
    fields: readonly Field[],
    records: readonly DXTRecord[],
    end: End = { rows: records.length, evidence: "all" },
  ): Promise<StagedFiles> {
    const rows = Math.max(4, records.length >> 2);
    const batches = await Array.fromAsync(buildBatches(fields, records, { rows, bytes: 1e9 }));
    const source = sourceOf<Batch>(batches, end);
    return await closing(
      source,
      stageWhole(buffer, this.test.settings, fields, source.items, DETAILS),
    );
  }

  async writeFiles(
    buffer: Buffer,
    files: readonly SourceFile[],
    end: End = { rows: files.length, evidence: "all" },
  ): Promise<StagedFiles> {
    const source = sourceOf(files, end);
    return await closing(source, stageWhole(buffer, this.test.settings, [], source.items, DETAILS));
  }

  /** What is staged, as text, in its order. */
  async content(staged: StagedFiles | undefined): Promise<string[]> {
    assert.ok(staged !== undefined, "nothing is staged");
    if (staged.kind === "records") {
      return (await recordsOf(staged)).map(({ n }) => String(n));
    }
    return await Promise.all(staged.files.map(async ({ name, original_name }) => {
      const bytes = await collect(await staged.openFile(name));
      return `${original_name}=${new TextDecoder().decode(bytes)}`;
    }));
  }

  expected(count: number, from = 0): string[] {
    return Array.from({ length: count }, (_, i) => from + i).map((n) =>
      this.test.kind === "files" ? `f${n}=content of f${n}` : String(n)
    );
  }

  async holds(buffer: Buffer, count: number, from = 0): Promise<void> {
    assert.deepEqual(await this.content(await buffer.open()), this.expected(count, from));
  }

  /** Names in the stage's folder. */
  names(): Promise<string[]> {
    return Array.fromAsync(Deno.readDir(this.directory), ({ name }) => name);
  }

  /** Everything in the stage's folder, and the folder. */
  async paths(folder = this.directory): Promise<string[]> {
    const found = [folder];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) found.push(...await this.paths(path));
      else found.push(path);
    }
    return found;
  }

  /** Path of one staged file. */
  async part(): Promise<string> {
    return (await this.paths()).find((path) => /part-\d+/.test(path))!;
  }
}

async function closing<T>(source: Source<T>, write: Promise<StagedFiles>): Promise<StagedFiles> {
  try {
    return await write;
  } finally {
    assert.ok(source.closed(), "the extraction was left open");
  }
}

export const persistent = ({ persistent }: BufferTest) => persistent;
export const ofRecords = ({ kind }: BufferTest) => kind === "records";
export const ofFiles = ({ kind }: BufferTest) => kind === "files";
