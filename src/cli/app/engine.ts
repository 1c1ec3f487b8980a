/** The rooms that do the work, imported lazily so that help starts fast; tests pass their own. */
type Config = typeof import("../../config/load_pipeline.ts");
type Runner = typeof import("../../runner/mod.ts");

/** Functions that commands call, imported on first use. */
export interface Engine {
  config(): Promise<Pick<Config, "loadPipeline" | "findSecretValues">>;
  runner(): Promise<Pick<Runner, "runPipeline" | "checkPipeline" | "admitPipeline">>;
}

export const ENGINE: Engine = {
  config: () => import("../../config/load_pipeline.ts"),
  runner: () => import("../../runner/mod.ts"),
};
