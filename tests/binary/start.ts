/**
 * CPU that commands take to start, each against `deno eval 0` in the same round; prints the medians
 * of the ratios as JSON. A program of its own: to look into /proc takes all permissions.
 */
import { median } from "../../scripts/bench/statistics.ts";
import { measure } from "../../scripts/measure.ts";

const ROUNDS = 7;
/** /proc counts in hundredths of a second. */
const TIMES = 10;

const [dxt, pipeline] = Deno.args as [string, string];
const COMMANDS: Readonly<Record<string, string[]>> = {
  "deno eval 0": [Deno.execPath(), "eval", "0"],
  "dxt --version": [dxt, "--version"],
  "dxt --help": [dxt, "--help"],
  "dxt list": [dxt, "list", pipeline],
};

async function cpuOf(command: readonly string[]): Promise<number> {
  const script = `i=0; while [ $i -lt ${TIMES} ]; do "$@" || exit 1; i=$((i+1)); done`;
  const { code, cpu } = await measure(["/bin/sh", "-c", script, "sh", ...command]);
  if (code !== 0 || cpu === undefined) throw new Error(`${command.join(" ")} ended with ${code}`);
  return cpu / TIMES;
}

const rounds = await Array.fromAsync({ length: ROUNDS }, async () => {
  const seconds: Record<string, number> = {};
  for (const [name, command] of Object.entries(COMMANDS)) seconds[name] = await cpuOf(command);
  return seconds;
});
const ratios = Object.keys(COMMANDS).slice(1).map((name) => [
  name,
  median(rounds.map((seconds) => seconds[name]! / seconds["deno eval 0"]!)),
]);
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(Object.fromEntries(ratios))));
