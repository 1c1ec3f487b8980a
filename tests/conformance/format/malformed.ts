import assert from "node:assert/strict";
import fc from "fast-check";
import { DXTError } from "../../../src/core/errors.ts";
import { FIELDS_OF_EVERY_TYPE } from "../values.ts";
import { type Check, compressionsOf, type Cut, expected, field, type Trial } from "./trial.ts";
import { rowsOfEveryType } from "./values.ts";

/** The last field is the one that a cut may shorten. */
const FIELDS = [
  ...FIELDS_OF_EVERY_TYPE.filter(({ name }) => name !== "f_string"),
  field("f_string", "string"),
];

const ROWS = rowsOfEveryType(1, FIELDS);

/** Cuts near both ends, where structure is, and all over. */
function cutsOf(length: number): number[] {
  const step = Math.max(1, Math.floor(length / 150));
  return Array.from({ length }, (_, at) => at)
    .filter((at) => at < 20 || at >= length - 40 || at % step === 0);
}

async function rowsOrError(
  trial: Trial,
  file: Uint8Array,
  settings: Parameters<Trial["read"]>[2],
): Promise<unknown[][] | DXTError> {
  try {
    return await trial.read(file, FIELDS, settings);
  } catch (error) {
    assert.ok(error instanceof DXTError, `expected an error of dxt, got ${String(error)}`);
    return error;
  }
}

function allowed(read: unknown[][], whole: unknown[][], cut: Cut): void {
  if (cut === "refused") return assert.deepEqual(read, whole);
  assert.ok(read.length <= whole.length);
  const last = read.length - 1;
  if (cut === "shortened" && last >= 0) {
    const [text, of] = [read[last]!.at(-1) ?? "", whole[last]!.at(-1) ?? ""] as [string, string];
    assert.ok(of.startsWith(text), `${JSON.stringify(text)} is no beginning of the last value`);
    read = read.with(last, read[last]!.with(-1, whole[last]!.at(-1)));
  }
  assert.deepEqual(read, whole.slice(0, read.length));
}

export const malformedChecks = {
  "cut files": {
    title: "a file that is cut is refused; where it cannot be told, it has fewer records",
    async run(trial) {
      const whole = expected(ROWS);
      for (const settings of compressionsOf(trial)) {
        const { cut = "refused" } = trial.test;
        const compressed = cut !== "refused" && settings.compression !== "none";
        const file = await trial.write(FIELDS, ROWS, settings);
        for (const at of cutsOf(file.length)) {
          const read = await rowsOrError(trial, file.slice(0, at), settings);
          if (read instanceof DXTError) continue;
          assert.ok(!compressed, `cut at ${at} of ${file.length} is taken for whole`);
          allowed(read, whole, cut);
        }
      }
    },
  },
  "random bytes": {
    title: "random bytes are refused, or records; nothing crashes or hangs",
    async run(trial) {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (file) => {
          for (const settings of compressionsOf(trial)) await attempt(trial, file, settings);
        }),
        { numRuns: 60 },
      );
    },
  },
  "changed bytes": {
    title: "a file with a changed byte is refused, or records; nothing crashes or hangs",
    async run(trial) {
      for (const settings of compressionsOf(trial)) {
        const file = await trial.write(FIELDS, ROWS, settings);
        const change = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }));
        await fc.assert(
          fc.asyncProperty(change, async ([at, mask]) => {
            await attempt(trial, file.with(at, file[at]! ^ mask), settings);
          }),
          { numRuns: 150 },
        );
      }
    },
  },
} satisfies Record<string, Check>;

async function attempt(
  trial: Trial,
  file: Uint8Array,
  settings: Parameters<Trial["infer"]>[1],
): Promise<void> {
  await rowsOrError(trial, file, settings);
  await trial.infer(file, settings).catch((error) => {
    assert.ok(error instanceof DXTError, `expected an error of dxt, got ${String(error)}`);
  });
}
