/** All messages, enums and services of `moult.work.v1`, the contract between an agent and its workload. */
export * from "../gen/moult/work/v1/work_service_pb.js";
