/**
 * What a vendor's bench needs of the agent: to bundle it, and to make devices. The agent itself is a program
 * (`main.ts`), and so is its launcher; neither is imported.
 */
export { type BundleOptions, type Bundles, bundleAgent } from "./deploy/bundle.ts";
export { PartMismatch } from "./deploy/place-part.ts";
export { ProvisionError, type ProvisionOptions, type ProvisionedDevice, provisionDevice } from "./deploy/provision.ts";
