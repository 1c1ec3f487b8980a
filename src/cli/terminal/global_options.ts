/** Options that stand without a command. */
export const HELP = ["-h", "--help"] as const;
export const VERSION = ["-V", "--version"] as const;

/** How a result is written. */
export const FORMATS = ["text", "json", "ndjson"] as const;
export type Format = (typeof FORMATS)[number];

export const isOn = (text: string) => /^(1|true|yes|on)$/i.test(text);
export const isOff = (text: string) => /^(0|false|no|off)$/i.test(text);

/** `--wait` without a duration waits as long as it takes. */
export const FOREVER = "forever";
/** A duration of `--wait`. */
export const DURATION = /^(\d+(?:\.\d+)?)([smhd])$/;
