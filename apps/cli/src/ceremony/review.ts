/**
 * What a person sees before a key is used: every consequence of the file, what is different from the file before it, and the
 * digest to compare by voice. Signing is approval, so where nobody can be asked somebody must have said yes beforehand.
 */
import { summaryOf } from "@moult/trust/tuf";
import { usageError } from "../errors.ts";
import { confirmDanger } from "../output/confirm.ts";
import { printable } from "../output/text.ts";
import type { Ports } from "../ports.ts";
import { type MetadataFile, naming } from "./files.ts";

/** The lines that sum a file up, safe for a terminal. */
export function summaryLines(file: MetadataFile, previous?: MetadataFile): readonly string[] {
  return naming(file.path, () => summaryOf(file.bytes, previous?.bytes)).map(printable);
}

/** Shows the file on stderr and asks. Throws CliError CANCELLED, or USAGE where nobody can answer and nobody said yes. */
export async function reviewBeforeSigning(
  ports: Ports,
  { file, previous, yes }: { readonly file: MetadataFile; readonly previous?: MetadataFile; readonly yes: boolean },
): Promise<void> {
  for (const line of summaryLines(file, previous)) ports.stderr.write(`${line}\n`);
  if (previous === undefined && file.version > 1) {
    ports.stderr.write("warning: without --previous nothing tells what is new here\n");
  }
  if (!yes && !(ports.stdinIsTTY && ports.stderr.isTTY)) {
    throw usageError("Signing is approval, and nobody is here to be asked.", "Read what stands above, then say --yes.");
  }
  await confirmDanger(ports, yes, `Sign this? Compare the digest ${file.signedDigest} with the others first.`);
}
