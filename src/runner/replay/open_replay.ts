/** Opens a fixture for a pipeline: checks that both fit, and that the replay needs no network. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Fixture } from "../record/fixture.ts";
import { type Selection, selectStreams } from "../../selector/mod.ts";
import { codeNeeds } from "../plan/external_modules.ts";
import { checkFiles } from "../record/fixture_files.ts";
import { checkFit, type FitNames } from "./check_fit.ts";
import { buildReplay, matchStreams, type ReplayPlaces } from "./replay_pipeline.ts";

/**
 * Returns the selected streams of the pipeline with the fixture as source and an embedded target. Its workers
 * have no permission to use the network.
 *
 * @param loaded read with the connections that `chooseStandIns` returns
 * @throws {ConfigurationError} when fixture and pipeline do not fit, or a module would be fetched
 * @throws {SelectorError} for a selector that selects nothing
 */
export async function openReplay(
  loaded: LoadedPipeline,
  fixture: Fixture,
  places: ReplayPlaces,
  names: FitNames,
  selection: Selection,
): Promise<LoadedPipeline> {
  const matched = matchStreams(loaded, fixture);
  const selected = new Set(selectStreams(matched.map(({ stream }) => stream), selection));
  const replayed = matched.filter(({ stream }) => selected.has(stream));
  const sources = new Map(loaded.pipeline.streams.map(({ id, source }) => [id, source]));
  checkFit(replayed, fixture, sources, names);
  await checkFiles(places.fixture, {
    ...fixture,
    streams: replayed.flatMap(({ recorded }) => recorded ?? []),
  });
  const replay = buildReplay(loaded, replayed, fixture, places);
  const [host] = codeNeeds(replay, []).net;
  if (host === undefined) return replay;
  throw new ConfigurationError(
    `Cannot replay "${names.pipeline}": it has modules of "${host}" and a replay uses no network; copy them with dxt vendor`,
  );
}
