/** Reads process data from Linux's /proc: https://man7.org/linux/man-pages/man5/proc.5.html */

/** Clock ticks per second in /proc, the same on every Linux that Deno runs on. */
const TICKS = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** CPU seconds of the process itself. */
  readonly own: number;
  /** CPU seconds of children that have ended and been waited for. */
  readonly reaped: number;
}

/** Parses /proc/PID/stat. The process name in it may contain blanks and parentheses. */
export function parseStat(line: string): ProcessStat {
  const name = line.lastIndexOf(")");
  const fields = line.slice(name + 2).split(" ");
  const seconds = (at: number) => (Number(fields[at]) + Number(fields[at + 1])) / TICKS;
  return {
    pid: Number.parseInt(line),
    parent: Number(fields[1]),
    own: seconds(11),
    reaped: seconds(13),
  };
}

/** Reads a process; undefined when it has ended, or without /proc. */
export function readStat(pid: number | "self"): ProcessStat | undefined {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return undefined;
  }
}

/** Ids of all processes; none without /proc. */
export function allProcesses(): number[] {
  try {
    return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter(
      Number.isInteger,
    );
  } catch {
    return [];
  }
}

/** A process and its descendants, sampled repeatedly; reads the parent only of new processes. */
export class ProcessTree {
  readonly #inside: Set<number>;
  readonly #outside: Set<number>;

  constructor(readonly root: number) {
    this.#inside = new Set([root]);
    this.#outside = new Set(allProcesses().filter((pid) => pid !== root && !this.#isBelow(pid)));
  }

  /** Ids of the current processes. */
  look(): number[] {
    const now = allProcesses();
    // Parents have lower ids than their children, unless ids have wrapped around.
    for (const pid of now) {
      if (this.#inside.has(pid) || this.#outside.has(pid)) continue;
      (this.#isBelow(pid) ? this.#inside : this.#outside).add(pid);
    }
    return now.filter((pid) => this.#inside.has(pid));
  }

  #isBelow(pid: number): boolean {
    for (let at = readStat(pid)?.parent; at !== undefined && at > 1; at = readStat(at)?.parent) {
      if (this.#inside.has(at)) return true;
    }
    return false;
  }
}

export interface Memory {
  /** Resident memory now, MiB. */
  readonly now: number;
  /** Peak resident memory, MiB. */
  readonly peak: number;
}

/** The text of /proc/PID/status. */
export function parseMemory(status: string): Memory {
  const mib = (key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) / 1024;
  return { now: mib("VmRSS"), peak: mib("VmHWM") };
}

export function readMemory(pid: number): Memory {
  try {
    return parseMemory(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return { now: 0, peak: 0 };
  }
}

/**
 * CPU seconds of a process and all its children, including ended ones. A child that ends during the
 * sampling moves from one sum to the other; the sampling is then repeated.
 */
export function familyCPU(pid: number): number | undefined {
  let root = readStat(pid);
  for (;;) {
    if (root === undefined) return undefined;
    const children = allProcesses().map(readStat).filter((stat) => stat?.parent === pid);
    const again = readStat(pid);
    if (again?.reaped === root.reaped) {
      return children.reduce(
        (sum, child) => sum + child!.own + child!.reaped,
        again.own + again.reaped,
      );
    }
    root = again;
  }
}

export interface MachineTime {
  /** Clock ticks of all cores, since the start of the machine. */
  readonly busy: number;
  readonly all: number;
}

/** Parses the first line of /proc/stat. Time stolen by the hypervisor counts as busy. */
export function parseMachineTime(text: string): MachineTime {
  const [user, nice, system, idle, wait, irq, soft, steal] = text.split("\n", 1)[0]!.split(/\s+/)
    .slice(1).map(Number) as number[];
  const busy = user! + nice! + system! + irq! + soft! + (steal ?? 0);
  return { busy, all: busy + idle! + wait! };
}

/** Undefined without /proc. */
export function machineTime(): MachineTime | undefined {
  try {
    return parseMachineTime(Deno.readTextFileSync("/proc/stat"));
  } catch {
    return undefined;
  }
}
