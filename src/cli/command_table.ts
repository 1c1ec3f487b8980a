/** The table of commands, in the order and groups of the help. Each is imported on first use. */
import type { CommandParser } from "./app/context.ts";

interface Entry {
  /** Title in the help, above the commands of the same group. */
  readonly group: string;
  load(): Promise<CommandParser>;
}

const MOVE = "Move data";
const LOOK = "Inspect";
const RECOVER = "Recover";
const AUDIT = "Audit";
const WRITE = "Write pipelines";
const CODE = "External modules";
const SHELL = "Shell";
const LEARN = "Learn";

export const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { group: MOVE, load: async () => (await import("./commands/move/run.ts")).run },
  extract: { group: MOVE, load: async () => (await import("./commands/move/extract.ts")).extract },
  load: { group: MOVE, load: async () => (await import("./commands/move/load.ts")).load },
  discover: {
    group: LOOK,
    load: async () => (await import("./commands/inspect/discover.ts")).discover,
  },
  plan: { group: LOOK, load: async () => (await import("./commands/inspect/plan.ts")).plan },
  test: { group: LOOK, load: async () => (await import("./commands/inspect/test.ts")).test },
  head: { group: LOOK, load: async () => (await import("./commands/inspect/head.ts")).head },
  permissions: {
    group: LOOK,
    load: async () => (await import("./commands/inspect/permissions.ts")).permissions,
  },
  list: { group: LOOK, load: async () => (await import("./commands/inspect/list.ts")).list },
  status: {
    group: RECOVER,
    load: async () => (await import("./commands/recover/status.ts")).status,
  },
  clean: {
    group: RECOVER,
    load: async () => (await import("./commands/recover/clean.ts")).clean,
  },
  dlq: { group: RECOVER, load: async () => (await import("./commands/recover/dlq.ts")).dlq },
  "explain-failure": {
    group: RECOVER,
    load: async () => (await import("./commands/recover/explain_failure.ts")).explainFailure,
  },
  diff: { group: AUDIT, load: async () => (await import("./commands/audit/diff.ts")).diff },
  record: {
    group: AUDIT,
    load: async () => (await import("./commands/audit/record.ts")).record,
  },
  replay: {
    group: AUDIT,
    load: async () => (await import("./commands/audit/replay.ts")).replay,
  },
  runs: { group: AUDIT, load: async () => (await import("./commands/audit/runs.ts")).runs },
  receipt: {
    group: AUDIT,
    load: async () => (await import("./commands/audit/receipt.ts")).receipt,
  },
  init: { group: WRITE, load: async () => (await import("./commands/write/init.ts")).init },
  validate: {
    group: WRITE,
    load: async () => (await import("./commands/write/validate.ts")).validate,
  },
  schema: { group: WRITE, load: async () => (await import("./commands/write/schema.ts")).schema },
  operators: {
    group: WRITE,
    load: async () => (await import("./commands/write/operators.ts")).operators,
  },
  lock: { group: CODE, load: async () => (await import("./commands/modules/lock.ts")).lock },
  vendor: { group: CODE, load: async () => (await import("./commands/modules/vendor.ts")).vendor },
  docs: { group: LEARN, load: async () => (await import("./commands/docs.ts")).docs },
  completions: {
    group: SHELL,
    load: async () => (await import("./commands/completions.ts")).completions,
  },
};

export const NAMES: readonly string[] = Object.keys(COMMANDS);
