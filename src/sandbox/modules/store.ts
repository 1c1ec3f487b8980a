/** Where the bytes of locked modules are kept, so that their servers need not be asked. */
export interface Store {
  /** The bytes with this SHA-256; undefined where they are not there. */
  read(url: string, sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps them, where the store takes new ones. */
  write(url: string, sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}
