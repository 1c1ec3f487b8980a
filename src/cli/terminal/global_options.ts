/** Option names and value syntax that are needed before the option parser is loaded. */
export const HELP = ["-h", "--help"] as const;
export const VERSION = ["-V", "--version"] as const;

/** Formats of a result. */
export const FORMATS = ["text", "json", "ndjson"] as const;
export type Format = (typeof FORMATS)[number];

export const isOn = (text: string) => /^(1|true|yes|on)$/i.test(text);
export const isOff = (text: string) => /^(0|false|no|off)$/i.test(text);

/** Value of `--wait` without a duration: it waits indefinitely. */
export const FOREVER = "forever";
/** A duration of `--wait` or `--older-than`. */
export const DURATION = /^(\d+(?:\.\d+)?)([smhd])$/;

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration; undefined for another text. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * UNIT_MS[unit]!;
}
