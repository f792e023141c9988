/** What stands in a request's headers, read where it is asked for and not before: most calls ask for one name. */
import type { IncomingHttpHeaders } from "node:http2";
import type { CallMetadata } from "../service.ts";

/** Headers as metadata. Of names that may come often, Node joins the values or keeps the first. */
export class HeaderMetadata implements CallMetadata {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | undefined {
    // Bytes come in base64 under names with this ending, and pseudo-headers are HTTP's.
    if (name.endsWith("-bin") || name.startsWith(":")) return undefined;
    const value = this.#headers[name];
    return typeof value === "string" ? value : undefined;
  }
}

/** Whether a content type is that of gRPC with protobuf. Parameters after a semicolon are let be. */
export function isGrpc(contentType: string | undefined): boolean {
  if (contentType === "application/grpc") return true;
  return contentType !== undefined && /^application\/grpc(\+proto)?[ \t]*(;|$)/i.test(contentType);
}
