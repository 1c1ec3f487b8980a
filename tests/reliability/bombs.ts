/** Small inputs that expand: compressed files, YAML with aliases, deeply nested JSON. */
import { join } from "node:path";

/** Programs that compress, and the ending of their files. */
export const COMPRESSORS: Readonly<Record<string, readonly string[]>> = {
  gz: ["gzip", "-1"],
  zst: ["zstd", "-1"],
  bz2: ["bzip2", "-1"],
  xz: ["xz", "-0"],
};

/** Content of a bomb: what it begins with, and what is repeated. */
export const CONTENTS = {
  "one record": ["id\n", "x"],
  "rows": ["id,n\n", "1234567,1234567\n"],
} as const;

/**
 * Writes a compressed file of so many bytes.
 *
 * @returns its path; undefined where the machine lacks the program
 */
export async function writeBomb(
  folder: string,
  ending: string,
  content: keyof typeof CONTENTS,
  bytes: number,
): Promise<string | undefined> {
  const [program, ...args] = COMPRESSORS[ending]!;
  const path = join(folder, `bomb.csv.${ending}`);
  let child;
  try {
    child = new Deno.Command(program!, { args: [...args, "-c"], stdin: "piped", stdout: "piped" })
      .spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const file = await Deno.create(path);
  const written = child.stdout.pipeTo(file.writable);
  const [head, repeated] = CONTENTS[content];
  const chunk = new TextEncoder().encode(repeated.repeat(Math.floor(2 ** 20 / repeated.length)));
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(head));
  for (let left = bytes; left > 0; left -= chunk.length) await writer.write(chunk);
  await writer.close();
  await written;
  return path;
}

const HEAD = `version: 1
name: p
source: { provider: local, path: . }
target: { provider: local, path: out }
`;
const STREAMS = "streams: [{ id: s, source: a.csv }]\n";

/** Nine levels of lists, each of nine aliases of the one before. */
function aliases(first: string): string {
  const levels = Array.from(
    { length: 9 },
    (_, i) => `  a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]\n`,
  );
  return `${HEAD}x:\n  a0: &a0 ${first}\n${levels.join("")}${STREAMS}`;
}

/** Pipeline files that cost much time or memory unless dxt bounds them. */
export const PIPELINE_BOMBS: Readonly<Record<string, () => string>> = {
  "aliases of aliases": () => aliases("lol"),
  "aliases of mappings": () => aliases("{ a: 1, b: 2 }"),
  "aliases in streams": () => aliases("x").replace(STREAMS, "streams: *a9\n"),
  "an alias of itself": () => `${HEAD}streams: &a [*a]\n`,
  "merged mappings": () =>
    `${HEAD}x: &x { a: 1 }\n${"y: { <<: [*x, *x, *x] }\n".repeat(5000)}${STREAMS}`,
  "lists in lists": () => `${HEAD}x: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n${STREAMS}`,
  "mappings in mappings": () => `${HEAD}x: ${"{a: ".repeat(50_000)}1${"}".repeat(50_000)}\n`,
  "many keys": () => HEAD + Array.from({ length: 20_000 }, (_, i) => `k${i}: ${i}\n`).join(""),
  "many documents": () => "---\na: 1\n".repeat(20_000),
  "many streams": () =>
    `${HEAD}streams:\n${
      Array.from({ length: 10_000 }, (_, i) =>
        `  - { id: s${i}, source: a${i}.csv, target: t${i}.csv }\n`).join("")
    }`,
  "one long line": () => `${HEAD}description: ${"x".repeat(8_000_000)}\n${STREAMS}`,
  "more than 8 MiB": () => `${HEAD}# ${"x".repeat(9_000_000)}\n${STREAMS}`,
  "variables in variables": () =>
    `${HEAD.replace("out", `${"${A:-".repeat(5000)}x${"}".repeat(5000)}`)}${STREAMS}`,
  "many mistakes": () => `${HEAD}streams:\n${"  - { ide: x, sorce: y }\n".repeat(5000)}`,
};

/** Data files that cost much time or memory unless dxt bounds them, by name. */
export const DATA_BOMBS: Readonly<Record<string, () => string>> = {
  "nested.jsonl": () => `{"id":1,"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}\n`,
  "open.jsonl": () => `{"id":1,"a":${'{"a":'.repeat(200_000)}`,
  "keys.jsonl": () => `{${Array.from({ length: 2000 }, (_, i) => `"k${i}":${i}`).join(",")}}\n`,
  "other keys.jsonl": () => Array.from({ length: 2000 }, (_, i) => `{"k${i}":${i}}\n`).join(""),
  "columns.csv": () => `${Array.from({ length: 2000 }, (_, i) => `c${i}`).join(",")}\n`,
  "quote.csv": () => `id\n"${"x\n".repeat(5_000_000)}`,
  "numbers.jsonl": () => `{"n":${"9".repeat(5_000_000)}}\n{"n":1e${"9".repeat(1_000_000)}}\n`,
};
