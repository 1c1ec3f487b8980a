/** Mutations of valid pipeline files, as by a typo, a broken disk or an attacker. */
import naughtyStrings from "../data/naughty-strings/blns.json" with { type: "json" };

/** Text that breaks programs which interpret it. */
export const NAUGHTY_STRINGS: readonly string[] = naughtyStrings;

/** Numbers from 0 up to 1, the same ones for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const upTo = (random: Random, most: number) => Math.floor(random() * most);
const pick = <T>(random: Random, list: readonly T[]): T => list[upTo(random, list.length)]!;

/** Replacements for values of a pipeline. */
const VALUES: readonly string[] = [
  ...["~", "{}", "[]", "true", ".inf", "-0", "1e999", "0x7fffffffffffffff", "9".repeat(400)],
  ...[
    "*a",
    "&a x",
    "&a [*a]",
    "!!binary x",
    "!!python/object:os.system x",
    "<<: *a",
    "? a",
    "|",
    ">",
  ],
  ...[
    "${HOME}",
    "${}",
    "${A:-${B}}",
    "${A:?x}",
    "$$",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
  ],
  ...[
    "../../../../etc/passwd",
    "/dev/zero",
    "C:\\con",
    "npm:left-pad",
    "./mod.ts#Name",
    "[".repeat(1000),
  ],
  ...[
    "{a: ".repeat(100),
    "x".repeat(100_000),
    "\t",
    "\0",
    "\u2028",
    "\ufeff",
    "'",
    '"',
    "\\x41",
    "- - - -",
  ],
];
const KEYS: readonly string[] = [
  ...["__proto__", "constructor", "toString", "version", "streams", "source", "url", "password"],
  ...["load", "mode", "permissions", "fields", "buffer", "on_error", "?", "<<", "", "1", "null"],
];

/** Changes a text at a place that the random numbers choose. */
const EDITS: readonly ((text: string, random: Random, other: string) => string)[] = [
  (text, random) =>
    editLine(text, random, (line) => line.replace(/(:|-)\s.*/, `$1 ${value(random)}`)),
  (text, random) =>
    editLine(text, random, (line) => line.replace(/[\w.]+:/, () => `${pick(random, KEYS)}:`)),
  (text, random) => editLine(text, random, (line) => `${line}\n${line}`),
  (text, random) => editLine(text, random, () => ""),
  (text, random) => editLine(text, random, (line) => `${" ".repeat(upTo(random, 9))}${line}`),
  (text, random) => editLine(text, random, (line) => line.trimStart()),
  (text, random) => insert(text, random, value(random)),
  (text, random) => insert(text, random, String.fromCharCode(upTo(random, 0x3000))),
  (text, random) => insert(text, random, pick(random, [..."{}[]:,#&*!|>'\"%@`-\n\t "])),
  (text, random) => text.slice(0, upTo(random, text.length)),
  (text, random) => {
    const from = upTo(random, text.length);
    return text.slice(0, from) + text.slice(from + upTo(random, 40));
  },
  (text, random, other) => insert(text, random, other.slice(upTo(random, other.length))),
  (text, random, other) => `${text}${pick(random, ["---\n", "...\n", "\n"])}${other}`,
];

const value = (random: Random) =>
  random() < 0.5
    ? pick(random, VALUES)
    : JSON.stringify(pick(random, NAUGHTY_STRINGS)).slice(upTo(random, 2));

function editLine(text: string, random: Random, edit: (line: string) => string): string {
  const lines = text.split("\n");
  const at = upTo(random, lines.length);
  lines[at] = edit(lines[at]!);
  return lines.join("\n");
}

function insert(text: string, random: Random, what: string): string {
  const at = upTo(random, text.length + 1);
  return text.slice(0, at) + what + text.slice(at);
}

/** Mutates one of the files once to five times; every third time bits are flipped, too. */
export function mutate(seeds: readonly string[], seed: number): Uint8Array {
  const random = randomNumbers(seed);
  let text = pick(random, seeds);
  for (let edits = 1 + upTo(random, 5); edits > 0; edits--) {
    text = pick(random, EDITS)(text, random, pick(random, seeds));
  }
  const bytes = new TextEncoder().encode(text);
  if (seed % 3 === 0 && bytes.length > 0) {
    for (let flips = 1 + upTo(random, 4); flips > 0; flips--) {
      bytes[upTo(random, bytes.length)]! ^= 1 << upTo(random, 8);
    }
  }
  return bytes;
}
