/** The highest watermark of a source: found where an index serves it or the table is small. */
import assert from "node:assert/strict";
import mysql from "../../../../src/providers/relational/mysql/mod.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { StreamSource } from "../../../../src/models/source.ts";
import { connect, onServers } from "./support.ts";

const ID: Field = { name: "id", dtype: "int32", nullable: false };
const LABEL: Field = { name: "label", dtype: "string", nullable: true };

onServers("the highest watermark of a source is found where that is cheap", async (database) => {
  await database.sql("CREATE TABLE small (id int, label varchar(20)) ENGINE=InnoDB");
  await database.sql("INSERT INTO small VALUES (7, 'a'), (3, 'B'), (NULL, NULL)");
  await database.sql("CREATE VIEW v AS SELECT * FROM small");
  await database.sql(
    "CREATE TABLE large (id int PRIMARY KEY AUTO_INCREMENT, label varchar(20), KEY (label), pad char(255) NOT NULL DEFAULT '') ENGINE=InnoDB",
  );
  await database.sql("INSERT INTO large (label) VALUES ('x'), ('y'), ('z'), ('Z')");
  // Doubled to 131,072 rows, which are more than 16 MiB.
  for (let i = 0; i < 15; i++) {
    await database.sql("INSERT INTO large (label) SELECT label FROM large");
  }
  await database.sql("ANALYZE TABLE large");
  await using connector = await connect(database.url);
  const highest = (source: StreamSource, field: Field) =>
    mysql.extractors!["MySQLExtractor"]!.maxWatermark!(connector, {
      source,
      projection: { field, column: field.name },
    });
  const table = (name: string) => ({ type: "relation", name }) as const;
  assert.equal(await highest(table("small"), ID), 7);
  assert.equal(await highest({ ...table("small"), where: "id < 7" }, ID), 3);
  assert.equal(await highest(table("small"), LABEL), "a", "by bytes, not by collation");
  assert.equal(await highest(table("v"), ID), undefined);
  assert.equal(await highest(table("missing"), ID), undefined);
  const [[last]] = await database.sql("SELECT max(id) FROM large") as [[string]];
  assert.equal(await highest(table("large"), ID), Number(last));
  assert.equal(await highest(table("large"), LABEL), undefined, "its index has another order");
  assert.equal(await highest({ ...table("large"), where: "id > 1" }, ID), undefined);
});
