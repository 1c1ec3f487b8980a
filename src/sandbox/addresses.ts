/**
 * Addresses that external code reaches only when the user has named them: those of this machine, of
 * the network around it, and of services that hand out credentials to whoever asks from there.
 *
 * A name is looked up by the host before the code starts. It may lead elsewhere when the code
 * connects: against that this is depth, the boundary is the list of hosts that the thread may reach.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { PermissionError } from "../core/errors.ts";
import { missingPermission } from "../core/permission_errors.ts";
import { parseHost } from "../models/permissions.ts";

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and two that clouds serve. */
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

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
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

/** Ranges of IPv6 that hold an IPv4 address, and how many bits lie after it. */
const HOLDING_V4: readonly (readonly [range: string, after: bigint])[] = [
  ["::ffff:0:0/96", 0n],
  ["::ffff:0:0:0/96", 0n],
  ["64:ff9b::/96", 0n],
  ["2002::/16", 80n],
];

/** What is special about an IP address, in a few words; undefined for a public one. */
export function specialAddress(address: string): string | undefined {
  if (isIP(address) === 4) return kindOf(bitsOf4(address), 32n, V4, bitsOf4);
  const bits = bitsOf6(address);
  for (const [range, after] of HOLDING_V4) {
    if (isIn(bits, 128n, range, bitsOf6)) {
      return kindOf((bits >> after) & 0xffff_ffffn, 32n, V4, bitsOf4);
    }
  }
  return kindOf(bits, 128n, V6, bitsOf6);
}

function kindOf(
  bits: bigint,
  width: bigint,
  ranges: typeof V4,
  read: (address: string) => bigint,
): string | undefined {
  return ranges.find(([range]) => isIn(bits, width, range, read))?.[1];
}

function isIn(bits: bigint, width: bigint, range: string, read: typeof bitsOf4): boolean {
  const [address, length] = range.split("/") as [string, string];
  const rest = width - BigInt(length);
  return bits >> rest === read(address) >> rest;
}

function bitsOf4(address: string): bigint {
  return address.split(".").reduce((bits, part) => bits << 8n | BigInt(part), 0n);
}

function bitsOf6(address: string): bigint {
  const plain = address.replace(/%.*$/, "").replace(/\d+\.\d+\.\d+\.\d+$/, (v4) => {
    const bits = bitsOf4(v4);
    return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
  });
  const [head = [], tail = []] = plain.split("::").map((half) =>
    half === "" ? [] : half.split(":")
  );
  const zeros = Array(8 - head.length - tail.length).fill("0");
  const parts = plain.includes("::") ? [...head, ...zeros, ...tail] : head;
  return parts.reduce((bits, part) => bits << 16n | BigInt(`0x${part}`), 0n);
}

export interface HostCheck {
  /** `host` or `host:port` that the code says it needs. */
  readonly wanted: readonly string[];
  /** `host` or `host:port` that the user has written: in the connection, or as a permission. */
  readonly named: readonly string[];
  /** Addresses of a name; the system's own look-up when unset. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/**
 * Refuses hosts that are, or lead to, a special address that the user has not named.
 *
 * @throws {PermissionError} that names the host and the address
 */
export async function checkAddresses(
  subject: string,
  { wanted, named, resolve = addressesOf }: HostCheck,
): Promise<void> {
  const isNamed = new Set(named.map((host) => parseHost(host)?.name ?? host));
  for (const host of wanted) {
    const name = parseHost(host)?.name ?? host;
    const addresses = isIP(name) > 0 ? [name] : await resolve(name);
    for (const address of addresses) {
      const kind = specialAddress(address);
      if (kind === undefined || isNamed.has(address)) continue;
      // Whoever writes localhost means this machine.
      if (name === "localhost" && isNamed.has(name)) continue;
      const leads = address === name
        ? `"${host}" is ${kind}`
        : `"${host}" leads to ${address}, ${kind}`;
      throw new PermissionError(
        `Cannot let ${subject} connect to "${host}": ${leads}; name ${address} itself where it is meant`,
      );
    }
  }
}

/** None for a name that is not known: to connect will fail with the system's own words. */
async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    const detail = missingPermission(error);
    if (detail === undefined) return [];
    throw new PermissionError(`Cannot look up "${name}": ${detail}`, { cause: error });
  }
}
