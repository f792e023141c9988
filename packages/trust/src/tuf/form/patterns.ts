/** How names, digests and versions are written in metadata, each with the rule that a person reads. */

/** 64 lowercase hexadecimal digits. */
export const DIGEST: RegExp = /^[0-9a-f]{64}$/;
export const DIGEST_RULE = "is not 64 lowercase hexadecimal digits";

/** A network's id. */
export const NETWORK: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const NETWORK_RULE = "is not 1 to 63 of a-z, 0-9 and - (no - at an end)";

/** A release's version. */
export const VERSION: RegExp = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
export const VERSION_RULE = "is not 1 to 64 letters, digits and ._+- that begin with a letter or a digit";

/** A word such as `linux`, or a flag's name. */
export const WORD: RegExp = /^[a-z0-9_-]{1,32}$/;
export const WORD_RULE = "is not 1 to 32 of a-z, 0-9, _ and -";
