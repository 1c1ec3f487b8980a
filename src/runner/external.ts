/** Code of others as a plan asks it: in a thread that may do nothing, and ends with the plan. */
import type { LoadedPipeline } from "../config/mod.ts";
import { type ExternalCode, loadCode } from "../sandbox/modules/mod.ts";
import { codeSettings } from "./code.ts";
import type { Checked, ExtractorInfo, LoaderInfo, ProviderInfo } from "../providers/view.ts";
import type { Permissions } from "../core/provider.ts";
import { workerPermissions } from "../sandbox/permissions.ts";
import { NOTHING } from "../core/permissions.ts";
import { openThreads } from "./threads.ts";
import type { Threads } from "./end.ts";
import type { ClassInput, ConnectionInput } from "./thread/inputs.ts";
import type { EndJobs } from "./thread/jobs.ts";

/** What says how code of others is gathered: a pipeline, or a connection of the command line. */
export type CodeSource = Pick<
  LoadedPipeline,
  "directory" | "projectDirectory" | "ceiling" | "code"
>;

/** A module and all that it imports. A relative one starts from `directory`. */
export async function codeOf(
  loaded: CodeSource,
  specifier: string,
  directory: string,
): Promise<ExternalCode> {
  const settings = await codeSettings(loaded, loaded.code ?? {});
  return await loadCode(specifier, { ...settings, directory });
}

/** A thread of external code that is asked what it is. */
export class Stranger implements Disposable {
  readonly #threads: Threads;
  readonly #ready: Promise<void>;
  readonly #call: <K extends keyof EndJobs>(
    job: K,
    input: Parameters<EndJobs[K]>[0],
  ) => ReturnType<EndJobs[K]>;

  constructor(private readonly code: ExternalCode) {
    this.#threads = openThreads({ threads: 1 });
    const { thread } = this.#threads.lease({
      permissions: workerPermissions(NOTHING),
      external: true,
    });
    const { signal } = new AbortController();
    this.#call = (job, input) => thread.call(job, input as never, { signal }) as never;
    this.#ready = this.#call("confine", [code]);
    this.#ready.catch(() => {});
  }

  async describe(): Promise<ProviderInfo> {
    await this.#ready;
    return await this.#call("describe", this.code.entry);
  }

  async checkConnection(input: Omit<ConnectionInput, "module">): Promise<Checked> {
    await this.#ready;
    return await this.#call("checkConnection", { ...input, module: this.code.entry });
  }

  /** What a connection needs before it is used for a stream. */
  async needs(config: unknown, baseDirectory: string): Promise<Permissions> {
    await this.#ready;
    return await this.#call("needs", { module: this.code.entry, config, baseDirectory });
  }

  async checkClass(
    input: Omit<ClassInput, "module">,
  ): Promise<{ readonly info: Partial<ExtractorInfo & LoaderInfo>; readonly options: Checked }> {
    await this.#ready;
    return await this.#call("checkClass", { ...input, module: this.code.entry });
  }

  [Symbol.dispose](): void {
    this.#threads[Symbol.dispose]();
  }
}

/** A thread for each module that a plan asks. */
export class Strangers implements Disposable {
  readonly #all = new Map<string, Stranger>();

  of(code: ExternalCode): Stranger {
    const known = this.#all.get(code.entry);
    if (known !== undefined) return known;
    const stranger = new Stranger(code);
    this.#all.set(code.entry, stranger);
    return stranger;
  }

  [Symbol.dispose](): void {
    for (const stranger of this.#all.values()) stranger[Symbol.dispose]();
  }
}
