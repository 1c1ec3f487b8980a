/** JSON whose text depends on the content alone, for digests and signatures. */

/** A replacer of `JSON.stringify` that puts the members of each object in the order of their names. */
export function sortMembers(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1);
  return Object.fromEntries(members);
}
