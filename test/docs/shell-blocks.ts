/** Finds the commands in a document: the fenced blocks marked `sh`, in their order. Blocks of other kinds are for reading. */
export function shellBlocks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
}
