/** What schemas ask beyond shapes, apart from them so that it can be asked without them. */

/** One character of one UTF-16 unit. */
export function isCharacter(text: string): boolean {
  return [...text].length === 1 && text.length === 1;
}

interface End {
  readonly provider?: unknown;
  readonly connection?: unknown;
  readonly url?: unknown;
}

export function saysWhere({ provider, connection, url }: End): boolean {
  return [provider, connection, url].some((key) => key !== undefined);
}

export function saysWhereOnce({ connection, url }: End): boolean {
  return connection === undefined || url === undefined;
}

export function hasRoomForScale(
  { precision, scale }: {
    readonly precision?: number | undefined;
    readonly scale?: number | undefined;
  },
): boolean {
  return scale === undefined || precision === undefined || scale <= precision;
}

export function hasOneOrigin(
  { generator, source }: { readonly generator?: unknown; readonly source?: unknown },
): boolean {
  return generator === undefined || source === undefined;
}
