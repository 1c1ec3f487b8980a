/**
 * Counts the calls of a run that outlive it, and kills a run at one of them; or counts the bytes that it writes,
 * and makes its disk full (`kill_at_call.c`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { notLinux } from "../support/ignore.ts";

const SOURCE = fileURLToPath(new URL("kill_at_call.c", import.meta.url));

/** Why runs cannot be killed at a call here; undefined where they can. */
export async function whyNotCounted(): Promise<string | undefined> {
  return notLinux ?? (await compile(["--version"]) ? undefined : "needs a C compiler (cc)");
}

async function compile(args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("cc", { args: [...args], stdout: "null" }).output();
    return success;
  } catch {
    return false;
  }
}

/** The library that counts, compiled into a folder. */
export class Calls {
  private constructor(private readonly folder: string, private readonly library: string) {}

  static async compile(folder: string): Promise<Calls> {
    const library = join(folder, "kill_at_call.so");
    if (!await compile(["-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"])) {
      throw new Error(`Cannot compile "${SOURCE}"`);
    }
    return new Calls(folder, library);
  }

  /**
   * Counts calls to sockets and to files below `under`. Gives `work` the variables of a process that is killed at a call; at none without a number.
   *
   * @returns the number of calls that were made
   */
  count(under: string, work: Watched, killAt = 0): Promise<number> {
    return this.#watch({ KILL_UNDER: under, KILL_AT: String(killAt) }, work);
  }

  /**
   * Gives `work` the variables of a process for which files whose paths begin with `under` are on a disk of their own.
   *
   * @param size bytes that fit on the disk; any number without it
   * @returns the number of bytes that were written
   */
  fill(under: string, work: Watched, size = 0): Promise<number> {
    return this.#watch({ KILL_UNDER: under, DISK_SIZE: String(size) }, work);
  }

  async #watch(env: Readonly<Record<string, string>>, work: Watched): Promise<number> {
    const counter = join(this.folder, `calls-${crypto.randomUUID()}`);
    await Deno.writeFile(counter, new Uint8Array(8));
    try {
      await work({ LD_PRELOAD: this.library, KILL_COUNT: counter, ...env });
      const { buffer } = await Deno.readFile(counter);
      return Number(new DataView(buffer).getBigInt64(0, true));
    } finally {
      await Deno.remove(counter);
    }
  }
}

/** Command and variables that start a watched process. */
export type Watched = (env: Readonly<Record<string, string>>) => Promise<unknown>;
