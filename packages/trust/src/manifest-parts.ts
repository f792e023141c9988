/** Reads the parts of a manifest, and sees to it that no two of them could fall upon each other on a disk. */
import { isDigest } from "./digest.ts";
import { ManifestError } from "./errors.ts";
import { fieldsOf, readInteger, readList, readPath } from "./manifest-fields.ts";
import type { ManifestPart } from "./build-manifest.ts";

const PARTS_MAX = 4096;

/** 4 GiB: more than any device here has to spare, and safe in arithmetic. */
const PART_BYTES_MAX = 4_294_967_296;

/** The parts, in the document's order. Throws ManifestError. */
export function readParts(value: unknown): ManifestPart[] {
  const parts = readList(value, "parts", 1, PARTS_MAX).map((item, index) => readPart(item, `parts[${index}]`));
  checkPaths(parts);
  checkLengths(parts);
  return parts;
}

function readPart(value: unknown, where: string): ManifestPart {
  const fields = fieldsOf(value, where, ["path", "digest", "length_bytes", "executable"]);
  const { digest, executable } = fields;
  if (!isDigest(digest)) {
    throw new ManifestError("VALUE_INVALID", `${where}.digest`, "is not 64 lowercase hexadecimal digits");
  }
  if (typeof executable !== "boolean") {
    throw new ManifestError("VALUE_INVALID", `${where}.executable`, "is not true or false");
  }
  return {
    path: readPath(fields["path"], `${where}.path`),
    digest,
    length_bytes: readInteger(fields["length_bytes"], `${where}.length_bytes`, 0, PART_BYTES_MAX),
    executable,
  };
}

/** Case is ignored, because some disks do; and no part may stand where another one needs a folder. */
function checkPaths(parts: readonly ManifestPart[]): void {
  const files = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const path = part.path.toLowerCase();
    if (files.has(path)) {
      throw new ManifestError("PATH_REPEATED", `parts[${index}].path`, `is ${part.path}, which was named before`);
    }
    files.add(path);
  }
  for (const [index, part] of parts.entries()) {
    const path = part.path.toLowerCase();
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      if (files.has(path.slice(0, slash))) {
        throw new ManifestError("PATH_REPEATED", `parts[${index}].path`, `is ${part.path}, inside another part`);
      }
    }
  }
}

function checkLengths(parts: readonly ManifestPart[]): void {
  const lengths = new Map<string, number>();
  for (const [index, part] of parts.entries()) {
    const known = lengths.get(part.digest);
    if (known !== undefined && known !== part.length_bytes) {
      throw new ManifestError("PART_INCONSISTENT", `parts[${index}].length_bytes`, "differs for the same digest");
    }
    lengths.set(part.digest, part.length_bytes);
  }
}
