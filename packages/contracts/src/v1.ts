/** All messages, enums and services of `moult.v1`. */
export * from "../gen/moult/v1/access_pb.js";
export * from "../gen/moult/v1/agent_service_pb.js";
export * from "../gen/moult/v1/build_pb.js";
export * from "../gen/moult/v1/errors_pb.js";
export * from "../gen/moult/v1/event_pb.js";
export * from "../gen/moult/v1/fleet_service_pb.js";
export * from "../gen/moult/v1/membership_service_pb.js";
export * from "../gen/moult/v1/metadata_service_pb.js";
export * from "../gen/moult/v1/release_service_pb.js";
export * from "../gen/moult/v1/rollout_service_pb.js";
export * from "../gen/moult/v1/situation_pb.js";
export * from "../gen/moult/v1/statement_pb.js";
export * from "../gen/moult/v1/verdict_pb.js";
