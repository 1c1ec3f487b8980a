import { requirePermission } from "../../core/permission_errors.ts";

export type Signal = "SIGINT" | "SIGTERM";

/** One of the two output streams. */
export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal, or what COLUMNS says; 80 where neither is known. */
  readonly columns: number;
  /** Lines of the terminal; 24 where there is none. */
  readonly rows: number;
  write(text: string): void;
}

/** All that a command sees of the process it runs in. */
export interface IO {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** By name; one that the process may not read throws, `readVariable` takes it for unset. */
  readonly env: Readonly<Record<string, string>>;
  /** Calls back for each signal, until what is returned is disposed. */
  onSignal(listener: (signal: Signal) => void): Disposable;
  /** Calls back for each error that nobody caught, until what is returned is disposed. */
  onCrash(listener: (error: unknown) => void): Disposable;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** The process that dxt was started as. */
export function processIO(version: string): IO {
  const columns = readVariable(environment, "COLUMNS");
  return {
    version,
    stdout: outputOf(Deno.stdout, columns),
    stderr: outputOf(Deno.stderr, columns),
    env: environment,
    onSignal,
    onCrash,
    exit: Deno.exit,
  };
}

/** Asked for one name at a time: a run needs no permission for the rest. */
const environment = new Proxy<Record<string, string>>({}, {
  get: (_, name) => variable(name),
  getOwnPropertyDescriptor: (_, name) => {
    const value = variable(name);
    return value === undefined ? undefined : { value, enumerable: true, configurable: true };
  },
  ownKeys: () => {
    if (Deno.permissions.querySync({ name: "env" }).state !== "granted") {
      throw new Deno.errors.NotCapable("Requires env access, which is not granted");
    }
    return Object.keys(Deno.env.toObject());
  },
});

function variable(name: string | symbol): string | undefined {
  if (typeof name !== "string") return undefined;
  requirePermission("env", name);
  return Deno.env.get(name);
}

/** A variable that steers dxt itself; unset where it may not be read. */
export function readVariable(env: IO["env"], name: string): string | undefined {
  try {
    return env[name];
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** Size of the terminal; zeros where it has none, as a terminal that nobody sized says itself. */
function consoleSize(): { columns: number; rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    return { columns: 0, rows: 0 };
  }
}

function outputOf(stream: typeof Deno.stdout, asked: string | undefined): Output {
  let isOpen = true;
  return {
    isTerminal: stream.isTerminal(),
    get columns() {
      const wanted = /^[1-9]\d{0,4}$/.test(asked ?? "") ? Number(asked) : 0;
      return wanted || (stream.isTerminal() && consoleSize().columns) || 80;
    },
    get rows() {
      return (stream.isTerminal() && consoleSize().rows) || 24;
    },
    write(text) {
      let rest = new TextEncoder().encode(text);
      try {
        while (isOpen && rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
      } catch (error) {
        // The reader has left, as `head` does; what it did not want to read is no failure.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        isOpen = false;
      }
    },
  };
}

function onSignal(listener: (signal: Signal) => void): Disposable {
  // Windows knows no SIGTERM.
  const signals: Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const listeners = signals.map((signal) => [signal, () => listener(signal)] as const);
  for (const [signal, call] of listeners) Deno.addSignalListener(signal, call);
  return {
    [Symbol.dispose]() {
      for (const [signal, call] of listeners) Deno.removeSignalListener(signal, call);
    },
  };
}

function onCrash(listener: (error: unknown) => void): Disposable {
  const rejected = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    listener(event.reason);
  };
  const thrown = (event: ErrorEvent) => {
    event.preventDefault();
    listener(event.error);
  };
  addEventListener("unhandledrejection", rejected);
  addEventListener("error", thrown);
  return {
    [Symbol.dispose]() {
      removeEventListener("unhandledrejection", rejected);
      removeEventListener("error", thrown);
    },
  };
}
