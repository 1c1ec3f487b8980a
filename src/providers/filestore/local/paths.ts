/** Paths of a pipeline as paths of this machine, and back. */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { ConfigurationError, DXTError } from "../../../core/errors.ts";
import { isWithin, realPath } from "../../../core/files/real_path.ts";
import type { StreamTarget } from "../../../models/source.ts";

/**
 * Where the paths of a connection may lead. A relative path stays below the folder. An absolute
 * one is taken as it stands when the connection names no folder, else it must be below it too, and
 * so must what it is a link to.
 */
export class BaseDirectory {
  #real: string | undefined;

  /** @param bounded whether the connection names the folder */
  constructor(readonly folder: string, private readonly bounded: boolean) {}

  /** @throws {ConfigurationError} for a path that leads elsewhere, be it by a link */
  resolve(path: string): string {
    const full = this.named(path);
    if (this.bounded) this.#checkLinks(path, full);
    return full;
  }

  /** As {@linkcode resolve}, by the name alone: links are not looked at. */
  named(path: string): string {
    if (path.includes("\0")) throw this.#refuse(path, "it holds U+0000");
    const full = resolve(this.folder, path);
    if (!this.holds(full) && (this.bounded || !isAbsolute(path))) {
      throw this.#refuse(path, `it leads out of "${this.folder}", expected a path below it`);
    }
    return full;
  }

  #checkLinks(path: string, full: string): void {
    const real = realPath(full);
    if (isWithin(real, this.#real ??= realPath(this.folder))) return;
    throw this.#refuse(path, `it is a link to "${real}", which is not below "${this.folder}"`);
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

/** Systems whose file systems tell no cases apart, as they are set up. */
const FOLDING: ReadonlySet<string> = new Set(["windows", "darwin"]);

/** The folders and the name of a target, without links as far as the process may look. */
export function targetPath(base: BaseDirectory, target: StreamTarget): string[] {
  if (!("path" in target)) return [target.type];
  const full = resolve(base.folder, target.path);
  return realOrNamed(full).split(sep).filter((part) => part !== "")
    .map((part) => FOLDING.has(Deno.build.os) ? part.toLowerCase() : part);
}

/** Links that lead in a circle are refused when the target is opened. */
function realOrNamed(full: string): string {
  try {
    return realPath(full);
  } catch (error) {
    if (error instanceof DXTError) return full;
    throw error;
  }
}
