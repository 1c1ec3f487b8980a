/** The connector for local files. */
import { basename, dirname } from "node:path";
import type {
  Access,
  CheckWritten,
  DiscoveredStream,
  Estimate,
  FileEntry,
  FilestoreConnector,
  NewFile,
  OpenFile,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import { suggestName } from "../../../core/files/suggest_file.ts";
import type { Claim } from "../../../core/files/run_lock.ts";
import { ConfigurationError, ConnectorError } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import { mayRead } from "../../../core/permission_errors.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../../models/source.ts";
import type { Leftover, LeftoverRequest } from "../../../core/contracts/loader.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { discoverFiles } from "../source/discover.ts";
import { estimate } from "../source/estimate.ts";
import { streamFields } from "../source/fields.ts";
import { folderGlob, type Glob, parseGlob } from "../source/glob.ts";
import { checkRead, checkWrite } from "./access.ts";
import { type Purpose, withExplanation } from "./errors.ts";
import { listLeftovers, removeLeftover, type WrittenPath } from "./leftovers.ts";
import { openFile } from "../source/disk_file.ts";
import type { BaseDirectory } from "./paths.ts";
import { fileEntry, statIfPresent, walk } from "./walk.ts";
import { addToFolder, readableFolder, replaceFolder, writeFile } from "./write.ts";

export class LocalConnector implements FilestoreConnector {
  constructor(
    private readonly base: BaseDirectory,
    private readonly context: Pick<ConnectContext, "signal" | "warn">,
  ) {}

  warn(message: string): void {
    this.context.warn(message);
  }

  testConnection(): Promise<ServerInfo> {
    return this.#explain("read", ".", async (full) => {
      const product = { product: "Local files", version: `${Deno.build.os} ${Deno.build.arch}` };
      // The permissions may cover only some files of the folder, not the folder itself.
      if (!mayRead(full)) return product;
      if ((await statIfPresent(full))?.isDirectory !== true) {
        throw new ConnectorError(`Cannot read folder "${full}": it does not exist`);
      }
      for await (const _ of Deno.readDir(full)) break;
      return product;
    });
  }

  getStreamFields(ref: StreamRef, skipsMalformed = false): Promise<Field[] | undefined> {
    return streamFields(this, ref, this.context, skipsMalformed);
  }

  /** Suggests a file of the same folder, if the worker may list it. */
  async describeMissing(ref: StreamRef): Promise<string> {
    const full = this.base.named("path" in ref ? ref.path : "");
    const folder = dirname(full);
    const isMissing = mayRead(folder) && await statIfPresent(folder) === undefined;
    return isMissing
      ? `in folder "${folder}": the folder does not exist`
      : `in folder "${folder}": it does not exist${await suggestName(full)}`;
  }

  discover(): Promise<DiscoveredStream[]> {
    return discoverFiles(this, this.context.signal);
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return estimate(this, source);
  }

  checkRead(source: StreamSource): Promise<Access> {
    return checkRead(this, source);
  }

  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access> {
    return checkWrite(this, this.base, target, mode, this.context.signal);
  }

  async list(ref: StreamRef): Promise<FileEntry[]> {
    switch (ref.type) {
      case "file":
        return await this.#explain("read", ref.path, async (full) => {
          if ((await statIfPresent(full))?.isDirectory === true) {
            throw new ConnectorError(
              `Cannot read file "${ref.path}": it is a folder, its files are "${ref.path}/"`,
            );
          }
          const entry = await fileEntry(full, basename(full), this.base);
          return entry === undefined ? [] : [entry];
        });
      case "glob": {
        if (ref.pattern.split("/").includes("..")) {
          throw new ConfigurationError(
            `Cannot use pattern "${ref.pattern}": it contains "..", expected one without`,
          );
        }
        return await this.#walk(parseGlob(ref.pattern));
      }
      case "directory": {
        const recursive = "recursive" in ref && ref.recursive === true;
        return await this.#walk(folderGlob(ref.path, recursive));
      }
      default:
        throw new ConfigurationError(
          `Cannot find files of a ${ref.type}: expected file, glob or directory`,
        );
    }
  }

  openRead(path: string): Promise<OpenFile> {
    return this.#explain("read", path, (full) => openFile(full, path));
  }

  write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    check: CheckWritten,
    claim?: Claim,
  ): Promise<number> {
    const lock = { claim, signal: this.context.signal };
    return this.#explain(
      "write",
      path,
      (full) => writeFile(this.base, full, bytes, this.#checker(check), lock),
    );
  }

  async writeFolder(
    path: string,
    files: readonly NewFile[],
    mode: "append" | "replace",
    claim?: Claim,
  ): Promise<void> {
    const lock = { claim, signal: this.context.signal };
    await this.#explain("write", path, async (full) => {
      const own = files.map((file) => ({ ...file, check: this.#checker(file.check) }));
      if (mode === "append") return await addToFolder(this.base, full, own, lock);
      if (full !== this.base.folder) return await replaceFolder(this.base, full, own, lock);
      throw new ConfigurationError(
        `Cannot replace folder "${path}": it is the connection's own folder, expected a folder below it`,
      );
    });
  }

  async listLeftovers(target: StreamTarget): Promise<readonly Leftover[]> {
    return await this.#withTarget("read", target, (path) => listLeftovers(this.base, path)) ?? [];
  }

  async removeLeftover(target: StreamTarget, request: LeftoverRequest): Promise<boolean> {
    return await this.#withTarget(
      "write",
      target,
      (path) => removeLeftover(this.base, path, request),
    ) ?? false;
  }

  async #withTarget<T>(
    access: Purpose,
    target: StreamTarget,
    work: (path: WrittenPath) => Promise<T>,
  ): Promise<T | undefined> {
    if (target.type !== "file" && target.type !== "directory") return undefined;
    const isFolder = target.type === "directory";
    return await this.#explain(access, target.path, (full) => work({ full, isFolder }));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #walk(glob: Glob): Promise<FileEntry[]> {
    return await this.#explain("read", glob.folder, async (full) => {
      const existing = await statIfPresent(full);
      if (existing?.isDirectory === false) {
        throw new ConnectorError(`Cannot read folder "${glob.folder}": it is a file`);
      }
      return await walk(await readableFolder(this.base, full), glob, this.base);
    });
  }

  #checker(check: CheckWritten): (full: string) => Promise<void> {
    return (full) => check(this.base.show(full));
  }

  async #explain<T>(
    access: Purpose,
    path: string,
    work: (full: string) => Promise<T>,
  ): Promise<T> {
    const full = this.base.resolve(path);
    return await withExplanation(access, full, this.base, () => work(full));
  }
}
