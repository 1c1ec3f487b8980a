import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import { typeMapper } from "../../../../src/providers/relational/postgres/types/type_mapper.ts";
import type { Field } from "../../../../src/models/field.ts";
import { testProvider } from "../../../conformance/provider.ts";
import { freshDatabase, postgresTest } from "../../../support/services.ts";

for (const version of [15, 18] as const) {
  const { url, missing } = postgresTest(version);
  testProvider({
    provider: postgres,
    label: `postgres ${version}`,
    async connection() {
      if (missing !== undefined) return { ignore: missing };
      const database = await freshDatabase(url);
      return {
        config: { ...postgres.urls!.parse(database.url, "/") as object, sslmode: "disable" },
        sql: (text) => database.sql(text),
        release: async () => await database[Symbol.asyncDispose](),
      };
    },
    target: (name) => ({ type: "relation", name }),
    widens,
  });
}

/** What PostgreSQL has no type of its own for comes back as the one that held it. */
function widens(field: Field): Partial<Field> {
  const { dtype, precision, scale } = typeMapper.fromSource(typeMapper.toTarget(field));
  return {
    dtype,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}
