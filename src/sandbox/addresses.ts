/**
 * Finds addresses that untrusted code may reach only when the user has named them: those of this
 * machine, of its network, and of services that give credentials to any local client.
 *
 * The host resolves each name before the code starts. The name may resolve to another address when
 * the code connects, so this check is defence in depth: the boundary is the worker's list of hosts.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { PermissionError } from "../core/errors.ts";
import { missingPermission } from "../core/permission_errors.ts";
import { parseHost } from "../models/permissions.ts";

/**
 * Special ranges of IPv4: https://www.iana.org/assignments/iana-ipv4-special-registry, and two
 * addresses of clouds.
 */
const V4: readonly (readonly [range: string, kind: string])[] = [
  ["168.63.129.16/32", "a metadata address"],
  ["169.254.169.254/32", "a metadata address"],
  ["100.100.100.200/32", "a metadata address"],
  ["0.0.0.0/8", "an address of this machine"],
  ["127.0.0.0/8", "a loopback address"],
  ["10.0.0.0/8", "a private address"],
  ["172.16.0.0/12", "a private address"],
  ["192.168.0.0/16", "a private address"],
  ["100.64.0.0/10", "a shared address"],
  ["169.254.0.0/16", "a link-local address"],
  ["192.0.0.0/24", "a reserved address"],
  ["192.0.2.0/24", "an address for documentation"],
  ["198.51.100.0/24", "an address for documentation"],
  ["203.0.113.0/24", "an address for documentation"],
  ["192.88.99.0/24", "a relay address"],
  ["198.18.0.0/15", "an address for benchmarks"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
];

/** Special ranges of IPv6: https://www.iana.org/assignments/iana-ipv6-special-registry */
const V6: typeof V4 = [
  ["fd00:ec2::254/128", "a metadata address"],
  ["::1/128", "a loopback address"],
  ["::/96", "an address of this machine"],
  ["64:ff9b:1::/48", "a private address"],
  ["100::/64", "a reserved address"],
  ["2001::/23", "a reserved address"],
  ["2001:db8::/32", "an address for documentation"],
  ["3fff::/20", "an address for documentation"],
  ["5f00::/16", "a reserved address"],
  ["fc00::/7", "a private address"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a private address"],
  ["ff00::/8", "a multicast address"],
];

/** IPv6 ranges that embed an IPv4 address, with the number of bits behind it. */
const EMBEDDED_V4: readonly (readonly [range: string, after: bigint])[] = [
  ["::ffff:0:0/96", 0n],
  ["::ffff:0:0:0/96", 0n],
  ["64:ff9b::/96", 0n],
  ["2002::/16", 80n],
];

/** Describes in a few words why an IP address is special; undefined for a public one. */
export function describeSpecialAddress(address: string): string | undefined {
  if (isIP(address) === 4) return findKind(parseV4(address), 32n, V4, parseV4);
  const bits = parseV6(address);
  for (const [range, suffixBits] of EMBEDDED_V4) {
    if (isInRange(bits, 128n, range, parseV6)) {
      return findKind((bits >> suffixBits) & 0xffff_ffffn, 32n, V4, parseV4);
    }
  }
  return findKind(bits, 128n, V6, parseV6);
}

function findKind(
  bits: bigint,
  width: bigint,
  ranges: typeof V4,
  read: (address: string) => bigint,
): string | undefined {
  return ranges.find(([range]) => isInRange(bits, width, range, read))?.[1];
}

function isInRange(bits: bigint, width: bigint, range: string, read: typeof parseV4): boolean {
  const [address, length] = range.split("/") as [string, string];
  const hostBits = width - BigInt(length);
  return bits >> hostBits === read(address) >> hostBits;
}

function parseV4(address: string): bigint {
  return address.split(".").reduce((bits, part) => bits << 8n | BigInt(part), 0n);
}

function parseV6(address: string): bigint {
  const plain = address.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, (v4) => {
    const bits = parseV4(v4);
    return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
  });
  const [head = [], tail = []] = plain.split("::").map((half) =>
    half === "" ? [] : half.split(":")
  );
  const zeros = Array(8 - head.length - tail.length).fill("0");
  const parts = plain.includes("::") ? [...head, ...zeros, ...tail] : head;
  return parts.reduce((bits, part) => bits << 16n | BigInt(`0x${part}`), 0n);
}

/** The hosts to check, and those that the user allows. */
export interface HostCheck {
  /** Hosts that the code requests, as `host` or `host:port`. */
  readonly wanted: readonly string[];
  /** Hosts that the user wrote, in the connection or as a permission, as `host` or `host:port`. */
  readonly named: readonly string[];
  /** Resolves a name to its addresses; unset for the system's resolver. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/**
 * Refuses hosts that are, or resolve to, a special address that the user has not named.
 *
 * @throws {PermissionError} that names the host and the address
 */
export async function checkAddresses(
  subject: string,
  { wanted, named, resolve = lookUpAddresses }: HostCheck,
): Promise<void> {
  const isNamed = new Set(named.map((host) => parseHost(host)?.name ?? host));
  for (const host of wanted) {
    const name = parseHost(host)?.name ?? host;
    const addresses = isIP(name) > 0 ? [name] : await resolve(name);
    for (const address of addresses) {
      const kind = describeSpecialAddress(address);
      if (kind === undefined || isNamed.has(address)) continue;
      // The name localhost stands for this machine.
      if (name === "localhost" && isNamed.has(name)) continue;
      const detail = address === name
        ? `"${host}" is ${kind}`
        : `"${host}" resolves to ${address}, ${kind}`;
      throw new PermissionError(
        `Cannot let ${subject} connect to "${host}": ${detail}; to allow it, name ${address} itself`,
      );
    }
  }
}

/** Returns no address for an unknown name: connecting to it fails with the system's message. */
async function lookUpAddresses(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    const detail = missingPermission(error);
    if (detail === undefined) return [];
    throw new PermissionError(`Cannot look up "${name}": ${detail}`, { cause: error });
  }
}
