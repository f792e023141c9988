/** Writes an answer in the form that was asked for. */
import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import type { Ports } from "../ports.ts";
import { type Style, styleFor } from "./style.ts";

/** The forms; the first is the default. */
export const FORMATS = ["table", "json", "yaml"] as const;

/** A form. */
export type Format = (typeof FORMATS)[number];

/** An answer: for programs, and for people. */
export interface Answer {
  readonly json: JsonValue;
  /** Ends with a line break. */
  readonly table: (style: Style) => string;
}

/** Writes the answer to stdout. */
export function print(ports: Ports, format: Format, answer: Answer): void {
  switch (format) {
    case "table":
      return ports.stdout.write(answer.table(styleFor(ports.stdout, ports.env)));
    case "json":
      return ports.stdout.write(`${JSON.stringify(answer.json, undefined, 2)}\n`);
    case "yaml":
      return ports.stdout.write(stringify(answer.json));
  }
}

/**
 * A message in the JSON mapping of protobuf. Zeros, false and empty lists are written too, so that programs find every
 * field that has no notion of absence.
 */
export function messageJson<D extends DescMessage>(schema: D, message: MessageShape<D>): JsonValue {
  return toJson<D, { alwaysEmitImplicit: true }>(schema, message, { alwaysEmitImplicit: true });
}
