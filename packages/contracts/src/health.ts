/** `grpc.health.v1`: whether the server serves. One state for the server and for each of its services. */
import { type MessageShape, create } from "@bufbuild/protobuf";
import type { DescService } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.js";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";
import { RpcError } from "./errors.ts";
import type { Implementation } from "./service.ts";

export { Health, ServingStatus };

/** A switch for operators' probes, and the service that shows it. */
export interface HealthSwitch {
  readonly implementation: Implementation<typeof Health, unknown>;
  /** Tells everybody who asks or watches. */
  readonly set: (serving: boolean) => void;
}

/** The health service for `services`; not serving until told so. */
export function createHealth(services: readonly DescService[]): HealthSwitch {
  const known = new Set(["", ...services.map((s) => s.typeName)]);
  let serving = false;
  let changed = Promise.withResolvers<void>();
  const answer = (): MessageShape<typeof HealthCheckResponseSchema> =>
    create(HealthCheckResponseSchema, { status: serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING });
  return {
    set(value) {
      serving = value;
      changed.resolve();
      changed = Promise.withResolvers<void>();
    },
    implementation: {
      async check(request) {
        if (known.has(request.service)) return answer();
        throw new RpcError(status.NOT_FOUND, ErrorReason.FIELD_INVALID, `no service ${request.service} here`);
      },
      async *watch(request, call): AsyncGenerator<HealthCheckResponse> {
        if (!known.has(request.service)) {
          yield create(HealthCheckResponseSchema, { status: ServingStatus.SERVICE_UNKNOWN });
          return;
        }
        const ended = new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
        while (!call.signal.aborted) {
          const next = changed.promise;
          yield answer();
          await Promise.race([next, ended]);
        }
      },
    },
  };
}
