/** Writes texts as a folder, or as one archive. */
import { basename, dirname, join } from "node:path";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";

/** A file of a bundle. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

const ARCHIVE = /\.(?:tar\.gz|tgz)$/;
const BLOCK = 512;

/**
 * Writes a `.tar.gz` file, or for any other name a folder. Only the user who runs dxt may read it.
 *
 * @throws {ConfigurationError} when it exists, or cannot be written
 */
export async function writeBundle(path: string, files: readonly BundleFile[]): Promise<void> {
  try {
    if (!ARCHIVE.test(path)) {
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.mkdir(path, { mode: 0o700 });
      for (const { name, text } of files) {
        await Deno.writeTextFile(join(path, name), text, { createNew: true, mode: 0o600 });
      }
      return;
    }
    const folder = basename(path).replace(ARCHIVE, "");
    const end = new Blob([new Uint8Array(2 * BLOCK)]);
    const entries = [...files.map((file) => formatEntry(folder, file)), end];
    const packed = new Blob(entries).stream()
      .pipeThrough(new CompressionStream("gzip"));
    await Deno.writeFile(path, packed, { createNew: true, mode: 0o600 });
  } catch (error) {
    const detail = error instanceof Deno.errors.AlreadyExists
      ? "it exists, expected a new name with --out"
      : messageOf(error);
    throw new ConfigurationError(`Cannot write "${path}": ${detail}`, { cause: error });
  }
}

/** A file as POSIX tar has it: a header of 512 bytes, then the content in blocks. */
function formatEntry(folder: string, { name, text }: BundleFile): Blob {
  const content = new TextEncoder().encode(text);
  const header = new Uint8Array(BLOCK);
  const put = (at: number, field: string) => header.set(new TextEncoder().encode(field), at);
  const octal = (number: number, digits: number) => number.toString(8).padStart(digits, "0");
  put(0, `${folder}/${name}`.slice(-100));
  put(100, `${octal(0o600, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(content.length, 11)} ${octal(Math.floor(Date.now() / 1000), 11)} `);
  put(148, "        0");
  put(257, "ustar\x0000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  const rest = new Uint8Array((BLOCK - content.length % BLOCK) % BLOCK);
  return new Blob([header, content, rest]);
}
