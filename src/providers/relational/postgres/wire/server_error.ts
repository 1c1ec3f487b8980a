/** Errors that the server sends. */
import { ConnectorError } from "../../../../core/errors.ts";

/** Fields of an ErrorResponse: https://www.postgresql.org/docs/current/protocol-error-fields.html */
export interface ServerReport {
  readonly severity: string;
  /** SQLSTATE */
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** Context, for example `COPY orders, line 3, column total: "x"`. */
  readonly where?: string | undefined;
  /** Number of the character in the statement, from 1. */
  readonly position?: string | undefined;
  /** Function of the server's source that reports it; unlike the message it is not translated. */
  readonly routine?: string | undefined;
  /** Column that the error is about. */
  readonly column?: string | undefined;
}

/** An error of the server, in its own words with its SQLSTATE. */
export class PostgresError extends ConnectorError {
  /** `showValues` lets the message quote records and keys, as the server does. */
  constructor(
    readonly report: ServerReport,
    private readonly showValues = false,
    statement?: string,
  ) {
    super(
      describe(showValues ? report : hideRowValues(report)) + markPlace(report, statement),
      { transient: hasTransientCode(report) },
    );
  }

  /** The same error, with the line of the statement that it points to. */
  inStatement(statement: string): PostgresError {
    return new PostgresError(this.report, this.showValues, statement);
  }

  /** The message with the records and keys that the server quotes. */
  get wholeMessage(): string {
    return describe(this.report);
  }

  get code(): string {
    return this.report.code;
  }
}

/** Replaces values of records, which logs show only on request. */
const HIDDEN = "(… hidden, see --show-values)";

/**
 * A report without the records and keys that it quotes: the detail of a constraint, such as `Key
 * (id)=(1) already exists` or `Failing row contains (1, a)` in any language, and the text of a line. A
 * single value that a type cannot hold stays, with its column.
 */
export function hideRowValues(report: ServerReport): ServerReport {
  const { code, detail, where } = report;
  // Class 23: integrity constraint violation.
  const quotes = detail !== undefined && code.startsWith("23");
  return {
    ...report,
    detail: quotes ? withoutGroup(detail, code) : detail,
    where: where?.replace(/^(COPY .*?, line \d+): ".*$/s, "$1"),
  };
}

/** NOT NULL and CHECK, whose details quote a whole row and no name of a key. */
const OF_ROWS: ReadonlySet<string> = new Set(["23502", "23514"]);

/** The values go: of a key, what follows its equals sign, else all that is in parentheses. */
function withoutGroup(detail: string, code: string): string {
  const key = OF_ROWS.has(code) ? null : /\)\s*=\s*(?=\()/.exec(detail);
  const start = key === null ? 0 : key.index + key[0].length;
  return detail.slice(0, start) + detail.slice(start).replace(/\(.*\)/s, HIDDEN);
}

function describe(report: ServerReport): string {
  const { message, code, detail, hint, where } = report;
  const context = where?.split("\n").find((line) => line.startsWith("COPY "));
  return [
    message,
    detail,
    hint === undefined ? undefined : `hint: ${hint}`,
    context === undefined ? undefined : `at ${context}`,
    isHiddenRows(report) ? HIDDEN_ROWS : undefined,
  ].filter((part) => part !== undefined).map((part) => part.replace(/\.$/, "")).join(", ") +
    ` (SQLSTATE ${code})`;
}

/** Characters of a long line that are shown on each side of the place. */
const SHOWN_AROUND = 60;

/** The line of a statement with a caret below the place, as the server's own client shows it. */
function markPlace({ position }: ServerReport, statement: string | undefined): string {
  if (position === undefined || statement === undefined) return "";
  const before = [...statement].slice(0, Number(position) - 1).join("").split("\n");
  const start = [...before.at(-1)!];
  const rest = [...statement.split("\n")[before.length - 1]!].slice(start.length);
  const [left, right] = [start.slice(-SHOWN_AROUND), rest.slice(0, SHOWN_AROUND)];
  const label = `LINE ${before.length}: ${left.length < start.length ? "…" : ""}`;
  const line = label + [...left, ...right].join("").replaceAll("\t", " ");
  return `\n  ${line}\n  ${" ".repeat(label.length + left.length)}^`;
}

const HIDDEN_ROWS =
  `a login with BYPASSRLS reads all rows, "row_security: on" in the connection only those that the policies show`;

/** Whether the server refused to leave out the rows that row-level security hides. */
function isHiddenRows({ code, routine }: ServerReport): boolean {
  return code === "42501" && routine === "check_enable_rls";
}

/**
 * Whether the same may succeed later: classes 08 (connection) and 40 (serialization, deadlock); 53300 too many
 * connections, 55P03 lock timeout, 57P01 to 57P03 a server that stops or starts, 25P03 and 57P05 idle timeouts.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function hasTransientCode({ code }: ServerReport): boolean {
  return /^(08|40|53300|55P03|57P0[1235]|25P03)/.test(code);
}

/** Whether a lock could not be acquired within `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof PostgresError && error.code === "55P03";
}

/** Whether the server ended the connection with this error: 57P shut down, terminated; 08; 25P03 idle. */
export function isConnectionEnd(error: unknown): boolean {
  return error instanceof PostgresError && /^(57P|08|25P03)/.test(error.code);
}

/** Classes 28 (authorization), 3D (no such database), 57P (shut down), 53 (too many), 08. */
export function isLoginFailure({ code }: ServerReport): boolean {
  return /^(28|3D|57P|53|08)/.test(code);
}
