/** What every stage holds to. A buffer's test calls {@linkcode testBuffer} once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { batchesOf } from "../../src/arrow/mod.ts";
import type { Batch } from "../../src/core/batch.ts";
import type { Buffer, StagedData, StageDetails } from "../../src/core/buffer.ts";
import { BufferError } from "../../src/core/errors.ts";
import type { SourceFile } from "../../src/core/extractor.ts";
import type { CompletionProof, Extraction } from "../../src/core/proof.ts";
import { type DXTRecord, JSONText } from "../../src/core/values.ts";
import type { Field } from "../../src/models/field.ts";
import { collect } from "../support/bytes.ts";
import { withFolder } from "../support/run.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "./values.ts";

export interface BufferTest {
  /** A buffer over a folder; called again it opens the same stage. */
  readonly open: (directory: string) => Promise<Buffer>;
  readonly kind: StagedData["kind"];
  /** Whether the stage is on disk; one in memory ends with its buffer. */
  readonly persistent: boolean;
  /** Whether null in a JSON field can be told from NULL. */
  readonly jsonNull?: boolean;
}

const DETAILS: StageDetails = {
  pipeline: "shop",
  stream: "orders",
  run_id: "run-1",
  source: { type: "relation", name: "orders" },
  watermark: { field: "id", after: "1", max: "9" },
};
const NUMBERS: readonly Field[] = [{ name: "n", dtype: "int32", nullable: false }];

const numbers = (count: number, from = 0): DXTRecord[] =>
  Array.from({ length: count }, (_, i) => ({ n: from + i }));

interface Source<T> {
  readonly items: Extraction<T>;
  readonly closed: () => boolean;
}

/** With a proof, with an error, or as if done, which proves nothing. */
type End = CompletionProof | Error | "no proof";

/** An extraction that ends as it is told to. */
function sourceOf<T>(items: readonly T[], end: End): Source<T> {
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

/** The same checks for records and for files: what differs is how things are written and read. */
class Trial {
  constructor(readonly test: BufferTest, readonly directory: string) {}

  open(): Promise<Buffer> {
    return this.test.open(this.directory);
  }

  /** Writes so many records, or files, with a proof of as many, or with the end that is given. */
  async write(
    buffer: Buffer,
    count: number,
    end: End = { rows: count, evidence: `SENT ${count}` },
    from = 0,
  ): Promise<StagedData> {
    if (this.test.kind === "files") {
      const source = sourceOf(Array.from({ length: count }, (_, i) => file(`f${from + i}`)), end);
      try {
        return await buffer.writeFiles(source.items, () => DETAILS);
      } finally {
        assert.ok(source.closed(), "the extraction was left open");
      }
    }
    const batches = await Array.fromAsync(
      batchesOf(NUMBERS, numbers(count, from), { rows: 10, bytes: 1e9 }),
    );
    const source = sourceOf<Batch>(batches, end);
    try {
      return await buffer.write(NUMBERS, source.items, () => DETAILS);
    } finally {
      assert.ok(source.closed(), "the extraction was left open");
    }
  }

  /** What is staged, as text, in its order. */
  async content(staged: StagedData): Promise<string[]> {
    if (staged.kind === "files") {
      return await Promise.all(staged.files.map(async ({ name, original_name }) => {
        const bytes = await collect(await staged.openFile(name));
        return `${original_name}=${new TextDecoder().decode(bytes)}`;
      }));
    }
    return (await Array.fromAsync(staged.readRecords())).map(({ n }) => String(n));
  }

  expected(count: number, from = 0): string[] {
    return Array.from(
      { length: count },
      (_, i) =>
        this.test.kind === "files" ? `f${from + i}=content of f${from + i}` : String(from + i),
    );
  }

  /** Everything in the stage's folder. */
  async paths(folder = this.directory): Promise<string[]> {
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      found.push(join(folder, name));
      if (isDirectory) found.push(...await this.paths(join(folder, name)));
    }
    return found;
  }

  async part(): Promise<string> {
    return (await this.paths()).find((path) => /part-\d+/.test(path))!;
  }
}

function file(name: string): SourceFile {
  const bytes = new TextEncoder().encode(`content of ${name}`);
  return {
    path: `/in/${name}`,
    name,
    size: bytes.length,
    open: () => Promise.resolve(new Blob([bytes]).stream()),
  };
}

interface Check {
  readonly title: string;
  readonly when?: (test: BufferTest) => boolean;
  run(trial: Trial): Promise<void>;
}

const persistent = ({ persistent }: BufferTest) => persistent;
const ofRecords = ({ kind }: BufferTest) => kind === "records";
const ofFiles = ({ kind }: BufferTest) => kind === "files";

const CHECKS = {
  "round trip": {
    title: "what was written is read, twice, and opened again",
    async run(trial) {
      const buffer = await trial.open();
      const staged = await trial.write(buffer, 25);
      assert.equal(staged.kind, trial.test.kind);
      assert.equal(staged.count, 25);
      assert.equal(staged.evidence, "SENT 25");
      assert.deepEqual(staged.details, DETAILS);
      const again = trial.test.persistent ? await trial.open() : buffer;
      for (const data of [staged, staged, (await again.open())!]) {
        assert.deepEqual(await trial.content(data), trial.expected(25));
      }
      assert.deepEqual((await again.open())!.fields, staged.fields);
    },
  },
  "every type": {
    title: "every DXTType survives, extremes and NULLs too",
    when: ofRecords,
    async run(trial) {
      const records = extremes().map((record) =>
        trial.test.jsonNull === false && String(record["f_json"]) === "null"
          ? { ...record, f_json: record["f_json"] === null ? null : new JSONText("0") }
          : record
      );
      const batches = await Array.fromAsync(
        batchesOf(FIELDS_OF_EVERY_TYPE, records, { rows: 4, bytes: 1e9 }),
      );
      const { items } = sourceOf(batches, { rows: records.length, evidence: "all" });
      const buffer = await trial.open();
      await buffer.write(FIELDS_OF_EVERY_TYPE, items, () => DETAILS);
      const staged = (await buffer.open())!;
      assert.deepEqual(staged.fields, FIELDS_OF_EVERY_TYPE);
      assert.deepEqual(
        comparableRecords(await Array.fromAsync(staged.readRecords())),
        comparableRecords(records),
      );
    },
  },
  "nothing": {
    title: "a stage of nothing is a stage; where none was written there is none",
    async run(trial) {
      const buffer = await trial.open();
      assert.equal(await buffer.open(), undefined);
      await trial.write(buffer, 0);
      const staged = (await buffer.open())!;
      assert.equal(staged.count, 0);
      assert.deepEqual(await trial.content(staged), []);
    },
  },
  "no proof": {
    title: "without a proof of as many as came nothing is committed, and the old stage stays",
    async run(trial) {
      const buffer = await trial.open();
      const lost = new RangeError("the server is gone");
      const ends: [End, new (...args: never[]) => Error][] = [
        ["no proof", BufferError],
        [{ rows: 24, evidence: "SENT 24" }, BufferError],
        [{ rows: 26, evidence: "SENT 26" }, BufferError],
        [lost, RangeError],
      ];
      for (const [end, type] of ends) {
        await assert.rejects(trial.write(buffer, 25, end), type);
        assert.equal(await buffer.open(), undefined);
      }
      await trial.write(buffer, 5);
      for (const [end] of ends) {
        await assert.rejects(trial.write(buffer, 25, end));
        assert.deepEqual(await trial.content((await buffer.open())!), trial.expected(5));
      }
      if (!trial.test.persistent) return;
      const folders = (await trial.paths()).filter((path) => /files-[\w-]+$/.test(path));
      assert.equal(folders.length, 1, folders.join(" "));
    },
  },
  "second write": {
    title: "a second write replaces the first, with all its files",
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 25);
      if (trial.test.persistent) {
        // What a writer that was killed leaves behind.
        await Deno.mkdir(join(trial.directory, "files-of-a-killed-writer"));
        await Deno.writeTextFile(join(trial.directory, ".manifest.json.files-x"), "{");
      }
      await trial.write(buffer, 3, { rows: 3, evidence: "SENT 3" }, 100);
      assert.deepEqual(await trial.content((await buffer.open())!), trial.expected(3, 100));
      if (!trial.test.persistent) return;
      const left = await Array.fromAsync(Deno.readDir(trial.directory), ({ name }) => name);
      assert.equal(left.length, 2, left.join(" "));
    },
  },
  "clear": {
    title: "clearing leaves nothing, once or twice",
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 5);
      for (const _ of [1, 2]) {
        await buffer.clear();
        assert.equal(await buffer.open(), undefined);
      }
      await assert.rejects(Deno.stat(trial.directory), Deno.errors.NotFound);
    },
  },
  "early stop": {
    title: "a reader that stops early leaves nothing open",
    async run(trial) {
      const buffer = await trial.open();
      const staged = await trial.write(buffer, 25);
      if (trial.test.kind === "files") {
        await (await staged.openFile(staged.files[0]!.name)).cancel();
        await assert.rejects(staged.openFile("part-99999"), BufferError);
        return;
      }
      for await (const _ of staged.readBatches()) break;
      for await (const _ of staged.readRecords()) break;
    },
  },
  "changed": {
    title: "a file that is changed, cut or missing is not opened",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      for (const harm of [flip, cut, (path: string) => Deno.remove(path)]) {
        await trial.write(buffer, 25);
        await harm(await trial.part());
        await assert.rejects(buffer.open(), BufferError);
      }
    },
  },
  "manifest": {
    title: "a manifest that is cut, edited or garbage is not believed",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 25);
      const path = join(trial.directory, "manifest.json");
      const text = await Deno.readTextFile(path);
      const manifest = JSON.parse(text);
      for (
        const edited of [
          "",
          "{}",
          text.slice(0, -20),
          JSON.stringify({ ...manifest, count: 24 }),
          JSON.stringify({ ...manifest, version: 2 }),
          JSON.stringify({ ...manifest, folder: "../elsewhere" }),
          JSON.stringify({ ...manifest, files: [{ ...manifest.files[0], name: "../../x" }] }),
          JSON.stringify({ ...manifest, extra: true }),
        ]
      ) {
        await Deno.writeTextFile(path, edited);
        await assert.rejects(buffer.open(), BufferError, edited);
      }
      await Deno.writeTextFile(path, text);
      assert.deepEqual(await trial.content((await buffer.open())!), trial.expected(25));
    },
  },
  "private": {
    title: "only its user can read a stage, and files it does not know are left alone",
    when: (test) => test.persistent && Deno.build.os !== "windows",
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 5);
      for (const path of await trial.paths()) {
        const { mode, isDirectory } = await Deno.stat(path);
        assert.equal(mode! & 0o777, isDirectory ? 0o700 : 0o600, path);
      }
      const part = await trial.part();
      await Deno.writeTextFile(`${part}.bak`, "not ours");
      assert.deepEqual(await trial.content((await buffer.open())!), trial.expected(5));
    },
  },
  "names": {
    title: "names of the source are kept, and lead nowhere",
    when: ofFiles,
    async run(trial) {
      const names = ["../up", "/etc/passwd", "a/b/c.csv", " ", "new\nline", "ż 🦕", "part-00000"];
      const source = sourceOf(names.map(file), { rows: names.length, evidence: "names" });
      const buffer = await trial.open();
      await buffer.writeFiles(source.items, () => DETAILS);
      const staged = (await buffer.open())!;
      assert.deepEqual(staged.files.map(({ original_name }) => original_name), names);
      assert.deepEqual(
        await trial.content(staged),
        names.map((name) => `${name}=content of ${name}`),
      );
      const parts = (await trial.paths()).filter((path) => !/manifest|files-[\w-]+$/.test(path));
      assert.ok(parts.every((path) => /files-[\w-]+\/part-\d+$/.test(path)), parts.join(" "));
    },
  },
  "size": {
    title: "a file that is not as large as its source says is not staged",
    when: ofFiles,
    async run(trial) {
      const short = { ...file("short"), size: 999 };
      const source = sourceOf([short], { rows: 1, evidence: "1 file" });
      const buffer = await trial.open();
      await assert.rejects(buffer.writeFiles(source.items, () => DETAILS), BufferError);
      assert.equal(await buffer.open(), undefined);
    },
  },
  "other kind": {
    title: "what is of the other kind is refused",
    async run(trial) {
      const buffer = await trial.open();
      const proof = { rows: 0, evidence: "" };
      const refused = trial.test.kind === "files"
        ? buffer.write(NUMBERS, sourceOf<Batch>([], proof).items, () => DETAILS)
        : buffer.writeFiles(sourceOf<SourceFile>([], proof).items, () => DETAILS);
      await assert.rejects(refused, BufferError);
    },
  },
} satisfies Record<string, Check>;

async function flip(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(path, bytes);
}

async function cut(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.subarray(0, -1));
}

export function testBuffer(name: string, test: BufferTest): void {
  for (const check of Object.values(CHECKS) as Check[]) {
    if (check.when?.(test) === false) continue;
    Deno.test(`${name}: ${check.title}`, () =>
      withFolder((folder) => check.run(new Trial(test, join(folder, "stage")))));
  }
}
