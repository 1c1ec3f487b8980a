/** What every file format holds to. A format's test calls {@linkcode testFormat} once. */
import assert from "node:assert/strict";
import type { FileFormat } from "../../src/formats/format.ts";
import { malformedChecks } from "./format/malformed.ts";
import { readingChecks } from "./format/reading.ts";
import { type Check, type FormatTest, Trial } from "./format/trial.ts";
import { valueChecks } from "./format/values.ts";

const CHECKS = { ...valueChecks, ...readingChecks, ...malformedChecks };
export type CheckName = keyof typeof CHECKS;

export interface FormatTestOptions extends FormatTest {
  /** Checks that the format cannot pass, with the reason; one that passes nevertheless fails. */
  readonly skip?: Partial<Record<CheckName, string>>;
}

export function testFormat(format: FileFormat, { skip, ...test }: FormatTestOptions = {}): void {
  for (const [key, check] of Object.entries(CHECKS) as [CheckName, Check][]) {
    const reason = skip?.[key];
    const label = `${format.name}: ${check.title}`;
    Deno.test(reason === undefined ? label : `${label} (not here: ${reason})`, async () => {
      const trial = new Trial(format, test);
      if (reason === undefined) await check.run(trial);
      else await assert.rejects(check.run(trial), "the check passes: do not skip it");
    });
  }
}
