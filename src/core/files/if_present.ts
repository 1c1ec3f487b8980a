/** Looks at files and folders that may not exist. */

/** Returns undefined where a file or folder does not exist. */
export async function ifPresent<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
