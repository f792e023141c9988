/** The exit codes, in one table. Scripts rely on them: a code is never given another meaning. */

/** Why a command did not do what it was told. */
export type FailureKind =
  | "UNEXPECTED"
  | "USAGE"
  | "REFUSED"
  | "NOT_FOUND"
  | "UNREACHABLE"
  | "VERIFICATION"
  | "CANCELLED";

/** Exit code and meaning of each way a command can fail. */
export const FAILURES: Readonly<Record<FailureKind, { readonly exitCode: number; readonly meaning: string }>> = {
  UNEXPECTED: { exitCode: 1, meaning: "unexpected: a defect of moult or of the coordinator" },
  USAGE: { exitCode: 2, meaning: "usage: the command line, or a file it names, cannot be used" },
  REFUSED: { exitCode: 3, meaning: "refused: the coordinator will not do it, or found the input invalid" },
  NOT_FOUND: { exitCode: 4, meaning: "not found: no such node, release, pool or override" },
  UNREACHABLE: { exitCode: 5, meaning: "unreachable: the coordinator does not answer, or cannot now" },
  VERIFICATION: {
    exitCode: 6,
    meaning: "verification failed: signatures, manifest, parts or the audit log are not what they must be",
  },
  CANCELLED: { exitCode: 7, meaning: "cancelled: the question was answered with no, or Ctrl-C" },
};

/** The table as `moult --help` shows it. */
export function exitCodeHelp(): string {
  const rows = Object.values(FAILURES).map(({ exitCode, meaning }) => `  ${exitCode}  ${meaning}`);
  return ["Exit codes:", "  0  ok", ...rows].join("\n");
}
