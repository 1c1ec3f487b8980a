/** How long a command takes, and how much memory. */

export interface Figure {
  readonly code: number;
  readonly seconds: number;
  /** Peak memory of the process, MiB; 0 where /proc does not tell. Its children are not counted. */
  readonly peak: number;
}

/** Runs a command whose output nobody reads; its errors go to stderr. */
export async function measure(command: readonly string[]): Promise<Figure> {
  const start = performance.now();
  const process = new Deno.Command(command[0]!, {
    args: command.slice(1),
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // The process has ended, or there is no /proc.
    }
  }, 50);
  const { code } = await process.status;
  clearInterval(timer);
  return { code, seconds: (performance.now() - start) / 1000, peak };
}
