/** Which digests were ever on a list here, worked out anew only when the releases changed. */
import type { Release } from "@moult/policy";

/** Looks at releases, those that were recalled among them; `releases` is replaced whenever one changes. */
export function knownBuilds(releases: () => readonly Release[]): () => ReadonlySet<string> {
  let of: readonly Release[] | undefined;
  let digests: ReadonlySet<string> = new Set();
  return () => {
    const now = releases();
    if (now !== of) {
      of = now;
      digests = new Set(now.flatMap((release) => release.builds.map((build) => build.digest)));
    }
    return digests;
  };
}
