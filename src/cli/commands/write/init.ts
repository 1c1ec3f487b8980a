/** `dxt init`: writes a project with its first pipeline into the working directory. */
import { argument, type InferValue, merge, message, object, optional, string } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Context } from "../../app/context.ts";
import { ask, canAsk } from "../../scaffold/prompt.ts";
import { openConnection, runUntilSignal } from "../../app/connections.ts";
import { chooseStreams, freePath, readableStreams } from "../../scaffold/stream_choice.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import {
  exampleFiles,
  type NewFile,
  projectFiles,
  schemaFiles,
  writeFiles,
} from "../../scaffold/project_files.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";

const parser = merge(
  object({
    name: optional(argument(string({ metavar: "NAME" }), {
      description:
        message`Name of the project and its first pipeline (default: name of the folder)`,
    })),
  }),
  object("Options", {
    from: options.textOption(
      "--from",
      "CONNECTION",
      message`Source to discover: a connection name, a URL, a database file or a folder`,
    ),
    to: options.textOption(
      "--to",
      "CONNECTION",
      message`Target, same syntax as --from (default: sqlite:NAME.db)`,
    ),
    ...options.streamPatterns(),
    ...options.reading(),
  }),
);

type InitOptions = InferValue<typeof parser>;

export const init = defineCommand(
  "init",
  parser,
  initProject,
  {
    operands: "[NAME]",
    brief: message`Write a project with its first pipeline into this folder`,
    description:
      message`Writes dxt_project.yaml, pipelines/NAME.yaml, .env.example and JSON Schemas for editors, and adds .env to .gitignore. With --from, the pipeline lists the streams of the source. On a terminal it asks for missing values. It overwrites no file; an existing project gets one more pipeline.`,
    examples: [
      "dxt init shop",
      "dxt init shop --from '${SHOP_URL}' --to sqlite:shop.db --schema public",
      "dxt init inbox --from data/ --to postgres://loader@127.0.0.1/warehouse",
    ],
  },
);

async function initProject(given: InitOptions, context: Context): Promise<number> {
  const asks = context.printer.format === "text" && canAsk(context.io);
  const values = asks ? await askMissing(given, context) : given;
  if (values === undefined) return EXIT.usage;
  // The name may also be given as that of its file, shop.yaml.
  const name = values.name?.replace(/\.ya?ml$/i, "") ?? folderName();
  if (!/^\w[\w.-]*$/.test(name)) {
    throw new ConfigurationError(
      `Cannot name a pipeline "${name}": expected letters, digits, _ . and -`,
    );
  }
  if (values.from === undefined) {
    if (values.to !== undefined) {
      throw new ConfigurationError("Cannot use --to without --from: the source is missing");
    }
    return await write(await exampleFiles(name), context);
  }
  return await fromConnection(name, values.from, values, context);
}

function folderName(): string {
  const last = Deno.cwd().split(/[/\\]/).at(-1) ?? "";
  const name = last.replace(/[^\w.-]+/g, "_").replace(/^[^\w]+/, "");
  return name === "" ? "pipeline" : name;
}

/** Asks for values that the command line does not have; undefined when the input ends. */
async function askMissing(
  values: InitOptions,
  { io }: Context,
): Promise<InitOptions | undefined> {
  const name = values.name ?? await ask(io, "Name of the pipeline", folderName());
  if (name === undefined) return undefined;
  const from = values.from ??
    await ask(io, "Source (URL, database file or folder; empty for an example)", "");
  if (from === undefined) return undefined;
  if (from === "") return { ...values, name, from: undefined };
  const to = values.to ?? await ask(io, "Target", `sqlite:${await freePath(name)}`);
  return to === undefined ? undefined : { ...values, name, from, to };
}

async function fromConnection(
  name: string,
  from: string,
  values: InitOptions,
  context: Context,
): Promise<number> {
  const source = await openConnection({ option: "--from", text: from }, values, context);
  const to = values.to ?? `sqlite:${await freePath(name)}`;
  const target = await openConnection({ option: "--to", text: to }, values, context, true);
  if (target.dataset !== undefined) {
    throw new ConfigurationError(
      `Cannot load all streams into "${to}": it is one file, expected a folder or a database`,
    );
  }
  context.printer.hide([...source.secrets, ...target.secrets]);
  const { discover, keyCandidates, watermarkCandidates } = await import("../../../runner/mod.ts");
  return await runUntilSignal(context, async (signal) => {
    const found = await discover(source, signal);
    const streams = chooseStreams(found, values);
    readableStreams(streams);
    const candidates = { keys: keyCandidates, watermarks: watermarkCandidates };
    const files = await projectFiles({ name, source, target, streams, ...candidates });
    return await write(files, context);
  });
}

async function write(files: readonly NewFile[], { printer }: Context): Promise<number> {
  const all = [...files, ...await schemaFiles()];
  const pipeline = files.find(({ path }) => path.startsWith("pipelines/"))!.path;
  const variables = files.flatMap(({ variables = [] }) => variables);
  const entries = await writeFiles(all);
  printer.results({
    name: "files",
    entries,
    about: { pipeline, variables },
    table: () =>
      entries.forEach(({ path, change }) => printer.document(`${change.padEnd(8)} ${path}`)),
  });
  if (variables.length > 0) {
    printer.progress(
      "init",
      `set ${variables.join(" and ")} in the environment or in .env; see .env.example`,
    );
  }
  printer.progress("init", `next: dxt test ${pipeline}, then dxt run ${pipeline}`);
  return EXIT.done;
}
