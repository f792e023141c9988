/** What a family of test vectors is. Each family reads its own files; none knows of another. */

/** How one vector came out. */
export interface VectorResult {
  /** The vector's number or name in its file. */
  readonly id: string;
  readonly comment: string;
  /** `skipped`: of a kind that Moult does not have, as another curve. */
  readonly outcome: "passed" | "failed" | "skipped";
}

/** One kind of file. */
export interface VectorFamily {
  readonly name: string;
  /** The results of the file's vectors; undefined where the document is of another family. */
  readonly run: (document: unknown) => readonly VectorResult[] | undefined;
}
