/**
 * Runs dxt with the arguments given, and prints its peak memory in MiB instead of its results. A
 * program of its own: to look into /proc takes all permissions.
 */
import { fileURLToPath } from "node:url";
import { measure } from "../../scripts/measure.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const { code, peak } = await measure([Deno.execPath(), "run", "-A", main, ...Deno.args]);
await Deno.stdout.write(new TextEncoder().encode(peak.toFixed(0)));
Deno.exit(code);
