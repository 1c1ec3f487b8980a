/** Where a server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Socket of a server on this machine; then host and port are not used. */
  readonly path?: string | undefined;
}

/** `host:port` as permissions and messages write it, or the path of a socket. */
export function formatAddress({ host, port, path }: Address): string {
  return path ?? (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
}
