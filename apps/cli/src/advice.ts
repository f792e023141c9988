/** What to do about each reason a coordinator gives for a failed call. */

const ADVICE: Readonly<Record<string, string>> = {
  FIELD_INVALID: "Correct what is named above.",
  CREDENTIALS_MISSING:
    "Give the operator's token or certificate: --token-file FILE, --cert FILE --cert-key FILE, or --state-dir DIR.",
  SESSION_EXPIRED: "Get a new token from whoever runs the coordinator.",
  ACCESS_DENIED: "Your roles do not cover that; ask who keeps the table of operators.",
  NODE_UNKNOWN: "See which there are: moult fleet get nodes",
  RELEASE_UNKNOWN: "See which there are: moult release list",
  POOL_UNKNOWN: "See which there are: moult fleet get pools",
  RELEASE_EXISTS: "Versions and counters are used once. Build with a new --version and a higher --counter.",
  MANIFEST_INVALID: "Build the release anew with: moult release build",
  PART_MISSING: "Upload it by publishing the whole folder: moult release publish DIR",
  STORE_UNAVAILABLE: "Nothing was changed. Try again; if it stays so, look at the coordinator's disk.",
  OVERLOADED: "Nothing was changed. Try again later.",
  STOPPING: "Try again when the coordinator is back.",
  REQUEST_ID_REUSED: "Run the command again.",
  METADATA_UNKNOWN: "Nothing is published yet, or not this: moult metadata status",
  METADATA_INVALID:
    "See what is published: moult metadata status. Start from it: moult release allow --from, moult root rotate --from",
  STATEMENT_INVALID: "Sign it with a key that may: moult brake sign --key FILE, moult override create --key FILE",
  BUILD_NOT_LISTED: "Have the council allow it: moult release allow DIR --from FILE, then moult metadata publish",
};

/** A line for the reason; none where the reason is not known or speaks for itself. */
export function adviceFor(reason: string): readonly string[] {
  const line = Object.hasOwn(ADVICE, reason) ? ADVICE[reason] : undefined;
  return line === undefined ? [] : [line];
}
