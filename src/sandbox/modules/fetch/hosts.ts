/** Checks the hosts from which modules are fetched. */
import { ConfigurationError, withoutSecrets } from "../../../core/errors.ts";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Checks the host of a module before dxt connects to it. Hosts are written as for Deno's own flag:
 * `host` for all its ports, or `host:port`. TLS is required, except for loopback hosts and hosts
 * written as `http://host`.
 *
 * @throws {ConfigurationError} with the flag that would allow the host
 */
export function checkHost(url: URL, hosts: readonly string[]): void {
  const name = withoutSecrets(url.href);
  const { protocol, hostname } = url;
  const port = url.port === "" ? (protocol === "http:" ? "80" : "443") : url.port;
  const refuse = (detail: string) =>
    new ConfigurationError(`Cannot fetch module "${name}": ${detail}`);
  if (url.username !== "" || url.password !== "") {
    throw refuse("a module's URL must not contain a login");
  }
  const isNamed = (prefix: string) =>
    hosts.includes(`${prefix}${hostname}`) || hosts.includes(`${prefix}${hostname}:${port}`);
  if (protocol === "http:" && !LOOPBACK.test(hostname) && !isNamed("http://")) {
    throw refuse(`expected https:, or http://${url.host} among the hosts to import from`);
  }
  if (isNamed("") || isNamed(`${protocol}//`)) return;
  const hostToAllow = url.port === "" ? hostname : url.host;
  throw refuse(`host "${hostToAllow}" is not allowed, run it with --allow-import=${hostToAllow}`);
}
