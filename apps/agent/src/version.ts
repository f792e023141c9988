/** The agent's own version. The bundler puts it in place of the name; from sources it is `dev`. */
declare const MOULT_AGENT_VERSION: string | undefined;

/** As the build's maker named it. */
export const AGENT_VERSION: string = typeof MOULT_AGENT_VERSION === "string" ? MOULT_AGENT_VERSION : "dev";
