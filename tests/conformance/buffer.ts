/** What every stage holds to. A buffer's test calls {@linkcode testBuffer} once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../support/run.ts";
import { damageChecks } from "./buffer/damage.ts";
import { lockChecks } from "./buffer/locks.ts";
import { readingChecks } from "./buffer/reading.ts";
import { type BufferTest, type Check, type OpenBuffer, Trial } from "./buffer/trial.ts";
import { writingChecks } from "./buffer/writing.ts";

const CHECKS = { ...readingChecks, ...writingChecks, ...damageChecks, ...lockChecks };
export type CheckName = keyof typeof CHECKS;

export interface BufferTestOptions extends BufferTest {
  /** Checks that the stage cannot pass, with the reason; one that passes nevertheless fails. */
  readonly skip?: Partial<Record<CheckName, string>>;
}

export function testBuffer(
  name: string,
  open: OpenBuffer,
  { skip, ...test }: BufferTestOptions,
): void {
  for (const [key, check] of Object.entries(CHECKS) as [CheckName, Check][]) {
    if (check.when?.(test) === false) continue;
    const reason = skip?.[key];
    const label = `${name}: ${check.title}`;
    Deno.test({
      name: reason === undefined ? label : `${label} (not here: ${reason})`,
      // Files that stay open are found by this alone.
      sanitizeResources: true,
      fn: () =>
        withFolder(async (folder) => {
          const trial = new Trial(open, test, join(folder, "stage"));
          if (reason === undefined) await check.run(trial);
          else await assert.rejects(check.run(trial), "the check passes: do not skip it");
        }),
    });
  }
}
