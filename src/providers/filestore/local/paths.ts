/** Paths of a pipeline as paths of this machine, and back. */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { ConfigurationError } from "../../../core/errors.ts";

/**
 * Where the paths of a connection may lead. A relative path stays below the folder. An absolute
 * one is taken as it stands when the connection names no folder, else it must be below it too.
 */
export class Base {
  /** @param bounded whether the connection names the folder */
  constructor(readonly folder: string, private readonly bounded: boolean) {}

  /** @throws {ConfigurationError} for a path that leads elsewhere */
  resolve(path: string): string {
    if (path.includes("\0")) throw this.#refuse(path, "it holds U+0000");
    const full = resolve(this.folder, path);
    if (this.holds(full) || (isAbsolute(path) && !this.bounded)) return full;
    throw this.#refuse(path, `it leads out of "${this.folder}", expected a path below it`);
  }

  /** The path as a pipeline would write it: relative where it can be, with `/` between parts. */
  show(full: string): string {
    const path = this.holds(full) ? relative(this.folder, full) : full;
    return path === "" ? "." : path.split(sep).join("/");
  }

  holds(full: string): boolean {
    const prefix = this.folder.endsWith(sep) ? this.folder : `${this.folder}${sep}`;
    return full === this.folder || full.startsWith(prefix);
  }

  #refuse(path: string, why: string): ConfigurationError {
    return new ConfigurationError(`Cannot use path "${path.replaceAll("\0", "\\0")}": ${why}`);
  }
}
