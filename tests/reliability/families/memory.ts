/** Large data moves over one thread with 512 MiB of memory: wide rows, narrow rows, and few rows with values of 10 MB. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notLinux } from "../../support/ignore.ts";
import { runCapped } from "../memory_cap.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const CAP = 512 * 2 ** 20;
const BYTES = 10e9;
const SHORT_BYTES = 200e6;
/** Bytes of each file of a source; all files have the same content. */
const FILE_BYTES = 20e6;
/** Seconds that a megabyte may take. */
const PACE = 1;

export const MEMORY: Family = {
  name: "memory",
  title: "one thread with 512 MiB of memory: wide rows, narrow rows, and values of 10 MB",
  whyMissing: () => Promise.resolve(notLinux),
  run,
};

/** Lines of JSON; `rows` of them fill about one file. */
const SHAPES: Readonly<Record<string, { readonly rows: number; line(row: number): object }>> = {
  "narrow rows": { rows: 800_000, line: (row) => ({ id: row, n: row % 97 }) },
  "wide rows of 100 fields": {
    rows: 14_000,
    line: (row) =>
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field_${i}`, row * 31 + i])),
  },
  "values of 10 MB": {
    rows: 2,
    line: (row) => ({ id: row, text: `${row}-`.repeat(10e6 / `${row}-`.length) }),
  },
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const bytes = scope.isShort ? SHORT_BYTES : BYTES;
  for (const shape of Object.keys(SHAPES)) {
    yield await observe(
      MEMORY.name,
      `${shape}, ${bytes / 1e6} MB`,
      () => move(shape, bytes, scope),
    );
  }
}

async function move(shape: string, bytes: number, scope: Scope): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: scope.folder });
  const { files, rows } = await writeSource(folder, shape, bytes);
  await Deno.writeTextFile(
    join(folder, "p.yaml"),
    JSON.stringify({
      version: 1,
      name: "p",
      source: { provider: "local", path: "source" },
      target: { provider: "local", path: "out" },
      streams: [{ id: "s", source: "*.jsonl", target: "t.parquet", load: { mode: "replace" } }],
    }),
  );
  const receipts = join(folder, "receipts");
  const { code, errors, peak, seconds, isHeld } = await runCapped(
    [
      ...[
        Deno.execPath(),
        "run",
        "-A",
        "--no-prompt",
        "--no-check",
        "--v8-flags=--expose-gc,--max-semi-space-size=2,--single-threaded-gc",
        MAIN,
      ],
      // Each thread holds batches of its own: of wide rows and large values about 200 MiB.
      ...["run", join(folder, "p.yaml"), "-q", "--threads", "1", "--receipts", receipts],
    ],
    CAP,
    bytes / 1e6 * PACE,
  );
  assert.equal(code, 0, `exit code ${code}, ${peak.toFixed(0)} MiB: ${errors}`);
  if (peak > CAP / 2 ** 20) throw new Fault("failed", `the run took ${peak.toFixed(0)} MiB`);
  const loaded = await readRows(receipts);
  if (loaded !== rows * files) throw new Fault("lost", `${loaded} of ${rows * files} rows`);
  await Deno.remove(folder, { recursive: true });
  const how = isHeld ? "held by the kernel" : "measured, as no control group can be made";
  return `${rows * files} rows in ${seconds.toFixed(0)} s, ${peak.toFixed(0)} MiB at most (${how})`;
}

/** Writes one file, and links it under as many names as make up the bytes. */
async function writeSource(folder: string, shape: string, bytes: number) {
  const { rows, line } = SHAPES[shape]!;
  const source = join(folder, "source");
  await Deno.mkdir(source);
  const first = join(source, "0.jsonl");
  {
    using file = await Deno.create(first);
    const encoder = new TextEncoder();
    for (let row = 0; row < rows;) {
      const end = Math.min(rows, row + 10_000);
      const lines = Array.from(
        { length: end - row },
        (_, i) => `${JSON.stringify(line(row + i))}\n`,
      );
      let rest = encoder.encode(lines.join(""));
      while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
      row = end;
    }
  }
  const files = Math.ceil(bytes / FILE_BYTES);
  for (let number = 1; number < files; number++) {
    await Deno.link(first, join(source, `${number}.jsonl`));
  }
  return { files, rows };
}

/** Rows that the target has taken, from the receipt of the run. */
async function readRows(receipts: string): Promise<number> {
  const [entry] = await Array.fromAsync(Deno.readDir(receipts));
  const { result } = JSON.parse(await Deno.readTextFile(join(receipts, entry!.name)));
  return result.streams[0].rows_loaded;
}
