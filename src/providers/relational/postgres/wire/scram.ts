/**
 * Authentication by SCRAM-SHA-256, bound to the server's certificate where it can be, and by MD5.
 * https://www.rfc-editor.org/rfc/rfc5802, https://www.rfc-editor.org/rfc/rfc7677
 */
import { createHash } from "node:crypto";
import { ConnectionError } from "../../../../core/errors.ts";

export const SCRAM = "SCRAM-SHA-256";
export const SCRAM_PLUS = "SCRAM-SHA-256-PLUS";

/**
 * How a login is bound to its connection: by the digest of the server's certificate, not at all as the
 * server does not offer it, or not at all as the client does not know how.
 */
export type Binding = { readonly endPoint: Uint8Array } | "not offered" | "unknown";

function gs2Header(binding: Binding): string {
  if (typeof binding === "object") return "p=tls-server-end-point,,";
  return binding === "not offered" ? "y,," : "n,,";
}

const utf8 = new TextEncoder();

/** The client's side of one exchange. PostgreSQL takes the user name of the startup message. */
export class ScramClient {
  readonly #nonce: string;
  #serverSignature = "";
  /** To be set before {@linkcode first} is read. */
  binding: Binding = "unknown";

  constructor(
    private readonly password: string,
    nonce = crypto.getRandomValues(new Uint8Array(18)).toBase64(),
  ) {
    this.#nonce = nonce;
  }

  get first(): string {
    return `${gs2Header(this.binding)}${this.#bareFirst}`;
  }

  get #bareFirst(): string {
    return `n=,r=${this.#nonce}`;
  }

  /** The client's last message, in answer to the server's first. */
  async final(serverFirst: string): Promise<string> {
    const { r: nonce, s: salt, i: iterations } = attributes(serverFirst);
    const rounds = Number(iterations);
    if (!nonce?.startsWith(this.#nonce) || nonce.length === this.#nonce.length) refuse();
    if (salt === undefined || !Number.isInteger(rounds) || rounds < 1) return refuse();
    const salted = await pbkdf2(saslPrepared(this.password), Uint8Array.fromBase64(salt), rounds);
    const clientKey = await hmac(salted, utf8.encode("Client Key"));
    const storedKey = new Uint8Array(await crypto.subtle.digest("SHA-256", clientKey));
    const { binding } = this;
    const data = typeof binding === "object" ? binding.endPoint : [];
    const bound = Uint8Array.of(...utf8.encode(gs2Header(binding)), ...data).toBase64();
    const bareFinal = `c=${bound},r=${nonce}`;
    const exchange = utf8.encode(`${this.#bareFirst},${serverFirst},${bareFinal}`);
    const signature = await hmac(storedKey, exchange);
    const serverKey = await hmac(salted, utf8.encode("Server Key"));
    this.#serverSignature = (await hmac(serverKey, exchange)).toBase64();
    return `${bareFinal},p=${clientKey.map((byte, i) => byte ^ signature[i]!).toBase64()}`;
  }

  /** @throws {ConnectionError} when the server does not know the password's keys either */
  verify(serverFinal: string): void {
    const { v: signature } = attributes(serverFinal);
    if (this.#serverSignature === "" || signature !== this.#serverSignature) refuse();
  }
}

function refuse(): never {
  throw new ConnectionError("the server's SCRAM answer is not that of the server asked");
}

function attributes(message: string): Record<string, string> {
  return Object.fromEntries(message.split(",").map((part) => [part[0], part.slice(2)]));
}

/**
 * SASLprep, https://www.rfc-editor.org/rfc/rfc4013, as far as it changes characters: spaces become
 * one kind, invisible ones vanish, the rest is NFKC.
 */
export function saslPrepared(password: string): string {
  return password.replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, " ")
    .replace(/[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/g, "")
    .normalize("NFKC");
}

async function pbkdf2(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", utf8.encode(password), "PBKDF2", false, [
    "deriveBits",
  ]);
  const bits = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    key,
    256,
  );
  return new Uint8Array(bits);
}

async function hmac(
  secret: Uint8Array<ArrayBuffer>,
  text: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey(
    "raw",
    secret,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
}

/** `md5` and the digest that AuthenticationMD5Password wants. */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash("md5").update(`${password}${user}`).digest("hex");
  return `md5${createHash("md5").update(inner).update(salt).digest("hex")}`;
}
