/** Requests over HTTP: redirects to named hosts only, a limit on silence, bodies that are proven whole. */
import {
  ConnectionError,
  type ErrorDetails,
  messageOf,
  withoutSecrets,
} from "../../core/errors.ts";
import { IdleTimeout } from "./idle_timeout.ts";

const MOST_REDIRECTS = 10;

/** Statuses of a whole file; 206 is a part of one, and 202 has no file yet. */
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
  const exchange = new Exchange(requested, settings);
  const { probes = false } = settings;
  let url = requested;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const response = await exchange.fetch(url);
    const location = response.headers.get("location");
    if (!probes && response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = exchange.follow(location, url);
      continue;
    }
    const exists = response.status !== 404 && response.status !== 410;
    if (!probes && exists && !WHOLE.has(response.status)) {
      await exchange.cancel(response);
      const isTransient = isTransientStatus(response.status);
      throw exchange.fail(describeStatus(response), {
        transient: isTransient,
        ...(isTransient ? { retryAfterMs: readRetryAfter(response.headers) } : {}),
      });
    }
    return {
      ...{ url, headers: response.headers, exists },
      readBody: () => exchange.readBody(response, url),
      cancel: () => exchange.cancel(response),
    };
  }
  throw exchange.fail(`it is redirected more than ${MOST_REDIRECTS} times`);
}

/** A request with its redirects and its response, under one limit on the silence of the servers. */
class Exchange {
  readonly #silent = new AbortController();
  readonly #idle: IdleTimeout;

  constructor(private readonly requested: URL, private readonly settings: HTTPSettings) {
    const { silence } = settings;
    this.#idle = new IdleTimeout(
      silence * 1000,
      () =>
        this.#silent.abort(
          this.fail(`the server was silent for ${silence} s`, { transient: true }),
        ),
    );
  }

  /** Returns the error that ends the exchange. */
  fail(detail: string, details: ErrorDetails = {}): ConnectionError {
    this.#idle.stop();
    const message = `Cannot read "${withoutSecrets(this.requested.href)}": ${detail}`;
    return new ConnectionError(message, details);
  }

  async fetch(url: URL): Promise<Response> {
    const { authorization, signal } = this.settings;
    const isOrigin = url.origin === this.requested.origin;
    return await this.#wait(fetch(url, {
      redirect: "manual",
      signal: AbortSignal.any([signal, this.#silent.signal]),
      headers: {
        accept: "*/*",
        // The length of the body is that of the file, and its end can be compared with it.
        "accept-encoding": "identity",
        ...(authorization === undefined || !isOrigin ? {} : { authorization }),
      },
    }));
  }

  /** Returns the URL of a redirect, if the connection may follow it. */
  follow(location: string, from: URL): URL {
    const url = URL.parse(location, from);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw this.fail(`it is redirected to "${withoutSecrets(location)}", expected an http(s) URL`);
    }
    if (from.protocol === "https:" && url.protocol === "http:") {
      throw this.fail(`it is redirected to "${withoutSecrets(url.href)}", expected an https URL`);
    }
    const host = formatHost(url);
    const isNamed = url.host === this.requested.host ||
      this.settings.hosts.some((one) => one === url.hostname || one === host);
    if (isNamed) return url;
    throw this.fail(
      `it is redirected to host "${host}", which its connection does not allow: use the URL there, or set hosts: ["${host}"]`,
    );
  }

  async *readBody(
    response: Response,
    url: URL,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    const length = response.headers.get("content-length");
    if (length === null && !isFramed(response, url)) {
      await this.cancel(response);
      throw this.fail(
        "the server sends neither a length nor chunks, so that a lost connection would look like the end",
      );
    }
    const reader = response.body?.getReader();
    let size = 0;
    const progress = () => `after ${size}${length === null ? "" : ` of ${length}`} bytes`;
    try {
      while (reader !== undefined) {
        const { done, value } = await this.#wait(reader.read(), () => `${progress()}: `);
        if (done) break;
        size += value.length;
        yield value;
      }
    } finally {
      this.#idle.stop();
      await reader?.cancel().catch(() => {});
    }
    if (length !== null && size !== Number(length)) {
      throw this.fail(`the connection ended ${progress()}`, { transient: true });
    }
  }

  async cancel(response: Response): Promise<void> {
    this.#idle.stop();
    await response.body?.cancel().catch(() => {});
  }

  /** @param describe what precedes the reason of a failure */
  async #wait<T>(work: Promise<T>, describe = () => ""): Promise<T> {
    try {
      return await this.#idle.wait(work);
    } catch (error) {
      this.#idle.stop();
      this.settings.signal.throwIfAborted();
      this.#silent.signal.throwIfAborted();
      throw this.fail(describe() + findReason(error), { transient: true, cause: error });
    }
  }
}

/** Whether the protocol marks the end of a body without a length: by a last chunk, or within TLS. */
function isFramed({ headers }: Response, url: URL): boolean {
  return headers.get("transfer-encoding") !== null || url.protocol === "https:";
}

/** Statuses after which the same request may succeed. */
function isTransientStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** Reads the header `Retry-After`, which has seconds or a date, in milliseconds from now. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function describeStatus({ status, statusText }: Response): string {
  const way = status === 401 || status === 403
    ? ", expected a login: set user and password, or token"
    : "";
  return `the server responds with ${`${status} ${statusText}`.trimEnd()}${way}`;
}

/** The message of the innermost cause, without the text of the runtime that quotes the URL. */
function findReason(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason)
    .replace(/^error sending request .*?: client error \(\w+\): /s, "")
    .replace(/https?:\/\/[^\s"')]+/gi, withoutSecrets);
}
