/**
 * Messages of the protocol, to and from bytes, without any connection.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { ServerReport } from "./server_error.ts";

/** Types of messages, as bytes. */
export const MESSAGE = {
  authentication: code("R"),
  backendKey: code("K"),
  bind: code("B"),
  commandComplete: code("C"),
  copyData: code("d"),
  copyDone: code("c"),
  copyFail: code("f"),
  copyIn: code("G"),
  copyOut: code("H"),
  dataRow: code("D"),
  describe: code("D"),
  empty: code("I"),
  error: code("E"),
  negotiate: code("v"),
  noData: code("n"),
  notice: code("N"),
  notification: code("A"),
  parameterDescription: code("t"),
  parameterStatus: code("S"),
  parse: code("P"),
  parseComplete: code("1"),
  password: code("p"),
  query: code("Q"),
  ready: code("Z"),
  rowDescription: code("T"),
  sync: code("S"),
  terminate: code("X"),
} as const;

const PROTOCOL_3 = 196_608;
const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** A message: its type, its length, its parts. */
export function message(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 4);
  const bytes = new Uint8Array(size + 1);
  bytes[0] = type;
  new DataView(bytes.buffer).setInt32(1, size);
  let at = 5;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A string ended by a zero byte; a zero inside would end it early. */
export function encodeCString(text: string): Uint8Array {
  if (text.includes("\0")) {
    throw new RangeError("text for PostgreSQL holds the character U+0000, which it cannot store");
  }
  return utf8.encode(`${text}\0`);
}

export function integers(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt32(i * 4, value));
  return bytes;
}

export function startupMessage(parameters: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(parameters).flatMap((pair) => pair.map(encodeCString));
  return message(0, integers(PROTOCOL_3), ...pairs, Uint8Array.of(0)).subarray(1);
}

/** Parses a statement without a name, whose parameters have no types. */
export function parseMessage(sql: string): Uint8Array {
  return message(MESSAGE.parse, encodeCString(""), encodeCString(sql), Uint8Array.of(0, 0));
}

/** Asks for the columns of the statement (S) or the portal (P) without a name. */
export function describeMessage(kind: "S" | "P"): Uint8Array {
  return message(MESSAGE.describe, encodeCString(kind));
}

export const sslRequest = (): Uint8Array => integers(8, SSL_REQUEST);

export const cancelRequest = (pid: number, secret: number): Uint8Array =>
  integers(16, CANCEL_REQUEST, pid, secret);

/** Part of a message that was received, without its type and length. */
export interface MessageBody {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function viewBody(bytes: Uint8Array): MessageBody {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** The string that begins at `at`, and where the next thing begins. */
export function readString(bytes: Uint8Array, at: number): [text: string, next: number] {
  const end = bytes.indexOf(0, at);
  if (end < 0) return [decoder.decode(bytes.subarray(at)), bytes.length];
  return [decoder.decode(bytes.subarray(at, end)), end + 1];
}

export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Reads an ErrorResponse or NoticeResponse. */
export function parseReport({ bytes }: MessageBody): ServerReport {
  const fields: Record<string, string> = {};
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const type = String.fromCharCode(bytes[at]!);
    [fields[type], at] = readString(bytes, at + 1);
  }
  return {
    severity: fields["V"] ?? fields["S"] ?? "ERROR",
    code: fields["C"] ?? "XX000",
    message: fields["M"] ?? "the server gave no message",
    detail: fields["D"],
    hint: fields["H"],
    where: fields["W"],
    position: fields["P"],
    routine: fields["R"],
    column: fields["c"],
  };
}

/** A column of a result; `type` is the base type of a domain. */
export interface ResultColumn {
  readonly name: string;
  /** OID */
  readonly type: number;
  readonly modifier: number;
}

export function parseRowDescription({ bytes, view }: MessageBody): ResultColumn[] {
  const columns: ResultColumn[] = [];
  let at = 2;
  for (let i = view.getInt16(0); i > 0; i--) {
    const [name, next] = readString(bytes, at);
    columns.push({ name, type: view.getUint32(next + 6), modifier: view.getInt32(next + 12) });
    at = next + 18;
  }
  return columns;
}

/** The values of a DataRow in text format. */
export function parseDataRow({ bytes, view }: MessageBody): (string | null)[] {
  const values: (string | null)[] = [];
  let at = 2;
  for (let i = view.getInt16(0); i > 0; i--) {
    const size = view.getInt32(at);
    at += 4;
    values.push(size < 0 ? null : text(bytes.subarray(at, at + Math.max(0, size))));
    at += Math.max(0, size);
  }
  return values;
}

/** The number of rows in a command tag such as `COPY 347`; undefined when it has none. */
export function rowsOfTag(tag: string): number | undefined {
  const match = /^(?:COPY|SELECT|UPDATE|DELETE|MERGE|INSERT \d+) (\d+)$/.exec(tag);
  return match === null ? undefined : Number(match[1]);
}
