/** A method as the server finds it by its path: how its messages are read and written, who runs it, and its limits. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { RpcError } from "../errors.ts";
import { type BindOptions, type Interceptor, type OnDefect, toRpcError } from "../service.ts";
import { type Served, type WireMethod, servedAs } from "../wire.ts";
import { Stopping } from "./stopping.ts";

/** What holds for the messages of a method. */
export interface MethodLimits {
  /** A longer message of a caller is refused by its prefix, in bytes. */
  readonly receiveBytesMax?: number;
  /** A longer answer is not sent; the call fails with RESOURCE_EXHAUSTED, in bytes. */
  readonly sendBytesMax?: number;
  /**
   * Asked before the answer of a unary call is sent; throws RpcError to send that instead. `end` ends the caller's connection.
   * What it returns is called once, when the caller has taken the answer or the call has ended otherwise.
   */
  readonly admit?: (answer: unknown, end: () => void) => (() => void) | undefined;
}

/** A method that is served. */
export interface ServedMethod extends WireMethod {
  readonly description: DescMethod;
  /** As `/package.Service/Method`. */
  readonly path: string;
  readonly intercept: Interceptor<unknown>;
  readonly errorOf: (error: unknown) => RpcError;
  /** Told of every stream; undefined where streams outlast the server's wish to stop. */
  readonly stopping: Stopping | undefined;
  readonly receiveBytesMax: number;
  readonly sendBytesMax: number;
  readonly admit: MethodLimits["admit"];
}

/** The methods of a service, each with its limits or else the usual ones. Throws where the implementation lacks one. */
export function servedMethods<S extends DescService, P>(
  service: S,
  implementation: Served<S, P>,
  intercept: Interceptor<P>,
  onDefect: OnDefect,
  options: BindOptions,
  limitsOf: (path: string) => MethodLimits & Required<Pick<MethodLimits, "receiveBytesMax" | "sendBytesMax">>,
): readonly ServedMethod[] {
  const stopping = options.stopping && new Stopping(options.stopping);
  return service.methods.map((method) => {
    const path = `/${service.typeName}/${method.name}`;
    const { receiveBytesMax, sendBytesMax, admit } = limitsOf(path);
    return {
      ...servedAs(service, method, implementation),
      description: method,
      path,
      intercept,
      errorOf: (error) => toRpcError(error, onDefect, path.slice(1)),
      stopping,
      receiveBytesMax,
      sendBytesMax,
      admit,
    };
  });
}
