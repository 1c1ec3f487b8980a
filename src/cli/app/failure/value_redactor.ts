/** Removes values of rows, and text that may be a secret, from texts that leave the machine. */
import { maskSecrets } from "../../../core/errors.ts";

const HIDDEN = "…";
const MASK = "***";

/** Keys of results and receipts whose values come from rows. */
const VALUE_KEYS: ReadonlySet<string> = new Set(["watermark_before", "watermark_after"]);

/** A text in quotes of any language, which is a name or a value. */
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.|'')*)'|[“„«»]([^“”„«»]*)[“”«»]/g;
/** What servers quote of rows: `Key (id)=(5)`, `Failing row contains (…)`; bytes, and values without quotes. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/\)=\([^)]*\)/g, `)=(${HIDDEN})`],
  [/(contains )\(.*\)/g, `$1(${HIDDEN})`],
  [/(value is )(?!NULL)[^"\s,;]+/g, `$1${HIDDEN}`],
  [/\b0x[0-9a-f]{4,}\b(?:… \(\d+ bytes\))?/gi, HIDDEN],
  // What code of the database raises: PL/pgSQL's RAISE, and SIGNAL of MySQL.
  [
    /((?:\b(?:into|from|of) (?:"[^"]*"|\S+)|^): ).*?( \((?:error \d+, )?SQLSTATE (?:P0001|45\w{3})\))/gs,
    `$1${HIDDEN}$2`,
  ],
];

/** Comments of SQL, in which people leave notes to each other. */
const COMMENTS: readonly (readonly [RegExp, string])[] = [
  [/(?<![-\w])--(?![-\w])[^\n"]*/g, `-- ${HIDDEN}`],
  [/\/\*[^]*?\*\//g, `/* ${HIDDEN} */`],
];

/** What people note of a login: in a comment of YAML all that follows such a word, elsewhere what it is. */
const NOTES: readonly (readonly [RegExp, string])[] = [
  [
    /((?:^|\s)#[^\n]*?(?:passw|passphrase|\bpwd\b|secret|token|credential|(?:api|private|access)[_-]?key)\w*)[^\n]*/gim,
    `$1 ${MASK}`,
  ],
  [/((?:^|\s)#[^\n]*?\s-p)\S+/gm, `$1${MASK}`],
  [/(\b(?:password|passphrase|token|secret) (?:is|was) )[^\s"',;]+/gi, `$1${MASK}`],
];

/** A word of letters and digits, and tokens whose first letters tell what they are. */
const WORD = /[A-Za-z0-9]{10,}/g;
const KNOWN = /\b(?:sk|pk|rk|gh[a-z]|glpat|xox[a-z]|AKIA|ASIA|eyJ)[\w.-]{12,}/g;
const UUID = /([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/gi;
/** The most changes between letters and digits in a word of a language; a random word has more. */
const MOST_CHANGES = 2;

/** Masks even what is unlikely to be a secret: a masked word costs the reader of a failure little. */
export function maskStrictly(text: string): string {
  const masked = [...COMMENTS, ...NOTES].reduce(
    (shown, [pattern, by]) => shown.replace(pattern, by),
    text,
  );
  return maskSecrets(masked).split(UUID).map((part, i) =>
    i % 2 === 1
      ? part
      : part.replace(KNOWN, MASK).replace(WORD, (word) => isRandom(word) ? MASK : word)
  ).join("");
}

function isRandom(word: string): boolean {
  const changes = word.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0;
  return changes > MOST_CHANGES;
}

/** Leaves values of rows out of messages, results and lines of the log. */
export class ValueRedactor {
  /** @param names texts that are kept: names of streams, fields, tables and files */
  constructor(private readonly names: ReadonlySet<string>) {}

  text(text: string): string {
    const named = text.replace(QUOTED, (whole, ...groups: (string | undefined)[]) => {
      const inside = groups.slice(0, 3).find((group) => group !== undefined) ?? "";
      return this.names.has(inside) || inside === "" ? whole : whole[0] + HIDDEN + whole.at(-1);
    });
    return VALUES.reduce((shown, [pattern, by]) => shown.replace(pattern, by), named);
  }

  /** A copy of a JSON value. */
  json(value: unknown): unknown {
    if (typeof value === "string") return this.names.has(value) ? value : this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.json(one));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inside]) => [
        key,
        VALUE_KEYS.has(key) ? HIDDEN : this.json(inside),
      ]),
    );
  }
}

/** All strings in a JSON value, and the parts of dotted names. */
export function listNamesIn(value: unknown, names: Set<string> = new Set()): Set<string> {
  if (typeof value === "string") {
    names.add(value);
    if (/^[\w$]+(?:\.[\w$]+)+$/.test(value)) {
      for (const part of value.split(".")) names.add(part);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inside] of Object.entries(value)) {
      if (!Array.isArray(value)) names.add(key);
      listNamesIn(inside, names);
    }
  }
  return names;
}
