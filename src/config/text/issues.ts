/** Errors at places in files, collected so that all are reported at once. */
import { ConfigurationError } from "../../core/errors.ts";
import type { SourceText } from "./source_text.ts";

/** A place in a file. */
export interface Place {
  readonly source: SourceText;
  readonly offset: number;
  /** What every message about this place ends with: a likely cause that it does not name itself. */
  readonly hint?: string;
}

/** One error in a file. Line and column count from 1; both are 0 for the command line. */
export interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The offending line with a caret below. */
  readonly excerpt: string;
}

/** All errors of a pipeline, each with file, line, column and the line itself. */
export class LocatedError extends ConfigurationError {
  /** At least one, in the order of the file. */
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join("\n"));
    this.issues = issues;
  }

  /** The message of each issue, for output that labels every error. */
  get messages(): readonly string[] {
    return this.issues.map(formatIssue);
  }

  /** Where the first issue is. */
  get position(): Issue {
    return this.issues[0]!;
  }
}

function formatIssue({ file, line, column, message, excerpt }: Issue): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place}: ${message}${excerpt === "" ? "" : `\n${excerpt}`}`;
}

export function issueAt({ source, offset, hint }: Place, message: string): Issue {
  const { line, column } = source.argument ? { line: 0, column: 0 } : source.position(offset);
  return {
    file: source.name,
    line,
    column,
    message: hint === undefined ? message : `${message}; ${hint}`,
    excerpt: source.excerpt(offset),
  };
}

/** Collects errors. */
export class Issues {
  /** By place and message, since an alias or a default is validated more than once. */
  readonly #found = new Map<string, Issue>();

  add(place: Place, message: string): void {
    const key = `${place.source.name}\0${place.offset}\0${message}`;
    if (!this.#found.has(key)) this.#found.set(key, issueAt(place, message));
  }

  /** @throws {LocatedError} when anything was added */
  throwIfAny(): void {
    if (this.#found.size === 0) return;
    throw new LocatedError(
      [...this.#found.values()].sort((a, b) =>
        Number(a.file > b.file) - Number(a.file < b.file) || a.line - b.line || a.column - b.column
      ),
    );
  }
}
