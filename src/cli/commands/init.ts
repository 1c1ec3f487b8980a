import { argument, command, map, merge, message, object, option, optional, string } from "optique";
import { ConfigurationError } from "../../core/errors.ts";
import type { Action, Context, Variables } from "../app/context.ts";
import { ask, canAsk } from "../scaffold/prompt.ts";
import { openConnection, untilSignal } from "../app/connections.ts";
import { chooseStreams, freePath, readableStreams } from "../scaffold/stream_choice.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import {
  type NewFile,
  plainFiles,
  projectFiles,
  schemaFiles,
  writeFiles,
} from "../scaffold/project_files.ts";
import * as options from "../app/options.ts";

interface InitOptions extends Variables {
  readonly name?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly schema?: string | undefined;
  readonly select?: string | undefined;
}

const parser = merge(
  object({
    name: optional(argument(string({ metavar: "NAME" }), {
      description:
        message`Name of the project and its first pipeline (default: name of the folder)`,
    })),
  }),
  object("Options", {
    from: optional(option("--from", string({ metavar: "CONNECTION" }), {
      description:
        message`Source to discover: a connection's name, a URL, a database file or a folder`,
    })),
    to: optional(option("--to", string({ metavar: "CONNECTION" }), {
      description: message`Target, in the same words; sqlite:NAME.db`,
    })),
    schema: optional(option("--schema", string({ metavar: "NAME" }), {
      description: message`Only streams of this schema of the source`,
    })),
    select: optional(option("-s", "--select", string({ metavar: "PATTERN" }), {
      description: message`Only these streams of the source: orders, public.*, *_log`,
    })),
    ...options.variables(),
    ...options.modules(),
    ...options.outputOptions(),
  }),
);

export const init = command(
  "init",
  map(parser, (values): Action => ({
    verbosity: values,
    act: (context) => initProject(values, context),
  })),
  {
    usageLine: options.usageLine("[NAME]"),
    brief: message`Write a project with its first pipeline into this folder`,
    description:
      message`Writes dxt_project.yaml, pipelines/NAME.yaml, .env.example and the JSON Schemas that editors check the files by, and keeps .env out of git. With --from the pipeline has the streams that the source has. Asks on a terminal for what is not given. Overwrites no file; a project that is there gets one more pipeline.`,
    footer: options.examples(
      "dxt init shop",
      "dxt init shop --from '${SHOP_URL}' --to sqlite:shop.db --schema public",
      "dxt init inbox --from data/ --to postgres://loader@127.0.0.1/warehouse",
    ),
  },
);

async function initProject(given: InitOptions, context: Context): Promise<number> {
  const values = canAsk(context.io) ? await completed(given, context) : given;
  if (values === undefined) return EXIT.usage;
  const name = values.name ?? folderName();
  if (!/^\w[\w.-]*$/.test(name)) {
    throw new ConfigurationError(
      `Cannot name a pipeline "${name}": expected letters, digits, _ . and -`,
    );
  }
  if (values.from === undefined) {
    if (values.to !== undefined) {
      throw new ConfigurationError("Cannot take --to alone: --from says what is read");
    }
    return await write(await plainFiles(name), context);
  }
  return await fromConnection(name, values.from, values, context);
}

function folderName(): string {
  const last = Deno.cwd().split(/[/\\]/).at(-1) ?? "";
  const name = last.replace(/[^\w.-]+/g, "_").replace(/^[^\w]+/, "");
  return name === "" ? "pipeline" : name;
}

/** What was not given, as it is answered; undefined when nobody answers any more. */
async function completed(
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
      `Cannot write all streams into "${to}": it is one file, expected a folder or a database`,
    );
  }
  context.printer.hide([...source.secrets, ...target.secrets]);
  const { discover, keyCandidates, watermarkCandidates } = await import("../../runner/mod.ts");
  return await untilSignal(context, async (signal) => {
    const found = await discover(source, signal);
    const streams = chooseStreams(found, values);
    readableStreams(streams);
    const marks = { keys: keyCandidates, watermarks: watermarkCandidates };
    return await write(await projectFiles({ name, source, target, streams, ...marks }), context);
  });
}

async function write(files: readonly NewFile[], { printer }: Context): Promise<number> {
  const all = [...files, ...await schemaFiles()];
  for (const line of await writeFiles(all)) printer.document(line);
  const pipeline = files.find(({ path }) => path.startsWith("pipelines/"))!.path;
  const variables = files.flatMap(({ variables = [] }) => variables);
  if (variables.length > 0) {
    printer.progress(
      "init",
      `set ${variables.join(" and ")} in the environment or in .env, see .env.example`,
    );
  }
  printer.progress("init", `next: dxt test ${pipeline}, then dxt run ${pipeline}`);
  return EXIT.done;
}
