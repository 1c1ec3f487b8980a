/** The `--allow-…` options as permission limits. */
import { ConfigurationError } from "../../core/errors.ts";
import { PermissionLists } from "../../models/permissions.ts";
import type { Limit } from "../../runner/mod.ts";

/** Lists separated by commas, unparsed. Undefined sets no limit; an empty text allows nothing. */
export interface LimitOptions {
  readonly allowNet?: string | undefined;
  readonly allowRead?: string | undefined;
  readonly allowWrite?: string | undefined;
  readonly allowEnv?: string | undefined;
  readonly allowFfi?: string | undefined;
  readonly allowSys?: string | undefined;
}

/** @throws {ConfigurationError} when an option holds a value that its kind does not allow */
export function parseLimits(options: LimitOptions): Limit[] {
  const lists = Object.entries({
    net: options.allowNet,
    read: options.allowRead,
    write: options.allowWrite,
    env: options.allowEnv,
    ffi: options.allowFfi,
    sys: options.allowSys,
  })
    .flatMap(([kind, text]) => text === undefined ? [] : [[kind, splitList(text)] as const]);
  if (lists.length === 0) return [];
  const parsed = PermissionLists.safeParse(Object.fromEntries(lists));
  if (parsed.success) return [{ ceiling: parsed.data, place: (kind) => `--allow-${kind}` }];
  const [{ path: [kind, index], message }] = parsed.error.issues as [typeof parsed.error.issues[0]];
  const list = lists.find(([name]) => name === kind)![1];
  throw new ConfigurationError(
    `Cannot use --allow-${String(kind)} with "${list[Number(index)]}": ${message}`,
  );
}

function splitList(text: string): string[] {
  return text === "" ? [] : text.split(",");
}
