/** gRPC on Node's own HTTP/2: a server for ports that anybody may reach. */
export { type Http2ServerOptions, type ServerTls, Http2Server } from "./server.ts";
export type { MethodLimits } from "./method.ts";
export { Patience } from "./patience.ts";
