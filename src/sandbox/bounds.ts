/**
 * Workers for untrusted code, with bounds for what permissions do not limit: memory, time without a
 * response, and messages.
 *
 * Only a full heap ends its worker alone. A loop that never yields is detected, but `terminate`
 * waits for the worker's next event, so its thread runs until the process ends. A caller that gets
 * a {@linkcode BoundError} of another kind than `heapMiB` must end the run, and with it the
 * process.
 */
import { DXTError } from "../core/errors.ts";
import type { CellOrder, CellReport } from "./cell.ts";
import type { Ports } from "./port.ts";
import { measureMessage } from "./size.ts";

/** Bounds of one worker. */
export interface Bounds {
  /** Heap of the worker, in MiB. */
  readonly heapMiB: number;
  /** Growth of the whole process's memory while the worker runs, in bytes. */
  readonly growthBytes: number;
  /** Time without a turn of the worker's event loop, in milliseconds. */
  readonly silentMs: number;
  /** Size of one message to the host, in bytes. */
  readonly messageBytes: number;
  /** Messages to the host per second. */
  readonly messages: number;
  /** Time of a call without progress or a reply, in milliseconds. */
  readonly progressMs: number;
}

export const BOUNDS: Bounds = {
  heapMiB: 512,
  growthBytes: 1024 ** 3,
  silentMs: 30_000,
  messageBytes: 16 * 1024 ** 2,
  messages: 10_000,
  progressMs: 600_000,
};

/** Untrusted code exceeded a bound. */
export class BoundError extends DXTError {
  constructor(readonly bound: keyof Bounds, detail: string) {
    super(`Cannot continue untrusted code: ${detail}`);
  }
}

/** How to start a bounded worker. */
export interface BoundedSettings {
  readonly permissions: Deno.PermissionOptions;
  readonly bounds?: Bounds;
  /** Interval between two checks of memory and responses, in milliseconds; 250 when unset. */
  readonly watchMs?: number;
}

const CELL = new URL("./cell.ts", import.meta.url);

/** A bounded worker with the interface of a `Worker`; its module gets its port from `openPort`. */
export class BoundedThread {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  /** Called once when the worker has ended, with the reason. */
  onend: ((error: DXTError) => void) | undefined;
  readonly #cell: Worker;
  readonly #messages = new MessageChannel();
  readonly #pings = new MessageChannel();
  readonly #bounds: Bounds;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #rssAtStart = Deno.memoryUsage().rss;
  #silentMs = 0;
  #isPinged = false;
  #checkedAt = performance.now();
  #countedSecond = 0;
  #messagesInSecond = 0;
  #ended = false;

  constructor(
    module: URL,
    { permissions, bounds = BOUNDS, watchMs = 250 }: BoundedSettings,
  ) {
    this.#bounds = bounds;
    this.#cell = new Worker(CELL, { type: "module", deno: { permissions } } as WorkerOptions);
    this.#cell.onmessage = ({ data }: MessageEvent<CellReport>) => this.#end(this.#endError(data));
    this.#cell.onerror = (event) => {
      // Otherwise the runtime treats it as an error of the host.
      event.preventDefault();
      this.#end(new DXTError(`A worker ended: ${event.message}`));
    };
    this.#messages.port1.onmessage = ({ data }) => this.#receive(data);
    this.#pings.port1.onmessage = ({ data }) => {
      this.#isPinged = false;
      this.#silentMs = 0;
      if (data === "full") this.#end(this.#heapError());
    };
    const ports: Ports = { messages: this.#messages.port2, pings: this.#pings.port2 };
    const order: CellOrder = { module: module.href, heapMiB: bounds.heapMiB, ports };
    this.#cell.postMessage(order, [ports.messages, ports.pings]);
    this.#watch = setInterval(() => this.#checkHealth(watchMs), watchMs);
  }

  postMessage(message: unknown): void {
    this.#messages.port1.postMessage(message);
  }

  /** Ends the worker at its next turn of the event loop. */
  terminate(): void {
    this.#ended = true;
    clearInterval(this.#watch);
    this.#messages.port1.close();
    this.#pings.port1.close();
    this.#cell.terminate();
  }

  #end(error: DXTError): void {
    if (this.#ended) return;
    this.terminate();
    this.onend?.(error);
  }

  #endError({ code, message }: CellReport): DXTError {
    return code === "ERR_WORKER_OUT_OF_MEMORY"
      ? this.#heapError()
      : new DXTError(`A worker ended: ${message}`);
  }

  #heapError(): BoundError {
    const { heapMiB } = this.#bounds;
    return new BoundError("heapMiB", `its heap is full, expected at most ${heapMiB} MiB`);
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    const { messageBytes, messages } = this.#bounds;
    const second = Math.floor(performance.now() / 1000);
    this.#messagesInSecond = second === this.#countedSecond ? this.#messagesInSecond + 1 : 1;
    this.#countedSecond = second;
    if (this.#messagesInSecond > messages) {
      const detail = `it sent more than ${messages} messages in a second`;
      return this.#end(new BoundError("messages", detail));
    }
    if (measureMessage(data, messageBytes) > messageBytes) {
      const detail = `it sent a message of more than ${messageBytes} bytes`;
      return this.#end(new BoundError("messageBytes", detail));
    }
    this.onmessage?.({ data });
  }

  #checkHealth(watchMs: number): void {
    const { growthBytes, silentMs } = this.#bounds;
    const grown = Deno.memoryUsage().rss - this.#rssAtStart;
    if (grown > growthBytes) {
      const detail =
        `memory grew by ${grown} bytes since it started, expected at most ${growthBytes}`;
      return this.#end(new BoundError("growthBytes", detail));
    }
    const now = performance.now();
    // Time in which the host itself was busy, and did not listen, counts only in part.
    if (this.#isPinged) this.#silentMs += Math.min(now - this.#checkedAt, 2 * watchMs);
    this.#checkedAt = now;
    if (this.#silentMs > silentMs) {
      const detail = `it has not responded for ${
        Math.round(this.#silentMs / 1000)
      } s, expected at most ${silentMs / 1000} s`;
      return this.#end(new BoundError("silentMs", detail));
    }
    if (!this.#isPinged) {
      this.#isPinged = true;
      this.#pings.port1.postMessage(null);
    }
  }
}
