/** Replaces the folder `f` of a folder by one with three new files, in a process of its own. */
import local from "../../../../src/providers/filestore/local/mod.ts";
import { connectContext } from "../../../support/connect_context.ts";

if (import.meta.main) {
  const [folder] = Deno.args as [string];
  await using store = await local.connect({ path: folder }, connectContext(folder));
  const files = ["a", "b", "c"].map((name) => ({
    name: `${name}.csv`,
    async *bytes() {
      yield new TextEncoder().encode("new");
    },
    check: () => Promise.resolve(),
  }));
  await store.writeFolder("f", files, "replace");
}
