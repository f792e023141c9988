/** Who uploads: the operator of a good client certificate, or of a token. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { clientKeyOf } from "../identity/client-key.ts";
import type { Operator, Operators } from "../identity/operators.ts";
import type { Clock } from "../ports.ts";
import { isGood } from "../tls/operator-listener.ts";

/** What it goes by. */
export interface UploaderParts {
  readonly operators: Operators;
  readonly operatorsCaPem: string | undefined;
  readonly clock: Clock;
}

/** Tells the operator of a request; undefined where it is none's. */
export function uploaderOf(parts: UploaderParts): (request: IncomingMessage) => Operator | undefined {
  return ({ socket, headers }) => {
    if (socket instanceof TLSSocket && isGood(socket, parts)) {
      const { raw } = socket.getPeerCertificate();
      const key = clientKeyOf(raw);
      return key && parts.operators.byCertificate(key, parts.clock.now());
    }
    const token = /^Bearer (.{1,2048})$/.exec(headers.authorization ?? "")?.[1];
    return token === undefined ? undefined : parts.operators.byToken(token);
  };
}
