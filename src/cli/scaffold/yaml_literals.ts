/** Values as YAML 1.2 that reads back as the same text, on one line. */
import { escapeControls } from "../output/terminal_text.ts";

const PLAIN = /^[A-Za-z_][\w.-]*$/;
const WORDS = /^(null|true|false|yes|no|on|off|y|n)$/i;

/** A text, in quotes where YAML would read it as something else. */
export function yamlText(text: string): string {
  if (PLAIN.test(text) && !WORDS.test(text)) return text;
  return escapeControls(JSON.stringify(text)).replace(
    /[\u007f-\u009f\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** As {@linkcode yamlText}, for a name that must not become a variable. */
export function yamlName(name: string): string {
  return yamlText(name.replaceAll("$", "$$$$"));
}

/** A mapping in braces; values are YAML already. */
export function yamlMap(entries: Readonly<Record<string, string>>): string {
  return `{ ${Object.entries(entries).map(([key, value]) => `${key}: ${value}`).join(", ")} }`;
}

export function yamlList(items: readonly string[]): string {
  return `[${items.join(", ")}]`;
}
