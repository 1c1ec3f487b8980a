/** Measures time, CPU and memory of a command. */
import { ProcessTree, readMemory, readStat } from "./bench/proc.ts";

export interface Figure {
  readonly code: number;
  readonly seconds: number;
  /** CPU seconds of the command and its children; undefined without /proc. */
  readonly cpu: number | undefined;
  /**
   * Peak memory in MiB of the command and its children together, from samples. Shared memory counts
   * for each process. 0 without /proc.
   */
  readonly peak: number;
  /** The end of stderr, if it was captured. */
  readonly errors: string;
}

export interface MeasureOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Capture stderr instead of showing it. */
  readonly keepErrors?: boolean;
  /** The command and its children are killed after this many seconds. */
  readonly limit?: number;
}

const SAMPLE_MS = 50;
const ERROR_CHARS = 10_000;

/** Runs a command and discards its output. Measure one command at a time. */
export async function measure(
  command: readonly string[],
  { cwd, env, keepErrors = false, limit }: MeasureOptions = {},
): Promise<Figure> {
  const before = readStat("self")?.reaped;
  const start = performance.now();
  const child = new Deno.Command(command[0]!, {
    args: command.slice(1),
    stdin: "null",
    stdout: "null",
    stderr: keepErrors ? "piped" : "inherit",
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  }).spawn();
  const errors = keepErrors ? readEnd(child.stderr) : "";
  const tree = new ProcessTree(child.pid);
  let peak = 0;
  const timer = setInterval(() => peak = Math.max(peak, memoryNow(tree)), SAMPLE_MS);
  const killer = limit === undefined ? undefined : setTimeout(() => kill(tree), limit * 1000);
  const { code } = await child.status;
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  clearTimeout(killer);
  const after = readStat("self")?.reaped;
  const cpu = before === undefined || after === undefined ? undefined : after - before;
  return { code, seconds, cpu, peak, errors: await errors };
}

/** Memory of all processes now, but at least the peak of any single one. */
function memoryNow(tree: ProcessTree): number {
  let [together, most] = [0, 0];
  for (const pid of tree.look()) {
    const { now, peak } = readMemory(pid);
    together += now;
    most = Math.max(most, peak);
  }
  return Math.max(together, most);
}

function kill(tree: ProcessTree): void {
  for (const pid of tree.look()) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // The process has ended meanwhile.
    }
  }
}

async function readEnd(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-ERROR_CHARS);
  }
  return text;
}
