/** Reads damaged copies of a file: `fuzz.ts <seed> <copies> <file>…`; prints the figures. */
import arrow from "../../../src/formats/arrow/arrow.ts";
import { DXTError } from "../../../src/core/errors.ts";
import { inputOf, readAll } from "../json/support.ts";

const [seed, copies, ...paths] = Deno.args;
let state = Number(seed);

/** A whole number below a bound: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function below(bound: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * bound);
}

const NUMBERS = [0, 1, 7, 8, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];

function damaged(file: Uint8Array): Uint8Array {
  const copy = file.slice();
  const view = new DataView(copy.buffer);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    if (below(2) === 0) copy[below(copy.length)] = below(256);
    else view.setUint32(below(copy.length / 4 - 1) * 4, NUMBERS[below(NUMBERS.length)]!, true);
  }
  return below(10) === 0 ? copy.slice(0, below(copy.length)) : copy;
}

/** Longest reading in milliseconds, and what became of the copies. */
const figures = { read: 0, refused: 0, slowest: 0, peakBytes: 0 };

for (const path of paths) {
  const file = Deno.readFileSync(path);
  const fields = await arrow.inferFields(inputOf(file), { compression: "none", options: {} });
  for (let copy = 0; copy < Number(copies); copy++) {
    const input = inputOf(damaged(file));
    const start = performance.now();
    try {
      await arrow.inferFields(input, { compression: "none", options: {} });
      await readAll(arrow, input, fields);
      figures.read++;
    } catch (error) {
      if (!(error instanceof DXTError)) throw error;
      figures.refused++;
    }
    figures.slowest = Math.max(figures.slowest, performance.now() - start);
    figures.peakBytes = Math.max(figures.peakBytes, Deno.memoryUsage().rss);
  }
}
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(figures)));
