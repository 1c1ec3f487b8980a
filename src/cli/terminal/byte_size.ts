/** Sizes in bytes, as options have them: `512MiB`, `1.5GB`. */

const SIZE = /^(\d+(?:\.\d+)?) ?([kmgt])(i?)(b?)$/i;
const POWERS = ["k", "m", "g", "t"];

/** Bytes of a size; undefined for another text. `KB` is 1000 bytes, `KiB` and `K` are 1024. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit, binary, bytes] = SIZE.exec(text) ?? [];
  if (unit === undefined) return undefined;
  const base = binary === "" && bytes !== "" ? 1000 : 1024;
  return Math.round(Number(amount) * base ** (POWERS.indexOf(unit.toLowerCase()) + 1));
}
