/** Bounds of one record: all of it is in memory at once, several times over. */

/** Bytes of text, unless `max_record_bytes` says otherwise. */
export const MAX_RECORD_BYTES = 67_108_864;

/** Columns of CSV, or keys of JSON. */
export const MAX_FIELDS = 65_536;

/** What is wrong with a larger record, and the way out. */
export function describeLargeRecord(most: number): string {
  return `more than ${most} bytes in one record, expected at most that many (raise max_record_bytes)`;
}
