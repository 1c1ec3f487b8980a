/** What a load promises about its target when it fails, is killed, or is repeated. */
import { z } from "zod";
import type { LoadMode } from "./stream.ts";

/**
 * From the strongest to the weakest. `transactional`: one transaction of the target has all rows or
 * none. `atomic replace`: readers find the old data or all of the new, which appears in one step.
 * `per file`: each file appears whole; a load that is killed may have added some of its files.
 * `at least once`: rows show as they are sent, and a repeated load may send them again.
 */
export const Guarantee = z.enum(["transactional", "atomic replace", "per file", "at least once"]);
export type Guarantee = z.infer<typeof Guarantee>;

/** The load modes that a target offers, each with what a load of this mode guarantees. */
export type GuaranteedModes = Readonly<Partial<Record<LoadMode, Guarantee>>>;

/** For example `append: per file; replace: atomic replace`, in the order of the modes. */
export function guaranteesText(modes: GuaranteedModes): string {
  const byGuarantee = new Map<Guarantee, string[]>();
  for (const [mode, guarantee] of Object.entries(modes)) {
    byGuarantee.set(guarantee, [...byGuarantee.get(guarantee) ?? [], mode]);
  }
  return [...byGuarantee].map(([guarantee, those]) => `${those.join(", ")}: ${guarantee}`).join(
    "; ",
  );
}
