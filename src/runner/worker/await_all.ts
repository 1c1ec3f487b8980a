/** Waits for several promises, whatever becomes of them. */

/** As `Promise.all`, but settles after all have settled; `onFailure` is called at the first failure. */
export async function awaitAll<T>(
  work: readonly Promise<T>[],
  onFailure: (error: unknown) => void,
): Promise<T[]> {
  let failed: { error: unknown } | undefined;
  const results = await Promise.allSettled(work.map((one) =>
    one.catch((error) => {
      if (failed === undefined) {
        failed = { error };
        onFailure(error);
      }
      throw error;
    })
  ));
  if (failed !== undefined) throw (failed as { error: unknown }).error;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
