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
  /** How many watch and have been told all that there is to tell. */
  readonly waitingCount: number;
}

/** The health service for `services`; not serving until told so. */
export function createHealth(services: readonly DescService[]): HealthSwitch {
  const known = new Set(["", ...services.map((s) => s.typeName)]);
  let serving = false;
  let changes = 0;
  // Taken out with the end of their calls: there may be no change for as long as the process lives.
  const waiting = new Set<() => void>();
  const change = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      if (signal.aborted) return resolve();
      waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  const answer = (): MessageShape<typeof HealthCheckResponseSchema> =>
    create(HealthCheckResponseSchema, { status: serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING });
  return {
    set(value) {
      serving = value;
      changes += 1;
      for (const done of waiting) done();
    },
    get waitingCount() {
      return waiting.size;
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
        const { signal } = call;
        while (!signal.aborted) {
          const told = changes;
          yield answer();
          // What changed while the answer was on its way is told at once.
          if (told === changes) await change(signal);
        }
      },
    },
  };
}
