/** How far a file is on its way to its quorums, for programs and for people. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type SigningProgress, progressOf } from "@moult/trust/tuf";
import type { Answer } from "../output/print.ts";
import { type Cell, renderPairs } from "../output/table.ts";
import { type MetadataFile, naming } from "./files.ts";

/** The progress, where there is something to judge by: the root before a root, or the newest root. */
export function progressFor(file: MetadataFile, judge: MetadataFile | undefined): SigningProgress | undefined {
  const judged = file.kind === "root" ? judge !== undefined || file.version === 1 : judge !== undefined;
  return judged ? naming(file.path, () => progressOf(file.bytes, judge?.bytes)) : undefined;
}

/** An answer that says what a file is, what else is to be said of it, and who signed it. */
export function fileAnswer(
  file: MetadataFile,
  progress: SigningProgress | undefined,
  more: { readonly json?: JsonObject; readonly lines?: readonly string[] } = {},
): Answer {
  const { path, kind, version, expiresMs, signedDigest, keyIds } = file;
  const expires = new Date(expiresMs).toISOString();
  return {
    json: {
      file: path,
      kind: kind === "targets" ? "allowlist" : kind,
      version,
      expires,
      signedDigest,
      keyIds: [...keyIds],
      ...(progress === undefined ? {} : { quorums: quorumsJson(progress), complete: progress.complete }),
      ...more.json,
    },
    table: (style) =>
      `${(more.lines ?? []).map((line) => `${line}\n`).join("")}${renderPairs(
        [["file", path], ["signed bytes", signedDigest], ["expires", expires], ...signers(file, progress)],
        style,
      )}`,
  };
}

function quorumsJson({ quorums }: SigningProgress): JsonValue {
  return quorums.map(({ of, threshold, signed, missing }) => ({
    of: roleWord(of),
    threshold,
    signed: [...signed],
    missing: [...missing],
  }));
}

function signers({ keyIds }: MetadataFile, progress: SigningProgress | undefined): [string, Cell][] {
  if (progress === undefined) {
    return [["signed by", keyIds.length === 0 ? "nobody" : `${keyIds.length} keys; --root says whose they are`]];
  }
  return [
    ...progress.quorums.map(({ of, threshold, signed, missing }): [string, Cell] => {
      const whole = signed.length >= threshold;
      const text = `${signed.length} signed, ${threshold} needed; not yet: ${missing.length === 0 ? "nobody" : missing.join(" ")}`;
      return [roleWord(of), { text, tone: whole ? "good" : "warning" }];
    }),
    ...progress.useless.map((id): [string, Cell] => [
      "of no use",
      { text: `a signature of key id ${id}`, tone: "warning" },
    ]),
  ];
}

function roleWord(of: string): string {
  return of === "targets" ? "council" : of;
}
