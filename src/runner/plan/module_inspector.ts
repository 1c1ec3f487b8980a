/** Inspects external modules while a pipeline is planned, in workers without permissions. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { type ExternalCode, loadCode } from "../../sandbox/modules/mod.ts";
import { codeSettings } from "./external_modules.ts";
import type {
  Checked,
  ExtractorInfo,
  LoaderInfo,
  ProviderInfo,
} from "../../providers/provider_info.ts";
import type { Permissions } from "../../core/contracts/provider.ts";
import type { StreamTarget } from "../../models/source.ts";
import type { Lease } from "../../sandbox/pool.ts";
import { workerPermissions } from "../../sandbox/permissions.ts";
import { NOTHING } from "../../core/permissions.ts";
import type { Threads } from "../contract/threads.ts";
import type { ClassInput, ConnectionInput } from "../worker/inside/protocol.ts";
import type { WorkerJobs } from "../worker/inside/jobs.ts";

/** Says how external modules are fetched: a pipeline, or a connection of the command line. */
export type CodeSource = Pick<
  LoadedPipeline,
  "directory" | "projectDirectory" | "ceiling" | "code" | "externalTimeout"
>;

/** A module and all that it imports. A relative one starts from `directory`. */
async function loadSourceCode(
  loaded: CodeSource,
  specifier: string,
  directory: string,
): Promise<ExternalCode> {
  const settings = await codeSettings(loaded, loaded.code ?? {});
  return await loadCode(specifier, { ...settings, directory });
}

/** A worker that imports one external module and describes it. It starts while the module is fetched. */
export class ModuleInspector implements Disposable {
  readonly #lease: Lease<WorkerJobs>;
  readonly #call: <K extends keyof WorkerJobs>(
    job: K,
    input: Parameters<WorkerJobs[K]>[0],
  ) => ReturnType<WorkerJobs[K]>;
  /** URL of the module, once the worker can import nothing else. */
  readonly #module: Promise<string>;

  constructor(readonly code: Promise<ExternalCode>, threads: Threads) {
    const permissions = workerPermissions(NOTHING, true);
    this.#lease = threads.lease({ permissions, external: true });
    const { thread } = this.#lease;
    const { signal } = new AbortController();
    this.#call = (job, input) => thread.call(job, input as never, { signal }) as never;
    this.#module = this.#confine();
    this.#module.catch(() => {});
  }

  async describe(): Promise<ProviderInfo> {
    return await this.#call("describe", await this.#module);
  }

  async checkConnection(input: Omit<ConnectionInput, "module">): Promise<Checked> {
    return await this.#call("checkConnection", { ...input, module: await this.#module });
  }

  /** What a connection needs before it is used for a stream. */
  async needs(config: unknown, baseDirectory: string): Promise<Permissions> {
    return await this.#call("needs", { module: await this.#module, config, baseDirectory });
  }

  async targetPath(
    config: unknown,
    target: StreamTarget,
    baseDirectory: string,
  ): Promise<readonly string[]> {
    const module = await this.#module;
    return await this.#call("targetPath", { module, config, target, baseDirectory });
  }

  async checkClass(
    input: Omit<ClassInput, "module">,
  ): Promise<{ readonly info: Partial<ExtractorInfo & LoaderInfo>; readonly options: Checked }> {
    return await this.#call("checkClass", { ...input, module: await this.#module });
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }

  async #confine(): Promise<string> {
    const code = await this.code;
    await this.#call("restrictImports", [code]);
    return code.entry;
  }
}

/** An inspector for each external module of a plan. */
export class ModuleInspectors implements Disposable {
  readonly #all = new Map<string, ModuleInspector>();

  constructor(private readonly threads: Threads) {}

  /** The inspector of a module that a file in this folder names. */
  of(loaded: CodeSource, module: string, directory: string): ModuleInspector {
    const key = JSON.stringify([module, directory]);
    const inspector = this.#all.get(key) ??
      new ModuleInspector(loadSourceCode(loaded, module, directory), this.threads);
    this.#all.set(key, inspector);
    return inspector;
  }

  [Symbol.dispose](): void {
    for (const inspector of this.#all.values()) inspector[Symbol.dispose]();
  }
}
