/** The thread's way to its host, taken from the global scope before anything else can have it. */
import { getHeapStatistics } from "node:v8";
import { workerData } from "node:worker_threads";

/** What a {@linkcode BoundedThread} starts its module with. */
export interface Ports {
  readonly messages: MessagePort;
  /** Answers as long as the thread turns to its events: `well`, or that its heap was `full`. */
  readonly pings: MessagePort;
}

export interface Port {
  post(message: unknown): void;
  /** Hears all messages from now on. */
  listen(listener: (message: unknown) => void): void;
}

interface Ended {
  addEventListener(type: string, listener: (event: Event) => void): void;
}

/**
 * The way to the host. Everything is bound: a prototype that is changed later does not get hold of
 * it. To be called once, before external code is imported.
 */
export function openPort(): Port {
  const ports = workerData as Ports | null;
  if (ports === null || typeof ports !== "object" || !("pings" in ports)) {
    return portOf(globalThis as unknown as MessagePort);
  }
  const { post, listen } = portOf(ports.pings);
  const limit = heapLimit();
  listen(() => post(heapLimit() > limit ? "full" : "well"));
  return portOf(ports.messages);
}

/**
 * When the heap is full, V8 breaks off what runs, gives it more room to end in, and goes on with the
 * next event: a promise of what ran is never settled. That the limit has grown is all that is left
 * to see.
 */
function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}

/** Calls back for each error of this thread that nobody caught; the thread goes on. */
export function onUncaught(listener: (error: unknown) => void): void {
  const scope = globalThis as unknown as Ended;
  for (const [type, key] of [["unhandledrejection", "reason"], ["error", "error"]] as const) {
    scope.addEventListener(type, (event) => {
      event.preventDefault();
      listener((event as unknown as Record<string, unknown>)[key]);
    });
  }
}

function portOf(port: Pick<MessagePort, "postMessage" | "onmessage">): Port {
  const send = port.postMessage.bind(port) as (message: unknown) => void;
  return {
    post: (message) => send(message),
    listen(listener) {
      port.onmessage = ({ data }) => listener(data);
    },
  };
}
