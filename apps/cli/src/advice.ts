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
  SIGNATURES_TOO_FEW: "Have more council members sign: moult release sign DIR --key FILE",
  PART_MISSING: "Upload it by publishing the whole folder: moult release publish DIR",
  STORE_UNAVAILABLE: "Nothing was changed. Try again; if it stays so, look at the coordinator's disk.",
  OVERLOADED: "Nothing was changed. Try again later.",
  STOPPING: "Try again when the coordinator is back.",
  REQUEST_ID_REUSED: "Run the command again.",
};

/** A line for the reason; none where the reason is not known or speaks for itself. */
export function adviceFor(reason: string): readonly string[] {
  const line = Object.hasOwn(ADVICE, reason) ? ADVICE[reason] : undefined;
  return line === undefined ? [] : [line];
}
