type Config = typeof import("../../config/load_pipeline.ts");
type Runner = typeof import("../../runner/mod.ts");

/** What a command needs beyond its options, imported when a command asks: help stays fast. */
export interface Engine {
  config(): Promise<Pick<Config, "loadPipeline" | "findSecretValues">>;
  runner(): Promise<Pick<Runner, "runPipeline" | "checkPipeline" | "admitPipeline">>;
}

export const ENGINE: Engine = {
  config: () => import("../../config/load_pipeline.ts"),
  runner: () => import("../../runner/mod.ts"),
};
