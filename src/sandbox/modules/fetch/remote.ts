/** Fetches modules over HTTP. */
import { ConnectionError, messageOf, withoutSecrets } from "../../../core/errors.ts";
import { missingPermission } from "../../../core/permission_errors.ts";
import { MODULE_BYTES, REDIRECTS } from "../bounds.ts";

export interface FetchedModule {
  /** URL after all redirects. */
  readonly url: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string | null;
}

/** Callbacks and abort of a fetch. */
export interface FetchSettings {
  /** Called with each URL before dxt connects to it; throws to refuse it. */
  check(url: URL): void;
  readonly signal: AbortSignal;
}

/**
 * Fetches a module and follows redirects one by one.
 *
 * @throws {ConnectionError} when it cannot be fetched
 */
export async function fetchRemote(
  requested: string,
  { check, signal }: FetchSettings,
): Promise<FetchedModule> {
  const fail = (detail: string, cause?: unknown) =>
    new ConnectionError(`Cannot fetch module "${withoutSecrets(requested)}": ${detail}`, { cause });
  let url = new URL(requested);
  for (let hops = 0; hops <= REDIRECTS; hops++) {
    check(url);
    const response = await sendRequest(url, signal).catch((error) => {
      if (signal.aborted) throw signal.reason;
      throw fail(missingPermission(error) ?? findReason(error), error);
    });
    const to = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && to !== null) {
      await response.body?.cancel();
      url = resolveRedirect(to, url, fail);
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw fail(`the server responds with ${response.status} ${response.statusText}`.trimEnd());
    }
    const bytes = await readBody(response, fail);
    return { url: url.href, bytes, contentType: response.headers.get("content-type") };
  }
  throw fail(`it is redirected more than ${REDIRECTS} times`);
}

/** Returns the message of the innermost cause; outer errors only say that the fetch failed. */
function findReason(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason).replace(/ for url \(.*?\)/, "");
}

function sendRequest(url: URL, signal: AbortSignal): Promise<Response> {
  // No credentials, and no header that reveals the user's language or agent.
  return fetch(url, { redirect: "manual", signal, headers: { accept: "*/*" } });
}

function resolveRedirect(location: string, from: URL, fail: (detail: string) => Error): URL {
  const url = URL.parse(location, from);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw fail(`it is redirected to "${withoutSecrets(location)}", expected an https: URL`);
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw fail(
      `it is redirected from https: to "${withoutSecrets(url.href)}", expected an https: URL`,
    );
  }
  url.hash = "";
  return url;
}

/** Reads the whole body, up to {@linkcode MODULE_BYTES}. */
async function readBody(
  response: Response,
  fail: (detail: string, cause?: unknown) => Error,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MODULE_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw fail(messageOf(error), error);
  }
  if (size > MODULE_BYTES) throw fail(`it is larger than ${MODULE_BYTES} bytes`);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
