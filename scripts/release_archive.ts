/**
 * Writes tar archives whose bytes depend only on the names, modes and bytes of their files.
 * Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar)
 */
export interface ArchiveFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/** The archive, compressed by gzip. */
export async function archive(files: readonly ArchiveFile[]): Promise<Uint8Array> {
  const parts = files.flatMap((file) => [header(file), file.bytes, padding(file.bytes.length)]);
  const tar = new Blob([...parts, new Uint8Array(2 * BLOCK)] as BlobPart[]);
  const stream = tar.stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - size % BLOCK) % BLOCK);
}

function header({ name, mode, bytes }: ArchiveFile): Uint8Array {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new RangeError(`No name for an archive: "${name}"`);
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(name, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(bytes.length, 11), 124);
  put(octal(0, 11), 136);
  put(" ".repeat(8), 148);
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}
