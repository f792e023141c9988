import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerReflectionRequest, ServerReflectionResponse } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { create } from "@bufbuild/protobuf";
import { ServerReflectionRequestSchema } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { createClient } from "./client.ts";
import { Health } from "./health.ts";
import { ServerReflection, ServerReflectionAlpha, createReflection } from "./reflection.ts";
import { KINDS, type TestServer, startTestServer } from "./testing/server.ts";
import { AgentService, MembershipService } from "./v1.ts";

let served: TestServer;
describe.each(KINDS)("served by %s", (kind) => {
  beforeAll(async () => {
    served = await startTestServer((bind) => {
      const reflection = createReflection([AgentService, MembershipService, Health]);
      for (const service of [ServerReflection, ServerReflectionAlpha]) {
        bind(
          service,
          reflection,
          () => undefined,
          () => undefined,
        );
      }
    }, kind);
  });
  afterAll(() => served.stop());

  type Question = ServerReflectionRequest["messageRequest"];

  /** Asks all questions on one stream and ends it; the answers, once the server has ended it too. */
  function ask(
    questions: readonly Question[],
    service = ServerReflection,
  ): Promise<readonly ServerReflectionResponse[]> {
    const client = createClient(service, served.address, served.credentials);
    return new Promise((resolve, reject) => {
      const answers: ServerReflectionResponse[] = [];
      const stream = client.serverReflectionInfo({ timeoutMs: 10_000 });
      stream.on("data", (answer) => answers.push(answer));
      stream.on("error", reject);
      stream.on("end", () => resolve(answers));
      for (const messageRequest of questions) stream.write(create(ServerReflectionRequestSchema, { messageRequest }));
      stream.end();
    }).finally(() => client.close()) as Promise<readonly ServerReflectionResponse[]>;
  }

  async function filesFor(question: Question): Promise<readonly FileDescriptorProto[]> {
    const [answer] = await ask([question]);
    if (answer?.messageResponse.case !== "fileDescriptorResponse") return [];
    return answer.messageResponse.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
  }

  test.each([
    ["v1", ServerReflection],
    ["v1alpha", ServerReflectionAlpha],
  ])("services are listed under %s, and the stream ends well", async (_, service) => {
    const [answer] = await ask([{ case: "listServices", value: "*" }], service);
    const listed = answer?.messageResponse.case === "listServicesResponse" ? answer.messageResponse.value.service : [];
    expect(listed.map(({ name }) => name)).toEqual([
      "moult.v1.AgentService",
      "moult.v1.MembershipService",
      "grpc.health.v1.Health",
    ]);
  });

  test("a file comes with all that it imports, so that one question is enough", async () => {
    const files = await filesFor({ case: "fileByFilename", value: "moult/v1/membership_service.proto" });
    const names = new Set(files.map((file) => file.name));
    expect(names).toContain("moult/v1/membership_service.proto");
    for (const file of files) for (const dependency of file.dependency) expect(names).toContain(dependency);
    expect(names).toContain("google/protobuf/descriptor.proto");
  });

  test.each([
    ["moult.v1.AgentService", "moult/v1/agent_service.proto"],
    ["moult.v1.AgentService.Ask", "moult/v1/agent_service.proto"],
    ["moult.v1.AskRequest", "moult/v1/agent_service.proto"],
    ["moult.v1.AskRequest.permit_id", "moult/v1/agent_service.proto"],
    ["moult.v1.NodeState", "moult/v1/agent_service.proto"],
    ["moult.v1.access", "moult/v1/access.proto"],
    ["google.protobuf.MethodOptions", "google/protobuf/descriptor.proto"],
    ["grpc.health.v1.Health", "grpc/health/v1/health.proto"],
  ])("the symbol %s is found in its file", async (symbol, name) => {
    const [first] = await filesFor({ case: "fileContainingSymbol", value: symbol });
    expect(first?.name).toBe(name);
  });

  test("the extension by which access is said is found by its number", async () => {
    const containingType = "google.protobuf.MethodOptions";
    const [numbers] = await ask([{ case: "allExtensionNumbersOfType", value: containingType }]);
    expect(
      numbers?.messageResponse.case === "allExtensionNumbersResponse" && numbers.messageResponse.value,
    ).toMatchObject({
      baseTypeName: containingType,
      extensionNumber: [50731],
    });
    const value = { $typeName: "grpc.reflection.v1.ExtensionRequest" as const, containingType, extensionNumber: 50731 };
    const [file] = await filesFor({ case: "fileContainingExtension", value });
    expect(file?.name).toBe("moult/v1/access.proto");
  });

  test("what is not known is said so, question by question, and the stream goes on", async () => {
    const answers = await ask([
      { case: "fileByFilename", value: "nowhere.proto" },
      { case: "fileContainingSymbol", value: "moult.v1.AgentService.Nothing" },
      { case: "fileContainingSymbol", value: "nothing" },
      { case: undefined },
      { case: "listServices", value: "" },
    ]);
    expect(answers.map(({ messageResponse }) => messageResponse.case)).toEqual([
      ...Array.from({ length: 4 }, () => "errorResponse"),
      "listServicesResponse",
    ]);
    expect(answers[0]?.messageResponse.value).toMatchObject({
      errorCode: 5,
      errorMessage: "nowhere.proto is not known here",
    });
  });
});
