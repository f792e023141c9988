/** Why an image could not be made. */
export type ImageErrorCode =
  | "BUNDLE_WRONG"
  | "NETWORK_WRONG"
  | "PART_WRONG"
  | "PLATFORM_WRONG"
  | "RUNTIME_WRONG"
  | "TOKEN_IN_TEMPLATE";

/** An image that could not be made. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ImageError";
    this.code = code;
  }
}
