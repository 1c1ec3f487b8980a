/** Reports each field's types on its way from source to target, for `dxt plan`. */
import {
  type Conversion,
  CONVERSIONS,
  convert,
  EXACT,
  type FieldConversion,
  isAccepted,
  typeText,
} from "../../core/values/conversion.ts";
import type { Projection } from "../../core/contracts/extractor.ts";
import type { Field } from "../../models/field.ts";
import type { PlannedField } from "../../models/plan.ts";
import type { LossRule } from "../../models/stream.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";

/** Fields in the order of the target; `columns` are what the loader makes of each. */
export function reportFields(
  { projections, transformed, generated }: ResolvedFields,
  found: readonly Field[],
  columns: readonly FieldConversion[],
  rule: LossRule | undefined,
): PlannedField[] {
  const known = new Map(found.map((field) => [field.name, field]));
  const read = transformed === undefined
    ? projections.map((projection) => reading(projection, known))
    : transformed.map(() => made("transformed"));
  return [...read, ...generated.map(() => made("generated"))].map(
    ({ conversion: first, ...from }, i) => {
      const column = columns[i]!;
      const { field, type, conversion: second } = column;
      const kind = CONVERSIONS[Math.max(...[first, second].map(({ kind }) => rank(kind)))]!;
      const notes = [first, second].map(({ note }) => note).filter((note) => note !== undefined);
      // Only a declaration makes a field of another type than the source's column.
      const accepted = isAccepted(column, rule);
      return {
        name: field.name,
        ...from,
        dtype: typeText(field),
        target_type: type,
        conversion: kind,
        ...(notes.length === 0 ? {} : { note: notes.join("; ") }),
        ...(kind === "lossy" ? { accepted } : {}),
      };
    },
  );
}

const rank = (kind: Conversion["kind"]) => CONVERSIONS.indexOf(kind);

interface Reading {
  readonly source: string;
  readonly source_type: string;
  readonly conversion: Conversion;
}

function made(source: string): Reading {
  return { source, source_type: "", conversion: EXACT };
}

/** From the source's type to dxt's. */
function reading(
  { field, column, expression }: Projection,
  known: ReadonlyMap<string, Field>,
): Reading {
  if (expression !== undefined) {
    return { source: expression, source_type: "", conversion: EXACT };
  }
  const source = column ?? field.name;
  const from = known.get(source);
  // A part of a column of JSON is what the declaration says.
  if (from === undefined) return { source, source_type: "json", conversion: EXACT };
  const source_type = from.source_type?.replace(/^\w+:/, "") ?? typeText(from);
  const conversion = convert(from, field);
  if (from.inferred !== true) return { source, source_type, conversion };
  const note = ["type guessed from values", conversion.note].filter(Boolean).join(", ");
  return { source, source_type, conversion: { ...conversion, note } };
}
