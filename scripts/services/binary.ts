/** Builds the dxt binary that tests run, once for all of them. */
import { join } from "node:path";
import { build, BuildError } from "../compile.ts";
import type { Service } from "../services.ts";

/**
 * Returns the path of the binary. If the build fails for another reason than the one below, nothing
 * exists at that path, so that tests fail instead of being skipped.
 *
 * @throws {Error} when the runtime to embed cannot be fetched
 */
export async function makeBinary(name: string): Promise<Service> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-binary-" });
  const remove = () => Deno.remove(folder, { recursive: true });
  const output = join(folder, "dxt");
  try {
    // Another user runs it in a chroot.
    await Deno.chmod(folder, 0o755);
    await build({ output, permissions: [] });
  } catch (error) {
    const isMissing = error instanceof BuildError && /base binary|denort/.test(error.message);
    if (isMissing) await remove();
    if (isMissing || !(error instanceof BuildError)) throw error;
    // deno-lint-ignore no-console
    console.error(`error: ${error.message}`);
  }
  return { env: { [name]: output }, stop: remove };
}
