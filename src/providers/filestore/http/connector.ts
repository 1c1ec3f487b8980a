/** The connector for files behind HTTP. */
import type {
  Access,
  DiscoveredStream,
  Estimate,
  FileEntry,
  FilestoreConnector,
  OpenFile,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import type { Leftover } from "../../../core/contracts/loader.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import {
  ConfigurationError,
  ConnectorError,
  DXTError,
  withoutSecrets,
} from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamRef, StreamSource } from "../../../models/source.ts";
import { type HTTPResponse, sendGet } from "../../transport/http_request.ts";
import { openFile } from "../source/disk_file.ts";
import { estimate } from "../source/estimate.ts";
import { requireFiles, streamFields } from "../source/fields.ts";
import { fileType, getFormatHints } from "../source/file.ts";
import { nameFile } from "./file_name.ts";
import type { HTTPConfig } from "./mod.ts";
import { Spool } from "./spool.ts";

/** A file that was copied. */
interface Copy {
  readonly entry: FileEntry;
  /** Path of the copy. */
  readonly path: string;
}

export class HTTPConnector implements FilestoreConnector {
  readonly #spool: Spool;
  /** By path; undefined for a file that does not exist. */
  readonly #copies = new Map<string, Promise<Copy | undefined>>();

  constructor(private readonly config: HTTPConfig, private readonly context: ConnectContext) {
    this.#spool = new Spool(context.baseDirectory);
  }

  warn(message: string): void {
    this.context.warn(message);
  }

  /** Any response to the connection's own URL will do: most servers forbid the listing of a folder. */
  async testConnection(): Promise<ServerInfo> {
    const response = await this.#get("", true);
    await response.cancel();
    return { product: "HTTP", version: response.headers.get("server") ?? response.url.host };
  }

  getStreamFields(ref: StreamRef, skipsMalformed = false): Promise<Field[] | undefined> {
    return streamFields(this, ref, this.context, skipsMalformed);
  }

  /** A server may deny a file to a login in the same words. */
  describeMissing(ref: StreamRef): Promise<string> {
    const url = this.#resolve(requireFilePath(ref));
    const { user, token } = this.config;
    const why = user === undefined && token === undefined
      ? "or only exists for a login"
      : "or the login may not see it";
    return Promise.resolve(`at "${url.origin}${url.pathname}": it does not exist, ${why}`);
  }

  /** HTTP lists no files. */
  discover(): Promise<DiscoveredStream[]> {
    return Promise.resolve([]);
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return estimate(this, source);
  }

  /** Reads only the head of the response. */
  async checkRead(source: StreamSource): Promise<Access> {
    const path = requireFilePath(source);
    const action = `read ${source.type} "${withoutSecrets(path)}"`;
    try {
      const response = await this.#get(path);
      await response.cancel();
      const name = this.#name(path, response);
      requireFiles(response.exists ? [{ path, name, size: 0 }] : [], source);
      await fileType(name, getFormatHints(source));
      return { action, problems: [] };
    } catch (error) {
      if (error instanceof DXTError) return { action, problems: [error.message] };
      throw error;
    }
  }

  checkWrite(): Promise<Access> {
    return Promise.resolve({ action: "write", problems: [READ_ONLY] });
  }

  async list(ref: StreamRef): Promise<FileEntry[]> {
    const copy = await this.#copy(requireFilePath(ref));
    return copy === undefined ? [] : [copy.entry];
  }

  async openRead(path: string): Promise<OpenFile> {
    const copy = await this.#copy(path);
    requireFiles(copy === undefined ? [] : [copy.entry], { type: "file", path });
    return await openFile(copy!.path, path);
  }

  write(): Promise<number> {
    throw new ConfigurationError(READ_ONLY);
  }

  writeFolder(): Promise<void> {
    throw new ConfigurationError(READ_ONLY);
  }

  listLeftovers(): Promise<readonly Leftover[]> {
    return Promise.resolve([]);
  }

  removeLeftover(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#spool[Symbol.asyncDispose]();
  }

  /** Copies a file once in the life of the connection. */
  #copy(path: string): Promise<Copy | undefined> {
    const known = this.#copies.get(path) ?? this.#download(path);
    this.#copies.set(path, known);
    known.catch(() => this.#copies.delete(path));
    return known;
  }

  async #download(path: string): Promise<Copy | undefined> {
    const response = await this.#get(path);
    if (!response.exists) {
      await response.cancel();
      return undefined;
    }
    const name = this.#name(path, response);
    const copy = await this.#spool.write(refusePage(name, response.readBody()));
    const { size } = await Deno.stat(copy);
    const modified = Date.parse(response.headers.get("last-modified") ?? "");
    const entry = { path, name, size, ...(Number.isNaN(modified) ? {} : { modified }) };
    return { entry, path: copy };
  }

  #name(path: string, { url, headers }: HTTPResponse): string {
    return nameFile([this.#resolve(path), url], headers);
  }

  #get(path: string, probes = false): Promise<HTTPResponse> {
    const { user, password = "", token, hosts, inactivity_timeout: silence } = this.config;
    const login = user === undefined ? undefined : `Basic ${toBase64(`${user}:${password}`)}`;
    const authorization = token === undefined ? login : `Bearer ${token}`;
    const { signal } = this.context;
    return sendGet(this.#resolve(path), { hosts, authorization, probes, silence, signal });
  }

  /** Resolves a path as a link in a page of the connection's URL; both may have a query. */
  #resolve(path: string): URL {
    const base = new URL(this.config.url);
    const url = URL.parse(path, base);
    if (url === null || url.origin !== base.origin) {
      throw new ConfigurationError(
        `Cannot read "${
          withoutSecrets(path)
        }": it leads away from "${base.origin}", expected a path below the connection's url`,
      );
    }
    for (const [name, value] of base.searchParams) {
      if (!url.searchParams.has(name)) url.searchParams.append(name, value);
    }
    url.hash = "";
    return url;
  }
}

const READ_ONLY = "Cannot write over HTTP: its files can only be read";

function requireFilePath(ref: StreamRef): string {
  if (ref.type === "file") return ref.path;
  throw new ConfigurationError(
    `Cannot list the files of a ${ref.type}: HTTP lists none, expected one file, as in source: {type: file, path: x.csv}`,
  );
}

/** Yields a body; throws if it is an HTML page, which servers send with status 200 instead of a file. */
async function* refusePage(
  name: string,
  body: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let isFirst = true;
  for await (const chunk of body) {
    const head = isFirst ? new TextDecoder().decode(chunk.subarray(0, 64)) : "";
    isFirst = false;
    if (/^\s*<(!doctype\s+html|html)\b/i.test(head)) {
      throw new ConnectorError(
        `Cannot read "${name}": the server sends an HTML page, expected a file; it may require a login`,
      );
    }
    yield chunk;
  }
}

function toBase64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
