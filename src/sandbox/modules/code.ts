/** External modules as data: the host gathers them and sends them to a worker. */

/** One module of external code. */
export interface ExternalModule {
  /** URL after all redirects; relative imports resolve against it. */
  readonly url: string;
  /** JavaScript without types, or JSON. */
  readonly source: string;
  readonly kind: "javascript" | "json";
  /** Target of each import specifier: a module's URL, or the name of one of dxt's own. */
  readonly imports: Readonly<Record<string, string>>;
}

/** A module with all that it imports; transferable to the worker that runs it. */
export interface ExternalCode {
  /** URL of the entry module. */
  readonly entry: string;
  readonly modules: readonly ExternalModule[];
}

/** Modules of dxt that external modules may import; they get dxt's own instance. */
export const OWN_MODULES = ["dxt", "zod"] as const;
export type OwnModule = (typeof OWN_MODULES)[number];

/** Returns the module of dxt that a specifier refers to, if any. */
export function ownModule(specifier: string): OwnModule | undefined {
  if (specifier === "zod" || /^npm:\/?zod(@[^/]*)?$/.test(specifier)) return "zod";
  if (specifier === "dxt" || /^jsr:\/?@dxt\/dxt(@[^/]*)?$/.test(specifier)) return "dxt";
  return undefined;
}
