/** Estimates the bytes of a message; stops counting beyond `maxBytes`. */
export function measureMessage(message: unknown, maxBytes: number): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [message];
  let size = 0;
  while (waiting.length > 0 && size <= maxBytes) {
    const value = waiting.pop();
    size += 8;
    if (typeof value === "string") size += value.length * 2;
    if (typeof value === "bigint") size += value.toString(16).length / 2;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) size += value.byteLength;
    else if (Array.isArray(value)) {
      // Holes of a sparse array take no memory, but would take long to visit.
      for (const key in value) {
        if (waiting.push(value[key]) * 8 > maxBytes) return waiting.length * 8;
      }
    } else if (value instanceof Map) { for (const pair of value) waiting.push(...pair); }
    else if (value instanceof Set) waiting.push(...value);
    else for (const [key, member] of Object.entries(value)) waiting.push(key, member);
  }
  return size;
}
