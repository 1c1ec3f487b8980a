/** Messages between a worker and its host; all values can be structurally cloned. */
import { DXTError, findRetryAfter, isTransient, messageOf } from "../core/errors.ts";

/** Messages to a worker. Calls have ids, since one worker may run several at once. */
export type ToThread =
  | { readonly type: "call"; readonly id: number; readonly job: string; readonly input: unknown }
  | { readonly type: "abort"; readonly id: number; readonly reason: Thrown };

/** Messages from a worker. */
export type FromThread =
  | { readonly type: "progress"; readonly id: number; readonly progress: unknown }
  | { readonly type: "done"; readonly id: number; readonly result: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: Thrown }
  /** A warning to pass on to the user; it stops nothing. */
  | { readonly type: "warning"; readonly message: string; readonly isWait: boolean }
  /** A statement that the worker sends to its system, for the log. */
  | { readonly type: "statement"; readonly statement: string }
  /** An error outside of any call: the worker cannot be trusted any more. */
  | { readonly type: "crashed"; readonly error: Thrown };

/** Validates the shape of a message from a worker, since untrusted code may send anything. */
export function isFromThread(data: unknown): data is FromThread {
  if (!isObject(data)) return false;
  const { type, id, error } = data;
  switch (type) {
    case "progress":
    case "done":
      return typeof id === "number";
    case "failed":
      return typeof id === "number" && isThrown(error);
    case "warning":
      return typeof data["message"] === "string" && typeof data["isWait"] === "boolean";
    case "statement":
      return typeof data["statement"] === "string";
    default:
      return type === "crashed" && isThrown(error);
  }
}

function isThrown(error: unknown): boolean {
  if (!isObject(error)) return false;
  const { name, message, stack, transient, retryAfterMs } = error;
  return typeof message === "string" && (stack === undefined || typeof stack === "string") &&
    (name === undefined || typeof name === "string" && /^\w{1,100}$/.test(name)) &&
    (transient === undefined || typeof transient === "boolean") &&
    (retryAfterMs === undefined || typeof retryAfterMs === "number");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** An error in transferable form. */
export interface Thrown {
  /** Class name of an error that dxt raised on purpose; undefined for any other error. */
  readonly name: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  /** Whether the same may succeed later, see `isTransient`. */
  readonly transient?: boolean;
  /** As in {@linkcode DXTError}. */
  readonly retryAfterMs?: number;
}

export function fromError(error: unknown): Thrown {
  const retryAfterMs = findRetryAfter(error);
  return {
    name: error instanceof DXTError ? error.name : undefined,
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
    ...(isTransient(error) ? { transient: true } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Limit for messages and stacks of errors: untrusted code may throw megabytes of text. */
const MAX_CHARACTERS = 10_000;

function truncate(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

/** Recreates an error of a worker under the same name. */
export function toError({ name, message: whole, stack: frames, ...details }: Thrown): Error {
  const message = truncate(whole);
  const stack = frames === undefined ? undefined : truncate(frames);
  const error = name === undefined ? new Error(message) : new ThreadError(name, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}

class ThreadError extends DXTError {
  readonly #name: string;

  constructor(name: string, message: string, details: Pick<Thrown, "transient" | "retryAfterMs">) {
    super(message, details);
    this.#name = name;
  }

  override get name(): string {
    return this.#name;
  }
}
