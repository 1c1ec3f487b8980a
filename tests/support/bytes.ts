/** Bytes in chunks, for tests of what reads and writes them. */

/** The bytes in chunks of a size. */
export async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(
    await new Blob(
      (await Array.fromAsync(chunks, (chunk) => chunk.slice())) as Uint8Array<ArrayBuffer>[],
    ).arrayBuffer(),
  );
}
