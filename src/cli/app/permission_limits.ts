/** What the command line lets a pipeline need at most. */
import { ConfigurationError } from "../../core/errors.ts";
import { PermissionLists } from "../../models/permissions.ts";
import type { Limit } from "../../runner/mod.ts";

/** Comma lists as they were given: absent is no limit, empty allows nothing. */
export interface LimitOptions {
  readonly allowNet?: string | undefined;
  readonly allowRead?: string | undefined;
  readonly allowWrite?: string | undefined;
  readonly allowEnv?: string | undefined;
}

/** @throws {ConfigurationError} for an option that is no list of such values */
export function parseLimits(options: LimitOptions): Limit[] {
  const { allowNet: net, allowRead: read, allowWrite: write, allowEnv: env } = options;
  const lists = Object.entries({ net, read, write, env })
    .flatMap(([kind, text]) => text === undefined ? [] : [[kind, listOf(text)] as const]);
  if (lists.length === 0) return [];
  const parsed = PermissionLists.safeParse(Object.fromEntries(lists));
  if (parsed.success) return [{ ceiling: parsed.data, place: (kind) => `--allow-${kind}` }];
  const [{ path: [kind, index], message }] = parsed.error.issues as [typeof parsed.error.issues[0]];
  const list = lists.find(([name]) => name === kind)![1];
  throw new ConfigurationError(
    `Cannot use --allow-${String(kind)} with "${list[Number(index)]}": ${message}`,
  );
}

function listOf(text: string): string[] {
  return text === "" ? [] : text.split(",");
}
