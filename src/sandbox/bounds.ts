/**
 * Threads for external code, with bounds for what no permission bounds: memory, time without an
 * answer, and messages.
 *
 * What a bound is worth: a heap that is full ends its thread alone. A loop that never yields is
 * noticed, but nothing ends its thread, since `terminate` waits for its next event: the thread works
 * on until the process ends. Whoever gets a {@linkcode BoundError} of another kind than `heap` ends
 * the run, and with it the process.
 */
import { DXTError } from "../core/errors.ts";
import type { CellOrder, CellReport } from "./cell.ts";
import type { Ports } from "./port.ts";
import { sizeOf } from "./size.ts";

export interface Bounds {
  /** Objects of the thread, in MiB. */
  readonly heapMiB: number;
  /** Bytes by which the memory of the whole process may grow while the thread is there. */
  readonly growthBytes: number;
  /** Milliseconds without a turn of its event loop. */
  readonly silentMs: number;
  /** Bytes of one message to the host. */
  readonly messageBytes: number;
  /** Messages to the host in a second. */
  readonly messages: number;
  /** Milliseconds of a call without news or an answer of the thread. */
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

/** External code took more than it may: which bound, and what was seen. */
export class BoundError extends DXTError {
  constructor(readonly bound: keyof Bounds, detail: string) {
    super(`Cannot go on with external code: ${detail}`);
  }
}

export interface BoundedSettings {
  readonly permissions: Deno.PermissionOptions;
  readonly bounds?: Bounds;
  /** Milliseconds between two looks at memory and answers; 250. */
  readonly watchMs?: number;
}

const CELL = new URL("./cell.ts", import.meta.url);

/** A thread that is used as a `Worker` is; its module takes its port from `openPort`. */
export class BoundedThread {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  /** Hears once why the thread is of no use any more. */
  onend: ((error: DXTError) => void) | undefined;
  readonly #cell: Worker;
  readonly #messages = new MessageChannel();
  readonly #pings = new MessageChannel();
  readonly #bounds: Bounds;
  readonly #watch: ReturnType<typeof setInterval>;
  readonly #rssAtStart = Deno.memoryUsage().rss;
  #silentMs = 0;
  #asked = false;
  #lookedAt = performance.now();
  #second = 0;
  #inSecond = 0;
  #ended = false;

  constructor(
    module: URL,
    { permissions, bounds = BOUNDS, watchMs = 250 }: BoundedSettings,
  ) {
    this.#bounds = bounds;
    this.#cell = new Worker(CELL, { type: "module", deno: { permissions } } as WorkerOptions);
    this.#cell.onmessage = ({ data }: MessageEvent<CellReport>) => this.#end(this.#errorOf(data));
    this.#cell.onerror = (event) => {
      // Or the runtime takes it for an error of the host.
      event.preventDefault();
      this.#end(new DXTError(`A thread ended: ${event.message}`));
    };
    this.#messages.port1.onmessage = ({ data }) => this.#hear(data);
    this.#pings.port1.onmessage = ({ data }) => {
      this.#asked = false;
      this.#silentMs = 0;
      if (data === "full") this.#end(this.#fullHeap());
    };
    const ports: Ports = { messages: this.#messages.port2, pings: this.#pings.port2 };
    const order: CellOrder = { module: module.href, heapMiB: bounds.heapMiB, ports };
    this.#cell.postMessage(order, [ports.messages, ports.pings]);
    this.#watch = setInterval(() => this.#look(watchMs), watchMs);
  }

  postMessage(message: unknown): void {
    this.#messages.port1.postMessage(message);
  }

  /** Ends the thread when it next turns to its events. */
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

  #errorOf({ code, message }: CellReport): DXTError {
    return code === "ERR_WORKER_OUT_OF_MEMORY"
      ? this.#fullHeap()
      : new DXTError(`A thread ended: ${message}`);
  }

  #fullHeap(): BoundError {
    const { heapMiB } = this.#bounds;
    return new BoundError("heapMiB", `its heap is full, allowed are ${heapMiB} MiB`);
  }

  #hear(data: unknown): void {
    if (this.#ended) return;
    const { messageBytes, messages } = this.#bounds;
    const second = Math.floor(performance.now() / 1000);
    this.#inSecond = second === this.#second ? this.#inSecond + 1 : 1;
    this.#second = second;
    if (this.#inSecond > messages) {
      const detail = `it sent more than ${messages} messages in a second`;
      return this.#end(new BoundError("messages", detail));
    }
    if (sizeOf(data, messageBytes) > messageBytes) {
      const detail = `it sent a message of more than ${messageBytes} bytes`;
      return this.#end(new BoundError("messageBytes", detail));
    }
    this.onmessage?.({ data });
  }

  #look(watchMs: number): void {
    const { growthBytes, silentMs } = this.#bounds;
    const grown = Deno.memoryUsage().rss - this.#rssAtStart;
    if (grown > growthBytes) {
      const detail =
        `memory grew by ${grown} bytes since it was started, allowed are ${growthBytes}`;
      return this.#end(new BoundError("growthBytes", detail));
    }
    const now = performance.now();
    // A host that was busy itself did not listen meanwhile.
    if (this.#asked) this.#silentMs += Math.min(now - this.#lookedAt, 2 * watchMs);
    this.#lookedAt = now;
    if (this.#silentMs > silentMs) {
      const detail = `it has not answered for ${Math.round(this.#silentMs / 1000)} s, allowed are ${
        silentMs / 1000
      } s`;
      return this.#end(new BoundError("silentMs", detail));
    }
    if (!this.#asked) {
      this.#asked = true;
      this.#pings.port1.postMessage(null);
    }
  }
}
