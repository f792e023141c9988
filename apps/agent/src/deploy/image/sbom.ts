/**
 * The bill of materials of an image, as CycloneDX 1.6 in JSON (ECMA-424): the runtime, the programs that are flashed, every
 * other part of the factory build, and each library in the bundles with version, licence and hash.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { BuildManifest } from "@moult/trust";
import type { BundledComponents } from "../bundle.ts";
import type { Component } from "../components.ts";

/** What is listed. */
export interface SbomInput {
  readonly manifest: BuildManifest;
  /** The build's digest. */
  readonly digest: string;
  /** Libraries of the bundles, by the bundle's file name. */
  readonly components: BundledComponents;
  /** Path of the runtime's bytes. */
  readonly runtimeFile: string;
  readonly launcher: Uint8Array;
  readonly firstBoot: Uint8Array;
  /** When the image was made, in seconds since 1970; undefined where it is not to say. */
  readonly builtAtS: number | undefined;
}

/** A component as CycloneDX has it. */
interface Listed {
  readonly type: "application" | "library" | "file" | "firmware";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly [{ readonly expression: string }];
  readonly hashes: readonly [{ readonly alg: "SHA-256" | "SHA-512"; readonly content: string }];
}

/** Our own licence. */
const LICENCE = "Apache-2.0";

/** The licence under which Node.js is given away, beside those of what it is made of. */
const RUNTIME_LICENCE = "MIT";

/** The document's text. Equal input gives equal text. */
export async function writeSbom(input: SbomInput): Promise<string> {
  const { manifest, digest, components } = input;
  const root = `moult-image:${manifest.version}:${manifest.platform.os}-${manifest.platform.arch}`;
  const libraries = new Map<string, Listed>();
  for (const component of Object.values(components).flat()) libraries.set(refOf(component), asLibrary(component));
  const program = (name: string, sha256: string): Listed => ({
    type: "application",
    "bom-ref": name,
    name,
    version: manifest.version,
    licenses: [{ expression: LICENCE }],
    hashes: [{ alg: "SHA-256", content: sha256 }],
  });
  const parts: readonly Listed[] = await Promise.all(
    manifest.parts.map(async (part): Promise<Listed> => {
      if (part.path === manifest.agent) return program("agent.mjs", part.digest);
      if (part.path === manifest.runtime) return runtime(part.digest, await runtimeVersion(input.runtimeFile));
      return {
        type: "file",
        "bom-ref": `part:${part.path}`,
        name: part.path,
        version: manifest.version,
        hashes: [{ alg: "SHA-256", content: part.digest }],
      };
    }),
  );
  const programs = [
    program("launcher.mjs", sha256(input.launcher)),
    program("first-boot.mjs", sha256(input.firstBoot)),
  ];
  const listed = [...parts, ...programs, ...libraries.values()].sort((x, y) => (x["bom-ref"] < y["bom-ref"] ? -1 : 1));
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidFrom(digest)}`,
    version: 1,
    metadata: {
      ...(input.builtAtS !== undefined && { timestamp: new Date(input.builtAtS * 1000).toISOString() }),
      component: {
        type: "firmware",
        "bom-ref": root,
        name: `moult-${manifest.network}`,
        version: manifest.version,
        hashes: [{ alg: "SHA-256", content: digest }],
      },
    },
    components: listed,
    dependencies: [
      { ref: root, dependsOn: [...parts, ...programs].map((each) => each["bom-ref"]).sort() },
      ...Object.entries(components).map(([ref, used]) => ({ ref, dependsOn: used.map(refOf).sort() })),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function refOf({ name, version }: Component): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function asLibrary(component: Component): Listed {
  const { name, version, licence, integrity } = component;
  const [algorithm, base64] = integrity.split("-", 2);
  if (algorithm !== "sha512" || base64 === undefined)
    throw new Error(`${name} has a hash of another kind: ${integrity}`);
  return {
    type: "library",
    "bom-ref": refOf(component),
    name,
    version,
    purl: refOf(component),
    licenses: [{ expression: licence }],
    hashes: [{ alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") }],
  };
}

function runtime(digest: string, version: string): Listed {
  return {
    type: "application",
    "bom-ref": "runtime",
    name: "node",
    version,
    licenses: [{ expression: RUNTIME_LICENCE }],
    hashes: [{ alg: "SHA-256", content: digest }],
  };
}

/** Where its own headers can be had stands in the runtime; it need not run here. `unknown` for one that is no Node.js. */
async function runtimeVersion(file: string): Promise<string> {
  let before = "";
  for await (const piece of createReadStream(file, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
    const text = before + piece.toString("latin1");
    const found = /\/node-v(\d+\.\d+\.\d+)-headers\.tar\.gz/.exec(text)?.[1];
    if (found !== undefined) return found;
    before = text.slice(-100);
  }
  return "unknown";
}

/** A UUID of version 8 (RFC 9562) that says nothing but the digest. */
function uuidFrom(digest: string): string {
  const hex = `${digest.slice(0, 12)}8${digest.slice(13, 16)}8${digest.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
