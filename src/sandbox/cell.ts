/**
 * A thread around a thread: this Web Worker takes permissions, and starts a worker of Node's kind,
 * which inherits them and takes a heap limit. A Web Worker that runs out of memory ends the whole
 * process; Node's ends alone. No untrusted code runs in this file.
 */
import { Worker as NodeWorker } from "node:worker_threads";
import type { Ports } from "./port.ts";

/** The only message to this worker. */
export interface CellOrder {
  readonly module: string;
  readonly heapMiB: number;
  readonly ports: Ports;
}

/** How the inner worker ended. */
export interface CellReport {
  readonly code: string | undefined;
  readonly message: string;
}

const scope = globalThis as unknown as {
  postMessage(message: CellReport): void;
  onmessage: ((event: { data: CellOrder }) => void) | null;
};

scope.onmessage = ({ data: { module, heapMiB, ports } }) => {
  const thread = new NodeWorker(new URL(module), {
    workerData: ports,
    transferList: [ports.messages, ports.pings] as never,
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  thread.on("error", (error: Error & { code?: string }) => {
    scope.postMessage({ code: error.code, message: error.message });
  });
  thread.on("exit", () => scope.postMessage({ code: undefined, message: "it ended by itself" }));
};
