/** The login of a connection: answers the greeting, then the requests of the user's plugin. */
import { choosePlugin, continueLogin, provePassword } from "./authentication.ts";
import { CAPABILITY, type Greeting, loginHead } from "./greeting.ts";
import type { PacketChannel } from "./packet_channel.ts";
import { ANSWER, decode, encodeZeroEnded, PayloadReader } from "./packets.ts";

/** First byte of a packet in which a plugin asks for another step. */
const MORE = 0x01;

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string | undefined;
  /** The connection uses TLS, or a socket of this machine. */
  readonly isPrivate: boolean;
  /** Whether to trust a public key that comes without TLS, which an attacker may have sent. */
  readonly trustsPublicKey: boolean;
}

/** @throws {DXTError} when the server refuses the login, or the password cannot be proven */
export async function logIn(
  channel: PacketChannel,
  { plugin: greeted, challenge: first }: Greeting,
  capabilities: number,
  login: Login,
): Promise<void> {
  const { password } = login;
  let plugin = choosePlugin(greeted);
  let challenge = first;
  const proof = await provePassword(plugin, password, challenge);
  channel.connection.beginStatement();
  await channel.reply(loginPacket(capabilities, login, plugin, proof));
  let payload = await channel.receive();
  while (payload[0] !== ANSWER.ok) {
    if (payload[0] === ANSWER.end) {
      [plugin, challenge] = parseSwitch(payload);
      await channel.reply(await provePassword(plugin, password, challenge));
      payload = await channel.receive();
    } else if (payload[0] === MORE) {
      payload = await continueLogin(plugin, password, challenge, payload.subarray(1), {
        ...login,
        async ask(question) {
          if (question !== undefined) await channel.reply(question);
          return await channel.receive();
        },
      });
    } else throw channel.connection.refuse("an unknown answer to the login came");
  }
  channel.connection.endStatement();
}

/** Parses the request for another plugin: its name and challenge. */
function parseSwitch(payload: Uint8Array): [plugin: string, challenge: Uint8Array] {
  if (payload.length === 1) return ["mysql_old_password", new Uint8Array()];
  const reader = new PayloadReader(payload, 1);
  return [decode(reader.untilZero()), reader.rest().slice()];
}

function loginPacket(
  capabilities: number,
  login: Pick<Login, "user" | "database">,
  plugin: string,
  proof: Uint8Array,
): Uint8Array {
  const withDatabase = (capabilities & CAPABILITY.connectWithDatabase) !== 0;
  return Uint8Array.of(
    ...loginHead(capabilities),
    ...encodeZeroEnded(login.user),
    proof.length,
    ...proof,
    ...(withDatabase ? encodeZeroEnded(login.database!) : []),
    ...((capabilities & CAPABILITY.pluginAuth) === 0 ? [] : encodeZeroEnded(plugin)),
  );
}
