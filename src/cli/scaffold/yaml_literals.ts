/** Writes values as YAML 1.2 on one line, such that they read back unchanged. */
import { escapeControls } from "../output/terminal_text.ts";

const PLAIN = /^[A-Za-z_][\w.-]*$/;
const WORDS = /^(null|true|false|yes|no|on|off|y|n)$/i;

/** A text, quoted if YAML would read it as something else. */
export function yamlText(text: string): string {
  if (PLAIN.test(text) && !WORDS.test(text)) return text;
  return escapeControls(JSON.stringify(text)).replace(
    /[\u007f-\u009f\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Like {@linkcode yamlText}, for a name in which `$` must not start a variable. */
export function yamlName(name: string): string {
  return yamlText(name.replaceAll("$", "$$$$"));
}

/** A mapping in braces. Values must already be YAML. */
export function yamlMap(entries: Readonly<Record<string, string>>): string {
  return `{ ${Object.entries(entries).map(([key, value]) => `${key}: ${value}`).join(", ")} }`;
}

export function yamlList(items: readonly string[]): string {
  return `[${items.join(", ")}]`;
}
