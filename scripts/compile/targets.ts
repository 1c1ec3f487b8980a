/** The machines that dxt is built for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;
export type Target = (typeof TARGETS)[number];

/** @throws {RangeError} for a name that is not one of {@linkcode TARGETS} */
export function parseTarget(name: string): Target {
  const found = TARGETS.find((target) => target === name);
  if (found !== undefined) return found;
  throw new RangeError(`Unknown target "${name}", known are ${TARGETS.join(", ")}`);
}

/**
 * Whether DENORT_BIN names the runtime of a target: Deno embeds that file into every binary,
 * whatever the target.
 */
export async function hasRuntime(target: Target | undefined): Promise<boolean> {
  const path = Deno.env.get("DENORT_BIN") ?? "";
  if (path === "") return false;
  return target === undefined || target === targetOfRuntime(await head(path));
}

/** The target of an executable, by its first bytes; undefined for an unsupported machine. */
export function targetOfRuntime(bytes: Uint8Array): Target | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // ELF: e_machine, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
  if (view.getUint32(0) === 0x7f454c46) {
    return ({
      0x3e: "x86_64-unknown-linux-gnu",
      0xb7: "aarch64-unknown-linux-gnu",
    } as const)[view.getUint16(18, true)];
  }
  // Mach-O: cputype, https://en.wikipedia.org/wiki/Mach-O#Mach-O_header
  if (view.getUint32(0, true) === 0xfeedfacf) {
    return ({
      0x01000007: "x86_64-apple-darwin",
      0x0100000c: "aarch64-apple-darwin",
    } as const)[view.getUint32(4, true)];
  }
  return view.getUint16(0) === 0x4d5a ? "x86_64-pc-windows-msvc" : undefined;
}

async function head(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(20);
  await file.read(bytes);
  return bytes;
}
