/** Modules over HTTP. */
import { ConnectionError, messageOf, withoutSecrets } from "../../core/errors.ts";
import { missingPermission } from "../../core/permission_errors.ts";
import { MODULE_BYTES, REDIRECTS } from "./bounds.ts";

export interface Answer {
  /** After all redirects. */
  readonly url: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string | null;
}

export interface FetchSettings {
  /** Hears of each URL before it is connected to, and throws to refuse it. */
  check(url: URL): void;
  readonly signal: AbortSignal;
}

/**
 * Fetches a module's bytes. Redirects are followed one by one.
 *
 * @throws {ConnectionError} when it cannot be had
 */
export async function fetchRemote(
  asked: string,
  { check, signal }: FetchSettings,
): Promise<Answer> {
  const fail = (detail: string, cause?: unknown) =>
    new ConnectionError(`Cannot fetch module "${withoutSecrets(asked)}": ${detail}`, { cause });
  let url = new URL(asked);
  for (let hops = 0; hops <= REDIRECTS; hops++) {
    check(url);
    const response = await get(url, signal).catch((error) => {
      if (signal.aborted) throw signal.reason;
      throw fail(missingPermission(error) ?? reasonOf(error), error);
    });
    const to = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && to !== null) {
      await response.body?.cancel();
      url = redirected(to, url, fail);
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw fail(`the server answers ${response.status} ${response.statusText}`.trimEnd());
    }
    const bytes = await readBody(response, fail);
    return { url: url.href, bytes, contentType: response.headers.get("content-type") };
  }
  throw fail(`it is redirected more than ${REDIRECTS} times`);
}

/** What lies at the bottom: the error above it says no more than that it failed. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason).replace(/ for url \(.*?\)/, "");
}

function get(url: URL, signal: AbortSignal): Promise<Response> {
  // Without credentials of any kind, and without a language or an agent that would tell of the user.
  return fetch(url, { redirect: "manual", signal, headers: { accept: "*/*" } });
}

function redirected(location: string, from: URL, fail: (detail: string) => Error): URL {
  const url = URL.parse(location, from);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw fail(`it is redirected to "${withoutSecrets(location)}", expected an https: URL`);
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw fail(`it is redirected from https: to "${withoutSecrets(url.href)}"`);
  }
  url.hash = "";
  return url;
}

/** The whole body, at most {@linkcode MODULE_BYTES} of it. */
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
