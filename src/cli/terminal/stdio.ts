/** The process as commands see it: output streams, environment, signals, exit. */
import { requirePermission } from "../../core/permission_errors.ts";

export type Signal = "SIGINT" | "SIGTERM";

/** stdin. */
export interface Input {
  readonly isTerminal: boolean;
  /** Reads bytes and returns their number; null at the end of the input. */
  read(into: Uint8Array): Promise<number | null>;
}

/** stdout or stderr. */
export interface Output {
  readonly isTerminal: boolean;
  /** The variable COLUMNS, else the columns of the terminal, else 80. */
  readonly columns: number;
  /** Lines of the terminal, else 24. */
  readonly rows: number;
  write(text: string): void;
}

/** stdout, which also receives records. */
export interface BinaryOutput extends Output {
  /** Writes bytes without blocking signals; returns false if the reader has closed the pipe. */
  writeBytes(bytes: Uint8Array): Promise<boolean>;
}

/** The process that a command runs in. Tests pass their own. */
export interface IO {
  readonly version: string;
  readonly stdin: Input;
  readonly stdout: BinaryOutput;
  readonly stderr: Output;
  /** Variables by name. Throws for one that may not be read; `readVariable` treats it as unset. */
  readonly env: Readonly<Record<string, string>>;
  /** Calls the listener for each signal, until the result is disposed. */
  onSignal(listener: (signal: Signal) => void): Disposable;
  /** Calls the listener for each uncaught error, until the result is disposed. */
  onCrash(listener: (error: unknown) => void): Disposable;
  /** Ends the process at once. */
  exit(code: number): never;
}

/** The real process. */
export function processIO(version: string): IO {
  const columns = readVariable(environment, "COLUMNS");
  return {
    version,
    stdin: {
      get isTerminal() {
        return Deno.stdin.isTerminal();
      },
      read: (into) => Deno.stdin.read(into),
    },
    stdout: openOutput(Deno.stdout, columns),
    stderr: openOutput(Deno.stderr, columns),
    env: environment,
    onSignal,
    onCrash,
    exit: Deno.exit,
  };
}

/** Reads one variable at a time, so that a run needs permission only for those it uses. */
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

/** A variable that configures dxt itself; undefined when it may not be read. */
export function readVariable(env: IO["env"], name: string): string | undefined {
  try {
    return env[name];
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** Size of the terminal; zeros when it is unknown, as an unsized terminal itself reports. */
function consoleSize(): { columns: number; rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    return { columns: 0, rows: 0 };
  }
}

function openOutput(stream: typeof Deno.stdout, variable: string | undefined): BinaryOutput {
  let isOpen = true;
  /** The reader has closed the pipe, as `head` does. This is not an error. */
  const close = (error: unknown) => {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    isOpen = false;
  };
  return {
    isTerminal: stream.isTerminal(),
    get columns() {
      const wanted = /^[1-9]\d{0,4}$/.test(variable ?? "") ? Number(variable) : 0;
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
        close(error);
      }
    },
    async writeBytes(bytes) {
      try {
        for (let at = 0; isOpen && at < bytes.length;) at += await stream.write(bytes.subarray(at));
      } catch (error) {
        close(error);
      }
      return isOpen;
    },
  };
}

function onSignal(listener: (signal: Signal) => void): Disposable {
  // Windows has no SIGTERM.
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
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    listener(event.reason);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    listener(event.error);
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onError);
    },
  };
}
