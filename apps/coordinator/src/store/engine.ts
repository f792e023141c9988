/** The engines, as the configuration names them. */

/** The engine that needs nothing. Everything else is the URL of a PostgreSQL database. */
export const SQLITE = "sqlite";
