/** Resolves paths of a pipeline to absolute paths, and checks that they stay in bounds. */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { ConfigurationError, DXTError } from "../../../core/errors.ts";
import { isWithin, realPath } from "../../../core/files/real_path.ts";
import type { StreamTarget } from "../../../models/source.ts";

/**
 * The folder that paths of a connection start from. A relative path must stay below it. If the
 * connection sets the folder, absolute paths and the targets of links must, too.
 */
export class BaseDirectory {
  #real: string | undefined;

  /** @param bounded whether the connection sets the folder */
  constructor(readonly folder: string, private readonly bounded: boolean) {}

  /** @throws {ConfigurationError} for a path that leads out of the folder, directly or by a link */
  resolve(path: string): string {
    const full = this.named(path);
    if (this.bounded) this.#checkLinks(path, full);
    return full;
  }

  /** Like {@linkcode resolve}, but does not check links. */
  named(path: string): string {
    if (path.includes("\0")) throw this.#refuse(path, "it contains U+0000");
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

  /** The path for messages: relative if possible, with `/` as separator. */
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

/** Systems whose file systems usually ignore case. */
const FOLDING: ReadonlySet<string> = new Set(["windows", "darwin"]);

/** The folders and the name of a target, with links resolved as far as the process may read them. */
export function targetPath(base: BaseDirectory, target: StreamTarget): string[] {
  if (!("path" in target)) return [target.type];
  const full = resolve(base.folder, target.path);
  return realOrNamed(full).split(sep).filter((part) => part !== "")
    .map((part) => FOLDING.has(Deno.build.os) ? part.toLowerCase() : part);
}

/** Circular links are ignored here; they are refused when the target is opened. */
function realOrNamed(full: string): string {
  try {
    return realPath(full);
  } catch (error) {
    if (error instanceof DXTError) return full;
    throw error;
  }
}
