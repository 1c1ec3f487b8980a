/** The fields whose values a fixture keeps: named by command or pipeline, watermarks, and some types. */
import { suggestWord } from "../../core/did_you_mean.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { listNames } from "../../core/suggest_stream.ts";
import type { FieldDeclaration } from "../../models/field.ts";
import type { Stream } from "../../models/stream.ts";
import { getExpression, nameInSource } from "../plan/field_declarations.ts";
import type { RecordedColumn } from "./read_rows.ts";

/** Types that masking does not change: their values are too few to identify anybody. */
const SHARED: ReadonlySet<string> = new Set(["bool", "time"]);

export class PlainFields {
  readonly #used = new Set<string>();
  readonly #known = new Set<string>();

  /** @param named `field` in each stream that has it, or `stream.field` */
  constructor(private readonly named: readonly string[]) {}

  /** Whether a column of a stream keeps its values. */
  has(stream: Stream, column: RecordedColumn): boolean {
    const declared = stream.fields?.find((one) => isDeclared(one, column));
    const ids = [...new Set([column.field.name, ...(declared === undefined ? [] : [declared.id])])];
    const names = ids.flatMap((id) => [id, `${stream.id}.${id}`]);
    for (const id of ids) this.#known.add(`${stream.id}.${id}`);
    const chosen = this.named.filter((name) => names.includes(name));
    for (const name of chosen) this.#used.add(name);
    // initial_value, overlap and backfills compare watermarks with values of the pipeline.
    return chosen.length > 0 || declared?.plain === true || column.isWatermark ||
      SHARED.has(column.field.dtype);
  }

  /** @throws {ConfigurationError} for a name that no stream has, whose values would be masked unnoticed */
  refuseUnknown(): void {
    const unknown = this.named.find((name) => !this.#used.has(name));
    if (unknown === undefined) return;
    const known = [...this.#known];
    const near = suggestWord(unknown, [
      ...known,
      ...known.map((name) => name.replace(/^.*\./, "")),
    ]);
    throw new ConfigurationError(
      `Cannot keep field "${unknown}" plain: no stream has it${
        near || `; there are ${listNames(known)}`
      }`,
    );
  }
}

function isDeclared(declared: FieldDeclaration, { field, expression }: RecordedColumn): boolean {
  return expression === undefined
    ? getExpression(declared) === undefined && nameInSource(declared) === field.name
    : getExpression(declared) === expression;
}
