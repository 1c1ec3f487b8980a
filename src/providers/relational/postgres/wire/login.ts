/** The login of a connection. */
import { ConnectionError } from "../../../../core/errors.ts";
import type { PostgresConfig } from "../config.ts";
import {
  encodeCString,
  integers,
  MESSAGE,
  message,
  type MessageBody,
  startupMessage,
  text,
} from "./messages.ts";
import { certificateHash } from "./channel_binding.ts";
import {
  type Binding,
  md5Password,
  saslPrepared,
  SCRAM,
  SCRAM_PLUS,
  ScramClient,
} from "./scram.ts";

const utf8 = new TextEncoder();

/** The first message of a connection. */
export function loginMessage(
  { user, database = user, application_name, options }: PostgresConfig,
): Uint8Array {
  return startupMessage({
    user,
    database,
    client_encoding: "UTF8",
    application_name,
    ...(options === undefined ? {} : { options }),
  });
}

/** The client's side of the authentication that the server chooses. */
export class Authentication {
  /** The password in the form that the server took. */
  password: string;
  readonly #given: string | undefined;
  readonly #scram: ScramClient;

  /** Whether the server has proven that it knows the password, over this very connection. */
  #isBound = false;

  /** @param certificate of the server in DER, inside TLS */
  constructor(
    private readonly config: Pick<PostgresConfig, "user" | "password"> & {
      readonly channel_binding?: PostgresConfig["channel_binding"];
    },
    private readonly certificate?: Uint8Array,
  ) {
    this.#given = config.password;
    this.password = config.password ?? "";
    this.#scram = new ScramClient(this.password);
  }

  /**
   * The answer to an authentication message, where it wants one.
   * https://www.postgresql.org/docs/current/protocol-message-formats.html
   *
   * @throws {ConnectionError} when the server wants what the client does not have
   */
  async answer({ bytes, view }: MessageBody): Promise<Uint8Array | undefined> {
    const kind = view.getInt32(0);
    const { channel_binding } = this.config;
    if (channel_binding === "require" && (kind < 10 || kind > 12) && !this.#isBound) {
      throw new ConnectionError(
        `the server does not ask for ${SCRAM_PLUS}, channel_binding is require`,
      );
    }
    if (kind === 0) return undefined;
    if (this.#given === undefined) {
      throw new ConnectionError("the server wants a password, none is given");
    }
    const rest = bytes.subarray(4);
    switch (kind) {
      case 3:
        return message(MESSAGE.password, encodeCString(this.#given));
      case 5:
        return message(
          MESSAGE.password,
          encodeCString(md5Password(this.config.user, this.#given, rest)),
        );
      case 10:
        return this.#scramFirst(text(rest).split("\0").filter((name) => name !== ""));
      case 11:
        return message(MESSAGE.password, utf8.encode(await this.#scram.final(text(rest))));
      case 12:
        this.#scram.verify(text(rest));
        this.#isBound = typeof this.#scram.binding === "object";
        return undefined;
      default:
        throw new ConnectionError(
          `the server wants authentication of kind ${kind}, known are password, md5 and ${SCRAM}`,
        );
    }
  }

  #scramFirst(offered: readonly string[]): Uint8Array {
    const binding = this.#binding(offered);
    this.#scram.binding = binding;
    const mechanism = typeof binding === "object" ? SCRAM_PLUS : SCRAM;
    if (!offered.includes(mechanism)) {
      throw new ConnectionError(`the server offers ${offered.join(", ")}, wanted is ${SCRAM}`);
    }
    this.password = saslPrepared(this.password);
    const first = utf8.encode(this.#scram.first);
    return message(MESSAGE.password, encodeCString(mechanism), integers(first.length), first);
  }

  /** @throws {ConnectionError} when the login has to be bound and cannot be */
  #binding(offered: readonly string[]): Binding {
    const { channel_binding = "prefer" } = this.config;
    const endPoint = this.certificate && channel_binding !== "disable"
      ? certificateHash(this.certificate)
      : undefined;
    if (endPoint !== undefined && offered.includes(SCRAM_PLUS)) return { endPoint };
    if (channel_binding !== "require") return endPoint === undefined ? "unknown" : "not offered";
    const why = this.certificate === undefined
      ? "the connection has no TLS"
      : endPoint === undefined
      ? "the certificate's signature has no digest"
      : `the server does not offer ${SCRAM_PLUS}`;
    throw new ConnectionError(
      `the login cannot be bound to the connection, ${why}, channel_binding is require`,
    );
  }
}
