/** The worker's port to its host, taken from the global scope before other code can reach it. */
import { getHeapStatistics } from "node:v8";
import { workerData } from "node:worker_threads";

/** The ports that a {@linkcode BoundedThread} passes to its module. */
export interface Ports {
  readonly messages: MessagePort;
  /** Replies to pings at each turn of the event loop: `well`, or `full` when the heap was full. */
  readonly pings: MessagePort;
}

/** The worker's connection to its host. */
export interface Port {
  post(message: unknown): void;
  /** Receives all messages from now on. */
  listen(listener: (message: unknown) => void): void;
}

interface ErrorScope {
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/**
 * Opens the port to the host. All methods are bound, so that a prototype patched later gives no
 * access to it. Call once, before untrusted code is imported.
 */
export function openPort(): Port {
  const ports = workerData as Ports | null;
  if (ports === null || typeof ports !== "object" || !("pings" in ports)) {
    return createPort(globalThis as unknown as MessagePort);
  }
  const { post, listen } = createPort(ports.pings);
  const limit = heapLimit();
  listen(() => post(heapLimit() > limit ? "full" : "well"));
  return createPort(ports.messages);
}

/**
 * Returns V8's heap limit, whose growth is the only sign of an exhausted heap: V8 aborts the
 * running code, raises the limit and continues with the next event, so promises of that code never
 * settle.
 */
function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}

/** Calls back for each uncaught error of this worker, which continues to run. */
export function onUncaught(listener: (error: unknown) => void): void {
  const scope = globalThis as unknown as ErrorScope;
  for (const [type, key] of [["unhandledrejection", "reason"], ["error", "error"]] as const) {
    scope.addEventListener(type, (event) => {
      event.preventDefault();
      listener((event as unknown as Record<string, unknown>)[key]);
    });
  }
}

function createPort(port: Pick<MessagePort, "postMessage" | "onmessage">): Port {
  const send = port.postMessage.bind(port) as (message: unknown) => void;
  return {
    post: (message) => send(message),
    listen(listener) {
      port.onmessage = ({ data }) => listener(data);
    },
  };
}
