/** The suites that authors of providers run: `import { testSource } from "dxt/conformance"`. */
export * from "./provider.ts";
export * from "./source.ts";
