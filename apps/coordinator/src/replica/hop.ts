/**
 * What a call carries from one replica to the next: that a replica hands it on, and for whom. It is believed only with the
 * replicas' common secret, and a call that came so is never handed on again.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import type { CallMetadata } from "@moult/contracts";

/** Metadata's key, and the header's over HTTPS. */
export const HOP_KEY = "moult-replica";
const PEER_KEY = "moult-peer";
const CERTIFICATE_KEY = "moult-certificate";
const CREDENTIALS_KEY = "authorization";

/** Who called, as the replica that took the call saw it. */
export interface Caller {
  /** Address and port. */
  readonly peer: string;
  /** The client's certificate in DER, of which the connection proved the key; undefined where there was none. */
  readonly certificate: Uint8Array | undefined;
}

/** Writes and believes hops, under one secret. */
export class Hop {
  readonly token: string;

  constructor(secret: Uint8Array) {
    this.token = createHmac("sha256", secret).update("moult replica hop v1").digest("hex");
  }

  /** What goes along with a call that is handed on: the caller's credentials, and who it is. */
  write(metadata: CallMetadata | undefined, { peer, certificate }: Caller): Metadata {
    const along = new Metadata();
    const credentials = metadata?.get(CREDENTIALS_KEY);
    if (credentials !== undefined) along.set(CREDENTIALS_KEY, credentials);
    along.set(HOP_KEY, this.token);
    along.set(PEER_KEY, peer);
    if (certificate !== undefined) along.set(CERTIFICATE_KEY, Buffer.from(certificate).toString("base64"));
    return along;
  }

  /** For whom another replica hands this call on; undefined where none does. */
  read(metadata: CallMetadata): Caller | undefined {
    if (!this.proves(metadata.get(HOP_KEY))) return undefined;
    const certificate = metadata.get(CERTIFICATE_KEY);
    return {
      peer: metadata.get(PEER_KEY) ?? "",
      certificate: certificate === undefined ? undefined : Buffer.from(certificate, "base64"),
    };
  }

  /** Whether the token is the replicas'. */
  proves(token: unknown): boolean {
    if (typeof token !== "string") return false;
    const given = Buffer.from(token);
    const own = Buffer.from(this.token);
    return given.length === own.length && timingSafeEqual(given, own);
  }
}
