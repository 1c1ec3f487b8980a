/** Rules of the schemas beyond shapes, and of load modes, separate so that they can be used without zod. */
import type { LoadMode } from "./stream.ts";

/** Whether a text is one character of one UTF-16 unit. */
export function isCharacter(text: string): boolean {
  return [...text].length === 1 && text.length === 1;
}

interface EndpointKeys {
  readonly provider?: unknown;
  readonly connection?: unknown;
  readonly url?: unknown;
}

export function hasConnection({ provider, connection, url }: EndpointKeys): boolean {
  return [provider, connection, url].some((key) => key !== undefined);
}

export function hasOneConnection({ connection, url }: EndpointKeys): boolean {
  return connection === undefined || url === undefined;
}

export function hasRoomForScale(
  { precision, scale }: {
    readonly precision?: number | undefined;
    readonly scale?: number | undefined;
  },
): boolean {
  return scale === undefined || precision === undefined || scale <= precision;
}

export function hasOneOrigin(
  { generator, constant, source }: {
    readonly generator?: unknown;
    readonly constant?: unknown;
    readonly source?: unknown;
  },
): boolean {
  return source === undefined || (generator === undefined && constant === undefined);
}

export function hasOneGenerator(
  { generator, constant }: { readonly generator?: unknown; readonly constant?: unknown },
): boolean {
  return generator === undefined || constant === undefined;
}

const NAME = String.raw`(?:[A-Za-z_]\w*|"[^"\0]+")`;
const WORDS = String.raw`(?: [A-Za-z]+)*`;
const ARGUMENTS = String.raw`(?:\( *\w+(?: *, *-?\w+)* *\))?`;
const TYPE = new RegExp(
  String.raw`^${NAME}(?:\.${NAME})*(${WORDS})${ARGUMENTS}(${WORDS})${ARGUMENTS}(?:\[\d*\])*$`,
);

/** Words that may follow the first word of a type: `double precision`, `time with time zone`. */
const TYPE_WORDS = new Set(
  ("precision varying with without local time zone to year month day hour minute second " +
    "unsigned signed zerofill national native character char varchar text string binary byte bytes " +
    "large object long short big small medium tiny int integer bigint float double real decimal " +
    "numeric number bit blob date timestamp datetime interval array").split(" "),
);

/** Words that begin a constraint or a column option, never a type. */
const OPTION_WORDS = new Set(
  ("primary unique key check default collate references foreign constraint generated always as " +
    "identity not null on with without deferrable initially autoincrement auto_increment comment " +
    "storage compression options exclude using like inherits virtual stored").split(" "),
);

/** Whether a text is only the name of a type, so that it can stand in DDL unchanged. */
export function isTypeName(text: string): boolean {
  const match = TYPE.exec(text);
  if (match === null) return false;
  const first = /^\w+/.exec(text)?.[0].toLowerCase();
  const words = match.slice(1).flatMap((words) => (words ?? "").toLowerCase().split(" "));
  return (first === undefined || !OPTION_WORDS.has(first)) &&
    words.every((word) => word === "" || TYPE_WORDS.has(word));
}

/** Whether a load of this mode finds the records of the target by `upsert_keys`. */
export function isKeyed(mode: LoadMode): boolean {
  return mode === "upsert" || mode === "scd2";
}
