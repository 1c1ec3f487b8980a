/** Options that stand without a command. */
export const HELP = ["-h", "--help"] as const;
export const VERSION = ["-V", "--version"] as const;
