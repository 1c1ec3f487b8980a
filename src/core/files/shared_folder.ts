/** Folders that several runs create when they need them, and remove when they are empty. */

const MOST_ATTEMPTS = 100;

/**
 * Creates a folder with its parents, and something in it. Between the two steps another run may
 * remove the folder, which is still empty; then both are repeated.
 */
export async function createWithin<T>(folder: string, create: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    await Deno.mkdir(folder, { recursive: true });
    try {
      return await create();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}
