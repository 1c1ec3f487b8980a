/** Checks requirements of the runtime whose absence would crash it without a message. */
import { DXTError } from "../../core/errors.ts";
import { mayRead } from "../../core/permission_errors.ts";

const SELF = "/proc/self/exe";

/** @throws {DXTError} on Linux without /proc, where the runtime's Node layer finds its executable */
export function checkRuntime(): void {
  if (Deno.build.os !== "linux" || !mayRead(SELF)) return;
  try {
    Deno.lstatSync(SELF);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return;
    throw new DXTError("Cannot start: /proc is not mounted, but the runtime needs it");
  }
}
