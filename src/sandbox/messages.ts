/** What a thread and its host say to each other. Values are what structured cloning takes. */
import { DXTError, messageOf } from "../core/errors.ts";

/** Calls have numbers, since several may be under way in one thread. */
export type ToThread =
  | { readonly type: "call"; readonly id: number; readonly job: string; readonly input: unknown }
  | { readonly type: "abort"; readonly id: number; readonly reason: Thrown };

export type FromThread =
  | { readonly type: "news"; readonly id: number; readonly news: unknown }
  | { readonly type: "done"; readonly id: number; readonly result: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: Thrown }
  /** A fact that stops nothing, for the user of the thread. */
  | { readonly type: "warning"; readonly message: string }
  /** An error that belongs to no call: the thread is not to be trusted any more. */
  | { readonly type: "crashed"; readonly error: Thrown };

/** Whether something that came from a thread is a message of these: code of others may send any. */
export function isFromThread(data: unknown): data is FromThread {
  if (!isObject(data)) return false;
  const { type, id, error } = data;
  switch (type) {
    case "news":
    case "done":
      return typeof id === "number";
    case "failed":
      return typeof id === "number" && isThrown(error);
    case "warning":
      return typeof data["message"] === "string";
    default:
      return type === "crashed" && isThrown(error);
  }
}

function isThrown(error: unknown): boolean {
  if (!isObject(error)) return false;
  const { name, message, stack } = error;
  return typeof message === "string" && (stack === undefined || typeof stack === "string") &&
    (name === undefined || typeof name === "string" && /^\w{1,100}$/.test(name));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** An error on its way to another thread. */
export interface Thrown {
  /** Class of an error that dxt raised on purpose. */
  readonly name: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export function fromError(error: unknown): Thrown {
  return {
    name: error instanceof DXTError ? error.name : undefined,
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  };
}

/** Longer messages and stacks of errors are cut: untrusted code may throw megabytes. */
const MOST_CHARACTERS = 10_000;

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

/** The error of another thread, told by the same name. */
export function toError({ name, message: whole, stack: frames }: Thrown): Error {
  const message = cut(whole);
  const stack = frames === undefined ? undefined : cut(frames);
  const error = name === undefined ? new Error(message) : new ThreadError(name, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

class ThreadError extends DXTError {
  readonly #name: string;

  constructor(name: string, message: string) {
    super(message);
    this.#name = name;
  }

  override get name(): string {
    return this.#name;
  }
}
