/**
 * The council that devices of before 0.2 go by: signatures on a manifest, in the envelope around it (DSSE v1). Kept here, for
 * these tests alone: what is released now goes by the allowlist.
 */
import { type KeyObject, createHash, generateKeyPairSync, sign } from "node:crypto";
import type { TestBuild } from "../../apps/agent/src/testing/test-build.ts";

const TYPE = "application/vnd.moult.build.v1+json";

/** One member, whose signature is enough. */
export class OldCouncil {
  /** As `device.yaml` of those devices has it. */
  readonly config: { readonly threshold: 1; readonly keys: readonly [string] };
  readonly #privateKey: KeyObject;
  readonly #keyId: string;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    this.config = { threshold: 1, keys: [raw.toString("hex")] };
    this.#privateKey = privateKey;
    this.#keyId = createHash("sha256").update(raw).digest("hex");
  }

  /** The build with an envelope that those devices approve. */
  sign(build: TestBuild): TestBuild {
    const payload = Buffer.from(build.bytes);
    const message = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `), payload]);
    const signature = { keyid: this.#keyId, sig: sign(null, message, this.#privateKey).toString("base64") };
    const envelope = { payloadType: TYPE, payload: payload.toString("base64"), signatures: [signature] };
    return { ...build, envelope: Buffer.from(JSON.stringify(envelope)) };
  }
}
