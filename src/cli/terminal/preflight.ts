/** What the runtime needs of the machine, where it would crash instead of saying so. */
import { DXTError } from "../../core/errors.ts";
import { mayRead } from "../../core/permission_errors.ts";

const SELF = "/proc/self/exe";

/** @throws {DXTError} on a Linux without /proc, where Node's part of the runtime looks for itself */
export function checkRuntime(): void {
  if (Deno.build.os !== "linux" || !mayRead(SELF)) return;
  try {
    Deno.lstatSync(SELF);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return;
    throw new DXTError("Cannot start: /proc is not mounted, and the runtime needs it");
  }
}
