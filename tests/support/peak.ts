/**
 * Runs dxt with the arguments given, and prints its peak memory in MiB instead of its results. A
 * program of its own: to look into /proc takes all permissions.
 */
import { fileURLToPath } from "node:url";

const process = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", fileURLToPath(new URL("../../main.ts", import.meta.url)), ...Deno.args],
  stdout: "null",
  stderr: "inherit",
}).spawn();
let peak = 0;
const timer = setInterval(() => {
  try {
    const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    // It has ended.
  }
}, 50);
const { code } = await process.status;
clearInterval(timer);
await Deno.stdout.write(new TextEncoder().encode(peak.toFixed(0)));
Deno.exit(code);
