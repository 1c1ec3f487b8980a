/**
 * What every provider holds to. A provider's test calls {@linkcode testProvider} once; each check
 * is a test of its own, on a connection of its own.
 */
import assert from "node:assert/strict";
import type { Connector } from "../../src/core/contracts/connector.ts";
import type { Provider } from "../../src/core/contracts/provider.ts";
import type { Value } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import type { LoadMode } from "../../src/models/stream.ts";
import type { StreamTarget } from "../../src/models/source.ts";
import { atomicityChecks } from "./provider/atomicity.ts";
import { connectionChecks } from "./provider/connection.ts";
import { hostileTargetChecks } from "./provider/hostile_targets.ts";
import { schemaChangeChecks } from "./provider/schema_changes.ts";
import { historyChecks } from "./provider/history.ts";
import { lockChecks } from "./provider/locks.ts";
import { modeChecks } from "./provider/modes.ts";
import { nameChecks } from "./provider/names.ts";
import { proofChecks } from "./provider/proof.ts";
import { readingChecks } from "./provider/reading.ts";
import { rejectChecks } from "./provider/rejects.ts";
import { targetChecks } from "./provider/targets.ts";
import { type Check, modesOf, recordLoaderClass, Trial } from "./provider/trial.ts";
import { valueChecks } from "./provider/values.ts";
import { watermarkChecks } from "./provider/watermarks.ts";
import { wildcardChecks } from "./provider/wildcards.ts";
import { ignoreIf } from "../support/ignore.ts";

const CHECKS = {
  ...connectionChecks,
  ...valueChecks,
  ...nameChecks,
  ...modeChecks,
  ...historyChecks,
  ...targetChecks,
  ...hostileTargetChecks,
  ...schemaChangeChecks,
  ...atomicityChecks,
  ...proofChecks,
  ...lockChecks,
  ...watermarkChecks,
  ...readingChecks,
  ...rejectChecks,
  ...wildcardChecks,
};
export type CheckName = keyof typeof CHECKS;

/** A connection of one check: an empty database or folder of its own. */
export interface TestConnection {
  readonly config: unknown;
  /** Runs statements on the system, beside dxt; of a relational provider. */
  sql?(text: string): Promise<unknown>;
  release(): Promise<void>;
}

export interface ProviderTest<Config, C extends Connector> {
  readonly provider: Provider<Config, C>;
  /** Before the provider's name in the tests' names, for example a server's version. */
  readonly label?: string;
  /** `ignore` says why there is no system to test against. */
  connection(): Promise<TestConnection | { readonly ignore: string }>;
  /** For example `{type: "relation", name}` or `{type: "file", path: name + ".parquet"}`. */
  target(name: string): StreamTarget;
  /** What the system gives a field back as, where it has no type of its own for it. */
  widens?(field: Field): Partial<Field>;
  /** False for a value that the system has no place for: a load of it is refused. */
  holds?(value: Exclude<Value, null>, field: Field): boolean;
  /** The system's SQL for a date and time without a zone; TIMESTAMP when unset. */
  readonly timestampType?: string;
  /** The modes that this system offers, where they are not all of the provider's. */
  readonly modes?: readonly LoadMode[];
  /** Checks that the system cannot pass, with the reason; one that passes nevertheless fails. */
  readonly skip?: Partial<Record<CheckName, string>>;
}

export function testProvider<Config, C extends Connector>(test: ProviderTest<Config, C>): void {
  const provider = test.provider as unknown as Provider;
  for (const [key, check] of Object.entries(CHECKS) as [CheckName, Check][]) {
    const loaderClass = recordLoaderClass(provider);
    const modes = test.modes ?? modesOf(loaderClass);
    if (check.when?.({ provider, loaderClass, modes }) === false) continue;
    const reason = test.skip?.[key];
    const label = `${test.label ?? provider.name}: ${check.title}`;
    Deno.test(reason === undefined ? label : `${label} (not here: ${reason})`, async (t) => {
      const connection = await test.connection();
      if ("ignore" in connection) {
        await t.step({ ...ignoreIf(connection.ignore, "the system"), fn: () => {} });
        return;
      }
      try {
        await using trial = new Trial({
          provider,
          modes,
          config: connection.config,
          target: test.target,
          sql: connection.sql,
          widens: test.widens ?? (() => ({})),
          holds: test.holds ?? (() => true),
          timestampType: test.timestampType ?? "TIMESTAMP",
        });
        if (reason === undefined) await check.run(trial);
        else await assert.rejects(check.run(trial), "the check passes: do not skip it");
      } finally {
        await connection.release();
      }
    });
  }
}
