/**
 * Stands in for `@grpc/proto-loader` in bundles. grpc-js needs it to describe channelz, which nothing of Moult serves;
 * without it, and the JavaScript protobuf library behind it, a bundle is a quarter smaller.
 */

/** Never called; says so if it ever is. */
export function loadSync(): never {
  throw new Error("channelz is not part of this bundle");
}
