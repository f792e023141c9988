/** All messages and services of `moult.replica.v1`, the contract between replicas of one coordinator. */
export * from "../gen/moult/replica/v1/trunk_service_pb.js";
