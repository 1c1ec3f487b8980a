import assert from "node:assert/strict";
import { formatAnswer, isReadBack } from "../../../../src/providers/relational/load/loaded_rows.ts";
import type { TotalName } from "../../../../src/providers/relational/contract.ts";
import type { MappedType } from "../../../../src/core/contracts/type_mapper.ts";
import type { Field } from "../../../../src/models/field.ts";

Deno.test("equal totals are equal texts, in whatever form a server prints them", () => {
  const cases: [Partial<Field>, TotalName, string, string | undefined][] = [
    [{ dtype: "int32" }, "sum", "3.00", "3"],
    [{ dtype: "int32" }, "min", "-1.0", "-1"],
    [{ dtype: "int64" }, "sum", "9".repeat(40), "9".repeat(40)],
    // A fraction is a difference from the stage, not an answer that nobody can read.
    [{ dtype: "int32" }, "max", "1.5", "1.5"],
    [{ dtype: "decimal", precision: 4, scale: 2 }, "sum", "12345.5", "12345.50"],
    [{ dtype: "decimal", precision: 4, scale: 2 }, "max", "1.2345", "1.2345"],
    [{ dtype: "float64" }, "min", "-0", "0"],
    [{ dtype: "float32" }, "min", "0.1", "0.10000000149011612"],
    [{ dtype: "string" }, "sum", "12", "12"],
    [{ dtype: "date" }, "min", "0044-03-15 BC", undefined],
    [{ dtype: "timestamp_tz" }, "min", "2024-01-02 03:04:05.500000", "2024-01-02T03:04:05.5Z"],
    [{ dtype: "timestamp_tz" }, "max", "2024-01-02 03:04:05+02", "2024-01-02T01:04:05Z"],
    [{ dtype: "timestamp_tz" }, "max", "infinity", "infinity"],
  ];
  for (const [type, total, text, wanted] of cases) {
    const field = { name: "f", nullable: true, ...type } as Field;
    assert.equal(formatAnswer(field, total, text), wanted, `${type.dtype} ${total} ${text}`);
  }
});

Deno.test("a field reads back from a column that prints its values as the field's type does", () => {
  const isRead = (dtype: Field["dtype"], ...columns: [MappedType, boolean][]) => {
    for (const [column, wanted] of columns) {
      assert.equal(isReadBack(dtype, column), wanted, `${dtype} from ${column.dtype}`);
    }
  };
  isRead(
    "int32",
    [{ dtype: "int64" }, true],
    [{ dtype: "string" }, true],
    [{ dtype: "decimal", precision: 20, scale: 0 }, true],
    [{ dtype: "decimal", precision: 20, scale: 2 }, false],
    [{ dtype: "float64" }, false],
    [{ dtype: "bool" }, false],
  );
  isRead(
    "decimal",
    [{ dtype: "decimal", precision: 20, scale: 2 }, true],
    [{ dtype: "float64" }, false],
  );
  isRead("date", [{ dtype: "string" }, true], [{ dtype: "timestamp" }, false]);
  isRead("timestamp", [{ dtype: "timestamp" }, true]);
});
