/**
 * Glob patterns: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, and `**` for any folders. The matcher of the
 * runtime would need permission to read an environment variable.
 */
import { ConfigurationError } from "../../../core/errors.ts";

export interface Glob {
  /** Folder before the first wildcard; `.` when there is none. */
  readonly folder: string;
  /** Most levels of folders below it. */
  readonly depth: number;
  /** Whether to search folders whose name starts with a dot. */
  readonly hidden: boolean;
  /** Whether a path relative to the folder matches. */
  matches(name: string): boolean;
}

/** Extensions that browsers, rsync and editors give to files that they are still writing. */
const PARTIAL = /(\.(tmp|part|partial|crdownload|swp)|~)$/i;

/**
 * Parses a pattern. Names that start with a dot, and extensions of partial files, match only if the
 * pattern spells them out.
 *
 * @throws {ConfigurationError} for a pattern that cannot match
 */
export function parseGlob(pattern: string): Glob {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => /[*?[{]/.test(part));
  const first = wild === -1 ? parts.length - 1 : wild;
  const folder = parts.slice(0, first).join("/");
  const rest = parts.slice(first).join("/");
  const wantsPartial = PARTIAL.test(rest);
  const regExp = globRegExp(rest);
  return {
    folder: folder === "" ? (pattern.startsWith("/") ? "/" : ".") : folder,
    depth: /\*\*|\{[^}]*\//.test(rest) ? Infinity : parts.length - first - 1,
    hidden: /(^|[/{,])\./.test(rest),
    matches: (name) => regExp.test(name) && (wantsPartial || !PARTIAL.test(name)),
  };
}

/** A pattern for all files in a folder, and in its subfolders if recursive. */
export function folderGlob(folder: string, recursive: boolean): Glob {
  return {
    folder,
    depth: recursive ? Infinity : 0,
    hidden: false,
    matches: (name) => !name.split("/").some((part) => part.startsWith(".")) && !PARTIAL.test(name),
  };
}

/** A pattern that matches only this path. */
export function literalGlob(path: string): string {
  return path.replace(/[*?[{]/g, "[$&]");
}

/** A wildcard does not match the leading dot of a name. */
const NO_DOT = String.raw`(?!(?<![^/])\.)`;

function globRegExp(pattern: string): RegExp {
  try {
    return new RegExp(`^${translate(pattern)}$`, "us");
  } catch (cause) {
    throw new ConfigurationError(
      `Cannot use pattern "${pattern}": a range in brackets goes from high to low`,
      { cause },
    );
  }
}

const TOKEN = /(?<=^|[/{,])\*\*(?:\/|(?=$|[,}]))|\*+|\?|\[[!^]?\]?[^\]/]*\]|./gsu;

function translate(pattern: string): string {
  let open = 0;
  let regExp = "";
  for (const { 0: token, index } of pattern.matchAll(TOKEN)) {
    if (token === "**/") regExp += String.raw`(?:(?!\.)[^/]+/)*`;
    else if (token === "**" && isWholePart(pattern, index)) {
      regExp += String.raw`(?:(?!\.)[^/]+/)*(?!\.)[^/]+`;
    } else if (token.startsWith("*")) regExp += `${NO_DOT}[^/]*`;
    else if (token === "?") regExp += `${NO_DOT}[^/]`;
    else if (token.length > 1 && token.startsWith("[")) regExp += NO_DOT + bracket(token);
    else if (token === "{" && closes(pattern, index)) {
      open++;
      regExp += "(?:";
    } else if (token === "," && open > 0) regExp += "|";
    else if (token === "}" && open > 0) {
      open--;
      regExp += ")";
    } else regExp += RegExp.escape(token);
  }
  return regExp;
}

function isWholePart(pattern: string, index: number): boolean {
  return /(?:^|[/{,])$/.test(pattern.slice(0, index)) &&
    /^\*\*(?:$|[,}])/.test(pattern.slice(index));
}

/** Whether the brace at `index` is closed. */
function closes(pattern: string, index: number): boolean {
  let depth = 0;
  for (const char of pattern.slice(index)) {
    if (char === "{") depth++;
    if (char === "}" && --depth === 0) return true;
  }
  return false;
}

function bracket(token: string): string {
  const not = /^\[[!^]/.test(token);
  const chars = token.slice(not ? 2 : 1, -1).replace(/[\\[\]^&~]/g, String.raw`\$&`);
  return not ? `[^/${chars}]` : `[${chars}]`;
}
