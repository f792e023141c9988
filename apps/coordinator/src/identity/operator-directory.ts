/**
 * Where operators come from: the table in a file, or the local tokens where there is none. Reads again when it is told to;
 * what cannot be used then changes nothing, so that a slip of the pen neither locks everybody out nor lets anybody in.
 */
import type { Log, Random } from "../ports.ts";
import { localOperators } from "./local-tokens.ts";
import { OperatorsFileError, readOperatorsFile } from "./operators-file.ts";
import { type OperatorEntry, OperatorTable, type Operators } from "./operators.ts";

/** Where it reads, and what for local tokens. */
export interface DirectorySource {
  readonly file: string;
  /** Whether somebody named the file: it must be there then, for local tokens in its place would let in whoever reads the state. */
  readonly isNamed: boolean;
  readonly stateDir: string;
  readonly overrideKeys: readonly string[];
  readonly random: Random;
  readonly log: Log;
}

/** Operators that can be read again. */
export interface OperatorDirectory {
  readonly operators: Operators;
  /** Reads the file again; where it cannot be used, or is gone, a log line says so and the operators stay as they were. */
  readonly reload: () => void;
}

/** Reads the operators. Throws OperatorsFileError, SecretError. */
export function openOperatorDirectory(source: DirectorySource): OperatorDirectory {
  const { file, log } = source;
  const first = readOperatorsFile(file);
  if (first === undefined && source.isNamed) {
    throw new OperatorsFileError(`operators_file: ${file} is not there; without the key, local tokens are made`);
  }
  let fromFile = first !== undefined;
  const table = new OperatorTable(first ?? localOperators(source.stateDir, source.random, source.overrideKeys));
  const readAgain = (): readonly OperatorEntry[] | undefined => {
    const entries = readOperatorsFile(file);
    if (entries === undefined && fromFile) throw new OperatorsFileError(`${file} is gone`);
    return entries;
  };
  return {
    operators: table,
    reload() {
      try {
        const entries = readAgain();
        if (entries === undefined) return;
        table.replace(entries);
        fromFile = true;
        log.info({ file, operators: entries.length }, "the table of operators was read again");
      } catch (error) {
        if (!(error instanceof OperatorsFileError)) throw error;
        log.error({ err: error, file }, "the table of operators stays as it was");
      }
    },
  };
}
