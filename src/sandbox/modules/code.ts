/** External code as data: what the host gathers, and what a thread is sent. */

export interface ExternalModule {
  /** Where it came from, after all redirects: relative imports start here. */
  readonly url: string;
  /** JavaScript, types taken out, or JSON. */
  readonly source: string;
  readonly kind: "javascript" | "json";
  /** What its imports mean: URLs of other modules, or the names of dxt's own. */
  readonly imports: Readonly<Record<string, string>>;
}

/** A module with all that it imports. Plain data: it is sent to the thread that runs it. */
export interface ExternalCode {
  /** URL of the module that was asked for. */
  readonly entry: string;
  readonly modules: readonly ExternalModule[];
}

/** Modules of dxt that external code may import: dxt's own instance of each. */
export const OWN_MODULES = ["dxt", "zod"] as const;
export type OwnModule = (typeof OWN_MODULES)[number];

/** The module of dxt that a specifier means, where it means one. */
export function ownModule(specifier: string): OwnModule | undefined {
  if (specifier === "zod" || /^npm:\/?zod(@[^/]*)?$/.test(specifier)) return "zod";
  if (specifier === "dxt" || /^jsr:\/?@dxt\/dxt(@[^/]*)?$/.test(specifier)) return "dxt";
  return undefined;
}
