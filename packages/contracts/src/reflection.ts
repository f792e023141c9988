/**
 * `grpc.reflection.v1` over the protobuf-es descriptors, so that grpcurl and buf curl learn the contract from a running
 * server. Also served under the older name `v1alpha`, whose messages have the same wire shape.
 */
import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  create,
  createRegistry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import {
  ErrorResponseSchema,
  ExtensionNumberResponseSchema,
  FileDescriptorResponseSchema,
  ListServiceResponseSchema,
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import type { Implementation } from "./service.ts";

export { ServerReflection };

/** The same service under the package name that older tools ask for. */
export const ServerReflectionAlpha: typeof ServerReflection = Object.assign(
  Object.create(ServerReflection) as typeof ServerReflection,
  { typeName: "grpc.reflection.v1alpha.ServerReflection" },
);

/** Answers questions about `services` and all that they import. */
export function createReflection(services: readonly DescService[]): Implementation<typeof ServerReflection, unknown> {
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(visit);
  };
  services.forEach((service) => visit(service.file));
  const registry = createRegistry(...files.values());

  const answerFile = (file: DescFile | undefined, what: string): ServerReflectionResponse["messageResponse"] => {
    if (file === undefined) return notFound(what);
    // The file and everything it imports, so that a client needs to ask only once.
    const closure = new Map<string, DescFile>();
    const add = (f: DescFile): void => {
      if (closure.has(f.proto.name)) return;
      closure.set(f.proto.name, f);
      f.dependencies.forEach(add);
    };
    add(file);
    const fileDescriptorProto = [...closure.values()].map((f) => toBinary(FileDescriptorProtoSchema, f.proto));
    return { case: "fileDescriptorResponse", value: create(FileDescriptorResponseSchema, { fileDescriptorProto }) };
  };

  const answer = (request: ServerReflectionRequest): ServerReflectionResponse["messageResponse"] => {
    const question = request.messageRequest;
    switch (question.case) {
      case "listServices": {
        const service = services.map((s) => ({ name: s.typeName }));
        return { case: "listServicesResponse", value: create(ListServiceResponseSchema, { service }) };
      }
      case "fileByFilename":
        return answerFile(files.get(question.value), question.value);
      case "fileContainingSymbol":
        return answerFile(fileOfSymbol(question.value), question.value);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        return answerFile(extension(containingType, extensionNumber), `${containingType}#${extensionNumber}`);
      }
      case "allExtensionNumbersOfType": {
        const extensionNumber = extensionsOf(question.value).map((e) => e.number);
        return {
          case: "allExtensionNumbersResponse",
          value: create(ExtensionNumberResponseSchema, { baseTypeName: question.value, extensionNumber }),
        };
      }
      default:
        return notFound("the question");
    }
  };

  /** A symbol may name a type, a service, or a method or field inside one. */
  const fileOfSymbol = (symbol: string): DescFile | undefined => {
    const whole = registry.get(symbol);
    if (whole !== undefined) return whole.file;
    const dot = Math.max(0, symbol.lastIndexOf("."));
    const outer = registry.get(symbol.slice(0, dot));
    const inner = symbol.slice(dot + 1);
    return outer !== undefined && namesInside(outer).includes(inner) ? outer.file : undefined;
  };
  const extensionsOf = (type: string): readonly DescExtension[] =>
    [...registry].filter((d): d is DescExtension => d.kind === "extension" && d.extendee.typeName === type);
  const extension = (type: string, number: number): DescFile | undefined =>
    extensionsOf(type).find((e) => e.number === number)?.file;

  return {
    async *serverReflectionInfo(requests): AsyncGenerator<ServerReflectionResponse> {
      for await (const request of requests) {
        yield create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request),
        });
      }
    },
  };
}

/** Names that a symbol may have behind a type or a service. */
function namesInside(outer: DescMessage | DescEnum | DescExtension | DescService): readonly string[] {
  switch (outer.kind) {
    case "service":
      return outer.methods.map((method) => method.name);
    case "message":
      return [...outer.fields, ...outer.oneofs].map((member) => member.name);
    case "enum":
      return outer.values.map((value) => value.name);
    case "extension":
      return [];
  }
}

function notFound(what: string): ServerReflectionResponse["messageResponse"] {
  return {
    case: "errorResponse",
    value: create(ErrorResponseSchema, { errorCode: status.NOT_FOUND, errorMessage: `${what} is not known here` }),
  };
}
