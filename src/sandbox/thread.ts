/** The thread's side: runs the jobs that its host sends, one at a time. */
import { DXTError } from "../core/errors.ts";
import { type FromThread, rethrown, thrown, type ToThread } from "./messages.ts";

/** Work that a thread can do; `tell` sends news of it to the host. */
export type Job = (
  input: unknown,
  tell: (news: unknown) => void,
  signal: AbortSignal,
) => Promise<unknown>;

/** The part of a worker's global scope that is used here. */
interface Scope {
  postMessage(message: FromThread): void;
  onmessage: ((event: { data: ToThread }) => void) | null;
}

/** Answers the host from now on. */
export function serve(jobs: Readonly<Record<string, Job>>): void {
  const scope = globalThis as unknown as Scope;
  const post = (message: FromThread) => scope.postMessage(message);
  let controller: AbortController | undefined;
  scope.onmessage = async ({ data }) => {
    if (data.type === "abort") return controller?.abort(rethrown(data.reason));
    controller = new AbortController();
    try {
      const job = jobs[data.job];
      if (job === undefined) throw new DXTError(`Cannot do "${data.job}": no such job`);
      const tell = (news: unknown) => post({ type: "news", news });
      post({ type: "done", result: await job(data.input, tell, controller.signal) });
    } catch (error) {
      post({ type: "failed", error: thrown(error) });
    }
  };
}
