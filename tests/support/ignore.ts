/** Tests of what a machine may lack. */

/**
 * Name and `ignore` of a test: ignored where `missing` says what this machine lacks. The reason ends the name,
 * as reports of tests have no other place for it; `scripts/test.ts` lists it at the end.
 */
export function ignoreIf(
  missing: string | undefined,
  name: string,
): { readonly name: string; readonly ignore: boolean } {
  return {
    name: missing === undefined ? name : `${name} (not here: ${missing})`,
    ignore: missing !== undefined,
  };
}

const { os } = Deno.build;

/** Why a test cannot run on this system; undefined where it can. */
export const notLinux = os === "linux" ? undefined : "needs Linux";
export const notUnix = os === "windows" ? "needs a Unix" : undefined;

/** As the others; asked when wanted, as it needs a permission that suites of others have not. */
export function notRoot(): string | undefined {
  return os !== "windows" && Deno.uid() === 0 ? undefined : "needs root";
}
