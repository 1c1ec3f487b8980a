/** Requests over HTTP: redirects to named hosts only, a limit on silence, bodies that are proven whole. */
import { ConnectionError, messageOf, withoutSecrets } from "../../core/errors.ts";
import { IdleTimeout } from "./idle_timeout.ts";

const MOST_REDIRECTS = 10;

/** Statuses with a whole file: 206 has a part of one, 202 only the word that one will exist. */
const WHOLE: ReadonlySet<number> = new Set([200, 203]);

export interface HTTPSettings {
  /** Hosts that may be asked besides that of the URL: `host`, or `host:port`. */
  readonly hosts: readonly string[];
  /** Value of the header `Authorization`, which only the origin of the URL gets. */
  readonly authorization?: string | undefined;
  /** Whether any response is returned, also a redirect or an error: its headers show that a server answers. */
  readonly probes?: boolean;
  /** Seconds that the server may be silent. */
  readonly silence: number;
  readonly signal: AbortSignal;
}

/** A response with a whole file, or with status 404 or 410: then nothing exists at the URL. */
export interface HTTPResponse {
  /** The URL after all redirects. */
  readonly url: URL;
  readonly headers: Headers;
  readonly exists: boolean;
  /**
   * Yields the body once, as the server sent it: a content encoding is not undone.
   *
   * @throws {ConnectionError} when the body is not proven to be whole
   */
  readBody(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>;
  /** Ends the response without reading its body. */
  cancel(): Promise<void>;
}

/** `host:port` of a URL, as permissions write it. */
export function formatHost(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
}

/**
 * Sends a GET and follows redirects one by one.
 *
 * @throws {ConnectionError} for a status that is an error, or when the server cannot be reached
 */
export async function sendGet(requested: URL, settings: HTTPSettings): Promise<HTTPResponse> {
  const { hosts, authorization, probes = false, silence, signal } = settings;
  const fail = (detail: string, transient = false, cause?: unknown) =>
    new ConnectionError(`Cannot read "${withoutSecrets(requested.href)}": ${detail}`, {
      cause,
      transient,
    });
  const silent = new AbortController();
  const idle = new IdleTimeout(
    silence * 1000,
    () => silent.abort(fail(`the server was silent for ${silence} s`, true)),
  );
  const wait = async <T>(work: Promise<T>, lost: () => string): Promise<T> => {
    try {
      return await idle.wait(work);
    } catch (error) {
      idle.stop();
      signal.throwIfAborted();
      silent.signal.throwIfAborted();
      throw fail(lost() + findReason(error), true, error);
    }
  };
  let url = requested;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const isOrigin = url.origin === requested.origin;
    const response = await wait(
      fetch(url, {
        redirect: "manual",
        signal: AbortSignal.any([signal, silent.signal]),
        headers: {
          accept: "*/*",
          // The length of the body is that of the file, and its end can be compared with it.
          "accept-encoding": "identity",
          ...(authorization === undefined || !isOrigin ? {} : { authorization }),
        },
      }),
      () => "",
    );
    const cancel = async () => {
      idle.stop();
      await response.body?.cancel().catch(() => {});
    };
    const location = response.headers.get("location");
    if (!probes && response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = follow(location, url, fail);
      const isNamed = url.host === requested.host ||
        hosts.some((host) => host === url.hostname || host === formatHost(url));
      if (isNamed) continue;
      idle.stop();
      throw fail(
        `it is redirected to host "${
          formatHost(url)
        }", which its connection does not allow: use the URL there, or set hosts: ["${
          formatHost(url)
        }"]`,
      );
    }
    const exists = response.status !== 404 && response.status !== 410;
    if (!probes && exists && !WHOLE.has(response.status)) {
      await cancel();
      throw fail(describeStatus(response), isTransientStatus(response.status));
    }
    return {
      ...{ url, headers: response.headers, exists, cancel },
      async *readBody() {
        const length = response.headers.get("content-length");
        if (length === null && !isFramed(response, url)) {
          await cancel();
          throw fail(
            "the server sends neither a length nor chunks, so that a lost connection would look like the end",
          );
        }
        const reader = response.body?.getReader();
        let size = 0;
        const progress = () => `after ${size}${length === null ? "" : ` of ${length}`} bytes`;
        try {
          while (reader !== undefined) {
            const { done, value } = await wait(reader.read(), () => `${progress()}: `);
            if (done) break;
            size += value.length;
            yield value;
          }
        } finally {
          idle.stop();
          await reader?.cancel().catch(() => {});
        }
        if (length !== null && size !== Number(length)) {
          throw fail(`the connection ended ${progress()}`, true);
        }
      },
    };
  }
  idle.stop();
  throw fail(`it is redirected more than ${MOST_REDIRECTS} times`);
}

/** Whether the protocol marks the end of a body without a length: by a last chunk, or within TLS. */
function isFramed({ headers }: Response, url: URL): boolean {
  return headers.get("transfer-encoding") !== null || url.protocol === "https:";
}

function follow(location: string, from: URL, fail: (detail: string) => Error): URL {
  const url = URL.parse(location, from);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw fail(`it is redirected to "${withoutSecrets(location)}", expected an http(s) URL`);
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw fail(`it is redirected to "${withoutSecrets(url.href)}", expected an https URL`);
  }
  return url;
}

/** Statuses after which the same request may succeed. */
function isTransientStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

function describeStatus({ status, statusText }: Response): string {
  const way = status === 401 || status === 403
    ? ", expected a login: set user and password, or token"
    : "";
  return `the server responds with ${`${status} ${statusText}`.trimEnd()}${way}`;
}

/** The message of the innermost cause, without the runtime's words on the request, which quote its URL. */
function findReason(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason)
    .replace(/^error sending request .*?: client error \(\w+\): /s, "")
    .replace(/https?:\/\/[^\s"')]+/gi, withoutSecrets);
}
