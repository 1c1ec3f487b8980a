/** What a thread is granted. */
import { fileURLToPath } from "node:url";
import { mergePermissions } from "../core/permissions.ts";
import type { Permissions } from "../core/contracts/provider.ts";

/**
 * What every thread reads besides: dxt's own source, where it runs from files. A binary has its
 * modules inside.
 */
export function ownPermissions(): Permissions {
  const source = new URL("../", import.meta.url);
  const read = Deno.build.standalone || source.protocol !== "file:" ? [] : [fileURLToPath(source)];
  return { net: [], read, write: [], env: [] };
}

/** The permissions of a worker that may do what is needed and nothing else. */
export function workerPermissions(needs: Permissions): Deno.PermissionOptionsObject {
  const { net, read, write, env } = mergePermissions(needs, ownPermissions());
  const some = (values: readonly string[]) => values.length > 0 && [...values];
  return {
    net: some(net),
    read: some(read),
    write: some(write),
    env: some(env),
    import: false,
    run: false,
    ffi: false,
    sys: false,
  };
}
