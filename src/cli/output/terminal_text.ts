/** Text on a terminal: its width, and escapes for characters that control the terminal. */

/** Control characters, direction marks and lone surrogates, which can disguise text. */
const HOSTILE = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  return SHORT[character] ??
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Escapes every character that could control a terminal, line breaks included. */
export function escapeControls(text: string): string {
  return text.replace(HOSTILE, escapeCharacter);
}

/** Like {@linkcode escapeControls}, but keeps line breaks; drops empty lines. */
export function escapeLines(text: string): string {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "").map(escapeControls).join("\n");
}

/** JSON on one line that is safe to print and parses to the same value. */
export function escapeJSON(value: unknown): string {
  return escapeControls(JSON.stringify(value));
}

/**
 * Wide and full-width characters outside emoji; tone and voice marks take no column of their own.
 * Source: https://www.unicode.org/Public/UCD/latest/ucd/EastAsianWidth.txt
 */
const WIDE =
  /[\u1100-\u115F\u2329\u232A\u2E80-\u3029\u3030-\u303E\u3041-\u3098\u309B-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6B\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{1B2FF}\u{1F200}-\u{1F265}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\uFE0F/u;
const EMPTY = /^[\p{M}\p{Cf}]+$/u;

let segmenter: Intl.Segmenter | undefined;

/** Creates the segmenter on first use: its tables would take half the time of `dxt --version`. */
function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("und", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Columns that text occupies on a terminal. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (EMPTY.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Text of at most `width` columns; ends in an ellipsis if truncated. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Text of at most `width` columns; where it is truncated, its middle is an ellipsis. */
export function truncateMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const end = Math.floor((width - 1) / 2);
  let kept = "";
  let used = 0;
  for (const { segment } of [...graphemes(text)].reverse()) {
    used += graphemeWidth(segment);
    if (used > end) break;
    kept = segment + kept;
  }
  return truncate(text, width - displayWidth(kept)) + kept;
}

/** Wraps text to lines of at most `width` columns, between words where possible. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    while (displayWidth(word) > width) {
      const part = truncate(word, width).replace(/…$/, "");
      lines.push(part);
      word = word.slice(part.length);
    }
    line = word;
  }
  return [...lines, line];
}
