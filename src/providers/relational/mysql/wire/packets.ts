/**
 * Packets of the protocol, to and from bytes.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 */
import { ConnectionError } from "../../../../core/errors.ts";
import { ReceiveBuffer } from "../../../transport/receive_buffer.ts";

/** Length and sequence number. */
export const HEADER = 4;
/** Length that says that a packet goes on in the next frame. */
export const LONGEST_FRAME = 0xff_ff_ff;
/** The server's own limit of max_allowed_packet is a gibibyte. */
const LONGEST_PACKET = 2 ** 30 + LONGEST_FRAME;

/** First bytes of a packet that answers a command. */
export const ANSWER = { ok: 0x00, localFile: 0xfb, end: 0xfe, error: 0xff } as const;

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Packets are read in place: `find` finds the next one that was received whole, and says where its payload is
 * in `bytes`. `skip` goes on behind it, and is called once for each packet found.
 */
export class PacketBuffer extends ReceiveBuffer {
  /** Number that the next frame has; the client sets it when it sends a command. */
  sequence = 0;
  from = 0;
  to = 0;
  /** Whether the packet came in several frames, whose payloads are one now. */
  isLong = false;
  #next = 0;

  /** @throws {RangeError} when a frame is out of order: something was lost or put in between */
  find(): boolean {
    const { bytes, start, end } = this;
    if (end - start < HEADER) return false;
    const length = frameLength(bytes, start);
    if (length === LONGEST_FRAME) return this.#findLong();
    const to = start + HEADER + length;
    if (to > end) return false;
    this.#expect(bytes[start + 3]!, this.sequence);
    this.from = start + HEADER;
    this.to = this.#next = to;
    this.isLong = false;
    return true;
  }

  /** Goes on behind the packet that was found. */
  skip(): void {
    const frames = this.isLong ? this.#frames : 1;
    this.sequence = (this.sequence + frames) & 0xff;
    this.start = this.#next;
  }

  /** Goes on at `to`, where the frame with this number begins. */
  skipTo(to: number, sequence: number): void {
    this.start = to;
    this.sequence = sequence;
  }

  /** A copy of the next packet's payload; undefined when it was not received whole. */
  next(): Uint8Array | undefined {
    if (!this.find()) return undefined;
    const payload = this.bytes.slice(this.from, this.to);
    this.skip();
    return payload;
  }

  #frames = 1;

  #findLong(): boolean {
    const { bytes, start, end } = this;
    let at = start;
    let frames = 0;
    for (let length = LONGEST_FRAME; length === LONGEST_FRAME; frames++) {
      if (end - at < HEADER) return false;
      length = frameLength(bytes, at);
      if (at + HEADER + length > end) return false;
      this.#expect(bytes[at + 3]!, (this.sequence + frames) & 0xff);
      at += HEADER + length;
    }
    let to = start + HEADER + LONGEST_FRAME;
    for (let frame = to; frame < at;) {
      const length = frameLength(bytes, frame);
      bytes.copyWithin(to, frame + HEADER, frame + HEADER + length);
      to += length;
      frame += HEADER + length;
    }
    this.from = start + HEADER;
    this.to = to;
    this.isLong = true;
    this.#frames = frames;
    this.#next = at;
    return true;
  }

  #expect(got: number, wanted: number): void {
    if (got === wanted) return;
    throw new RangeError(`packet ${wanted} was expected, packet ${got} came`);
  }

  protected override wanted(): number {
    const { bytes, start, end } = this;
    for (let at = start;;) {
      if (end - at < HEADER) return at - start + HEADER;
      const length = frameLength(bytes, at);
      const size = at - start + HEADER + length;
      if (size > LONGEST_PACKET) throw new RangeError("the server sent a packet beyond 1 GiB");
      if (length !== LONGEST_FRAME || start + size > end) return size;
      at += HEADER + length;
    }
  }
}

function frameLength(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
}

/** Writes the header of a frame whose payload of `length` bytes lies behind it. */
export function putHeader(frame: Uint8Array, length: number, sequence: number): void {
  frame[0] = length;
  frame[1] = length >> 8;
  frame[2] = length >> 16;
  frame[3] = sequence;
}

/** A payload in the frames that it takes, the first of which has this number. */
export function framePayload(payload: Uint8Array, sequence: number): Uint8Array {
  const count = Math.floor(payload.length / LONGEST_FRAME) + 1;
  const bytes = new Uint8Array(payload.length + count * HEADER);
  for (let frame = 0; frame < count; frame++) {
    const from = frame * LONGEST_FRAME;
    const part = payload.subarray(from, from + LONGEST_FRAME);
    const at = from + frame * HEADER;
    putHeader(bytes.subarray(at), part.length, (sequence + frame) & 0xff);
    bytes.set(part, at + HEADER);
  }
  return bytes;
}

/** A command and its argument. */
export function command(code: number, argument: string | Uint8Array = ""): Uint8Array {
  const bytes = typeof argument === "string" ? utf8.encode(argument) : argument;
  const payload = new Uint8Array(bytes.length + 1);
  payload[0] = code;
  payload.set(bytes, 1);
  return payload;
}

/** Frees a prepared statement; the server does not answer. */
export function closeStatement(statement: number): Uint8Array {
  const argument = new Uint8Array(4);
  new DataView(argument.buffer).setUint32(0, statement, true);
  return framePayload(command(COMMAND.closeStatement, argument), 0);
}

/** Encodes text with a zero byte at its end. */
export function encodeZeroEnded(text: string): Uint8Array {
  if (text.includes("\0")) throw new ConnectionError("a login holds the character U+0000");
  return utf8.encode(`${text}\0`);
}

export const COMMAND = {
  quit: 0x01,
  query: 0x03,
  prepare: 0x16,
  execute: 0x17,
  closeStatement: 0x19,
} as const;

/** Reads a payload from its beginning. */
export class PayloadReader {
  readonly #view: DataView;

  constructor(private readonly bytes: Uint8Array, public at = 0) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether bytes are left. */
  get hasMore(): boolean {
    return this.at < this.bytes.length;
  }

  uint8(): number {
    return this.#view.getUint8(this.at++);
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** The next bytes, in place. @throws {RangeError} when there are fewer */
  take(size: number): Uint8Array {
    if (size > this.bytes.length - this.at) {
      throw new RangeError(`${size} bytes were promised, ${this.bytes.length - this.at} came`);
    }
    const at = this.#skip(size);
    return this.bytes.subarray(at, at + size);
  }

  rest(): Uint8Array {
    return this.take(this.bytes.length - this.at);
  }

  /** Bytes up to a zero byte, which is skipped, or up to the end. */
  untilZero(): Uint8Array {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) return this.rest();
    const found = this.take(end - this.at);
    this.at++;
    return found;
  }

  /** A length-encoded number; undefined is NULL. */
  length(): number | undefined {
    const first = this.uint8();
    if (first < 0xfb) return first;
    if (first === 0xfb) return undefined;
    if (first === 0xfc) return this.uint16();
    if (first === 0xfd) return this.uint16() + this.uint8() * 0x1_0000;
    if (first === 0xfe) return this.uint32() + this.uint32() * 0x1_0000_0000;
    throw new RangeError("a length begins with 255");
  }

  /** Bytes behind their length; undefined is NULL. */
  lengthBytes(): Uint8Array | undefined {
    const size = this.length();
    return size === undefined ? undefined : this.take(size);
  }

  /** Text behind its length, empty for NULL. */
  lengthText(): string {
    return decode(this.lengthBytes() ?? new Uint8Array());
  }

  #skip(size: number): number {
    const { at } = this;
    this.at += size;
    return at;
  }
}

export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A column of a result. */
export interface ResultColumn {
  readonly name: string;
  /** As in {@linkcode TYPE}. */
  readonly type: number;
  /** 63 for bytes, else the connection's character set. */
  readonly charset: number;
  /** Longest value as text, in bytes. */
  readonly length: number;
  readonly flags: number;
  /** Digits after the point, 31 or 39 for a floating point. */
  readonly decimals: number;
}

export const FLAG = { notNull: 1, unsigned: 32, enum: 256, set: 2048 } as const;

/** Types of columns. */
export const TYPE = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  varchar: 15,
  bit: 16,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

export function parseColumn(payload: Uint8Array): ResultColumn {
  const reader = new PayloadReader(payload);
  // Catalogue, schema, alias of the table, table.
  for (let i = 0; i < 4; i++) reader.lengthBytes();
  const name = reader.lengthText();
  reader.lengthBytes();
  reader.length();
  return {
    name,
    charset: reader.uint16(),
    length: reader.uint32(),
    type: reader.uint8(),
    flags: reader.uint16(),
    decimals: reader.uint8(),
  };
}

/** What an OK or EOF packet says of a statement that has ended. */
export interface StatementEnd {
  readonly affectedRows: number;
  readonly warnings: number;
  /** Whether another result follows. */
  readonly hasMore: boolean;
  /** For example `Records: 3  Deleted: 0  Skipped: 0  Warnings: 0`. */
  readonly info: string;
}

const MORE_RESULTS = 0x0008;

export function parseOK(payload: Uint8Array): StatementEnd {
  const reader = new PayloadReader(payload, 1);
  const affectedRows = reader.length() ?? 0;
  reader.length();
  const status = reader.uint16();
  const warnings = reader.uint16();
  return {
    affectedRows,
    warnings,
    hasMore: (status & MORE_RESULTS) !== 0,
    info: reader.hasMore ? reader.lengthText() : "",
  };
}

export function parseEOF(payload: Uint8Array): StatementEnd {
  const reader = new PayloadReader(payload, 1);
  const warnings = reader.uint16();
  return { affectedRows: 0, warnings, hasMore: (reader.uint16() & MORE_RESULTS) !== 0, info: "" };
}
