/** `dxt completions`: prints the completion script of a shell. */
import { argument, choice, merge, message, object } from "optique";
import { SCRIPTS, SHELLS } from "../help/completion_scripts.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { defineCommand } from "../app/define_command.ts";
import * as options from "../app/options.ts";

const parser = merge(
  object({
    shell: argument(choice(SHELLS, { metavar: "SHELL" }), {
      description: message`bash, zsh, fish or powershell`,
    }),
  }),
  object("Options", { ...options.outputOptions() }),
);

export const completions = defineCommand(
  "completions",
  parser,
  ({ shell }, { printer }) => {
    const script = SCRIPTS[shell].trimEnd();
    if (printer.format === "text") printer.document(script);
    else printer.json({ shell, script });
    return Promise.resolve(EXIT.done);
  },
  {
    operands: "SHELL",
    brief: message`Print a script that completes commands, options, streams and tags`,
    description:
      message`Load the script in the start-up file of the shell. Stream ids and tags come from the pipeline on the command line.`,
    examples: [
      "dxt completions zsh > ~/.zfunc/_dxt",
      "source <(dxt completions bash)",
      "dxt completions fish > ~/.config/fish/completions/dxt.fish",
      "dxt completions powershell | Out-String | Invoke-Expression",
    ],
  },
);
