/** Limits of one record, which is in memory several times at once. */

/** Most bytes of a record, unless `max_record_bytes` says otherwise. */
export const MAX_RECORD_BYTES = 67_108_864;

/** Most columns of CSV, or keys of a JSON record. */
export const MAX_FIELDS = 65_536;

/** Describes a record that is too large, and the way out. */
export function describeLargeRecord(maxBytes: number): string {
  return `more than ${maxBytes} bytes in one record, expected at maxBytes that many (raise max_record_bytes)`;
}
