// Client of the three services: `createVeritas`, and helpers for lists, problems and keys.
import createClient, { type Client } from "openapi-fetch";
import type { paths as DropoutPaths } from "./generated/dropout.js";
import type { paths as MonitoringPaths } from "./generated/monitoring.js";
import type { paths as StaffstuddashPaths } from "./generated/staffstuddash.js";
import { retrying, type RetryOptions } from "./retry.js";

export type { components as Dropout } from "./generated/dropout.js";
export type { components as Monitoring } from "./generated/monitoring.js";
export type { components as Staffstuddash } from "./generated/staffstuddash.js";
export type { DropoutPaths, MonitoringPaths, StaffstuddashPaths };
export { idempotent, newKey } from "./idempotency.js";
export { items, type Page } from "./lists.js";
export { dataOf, type Problem, VeritasError } from "./problems.js";

export const SERVICES = ["monitoring", "staffstuddash", "dropout"] as const;
export type Service = (typeof SERVICES)[number];

export interface Options extends RetryOptions {
  /** Address of the pages, which pass requests on, or the address of each service. */
  baseUrl: string | Record<Service, string>;
  /** Key or access token. Without one the pages use the session of the person. */
  key?: string;
  /** Login of the person for whom a key with `act_as` calls. */
  onBehalfOf?: string;
  /** Other implementation of `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

export interface Veritas {
  monitoring: Client<MonitoringPaths>;
  staffstuddash: Client<StaffstuddashPaths>;
  dropout: Client<DropoutPaths>;
}

/** Return a client of each service, whose paths, parameters, bodies and answers are typed. */
export function createVeritas(options: Options): Veritas {
  const headers = headersOf(options);
  const send = options.fetch ?? ((request: Request) => globalThis.fetch(request));
  const fetch = retrying(send, options);
  const of = <Paths extends {}>(service: Service) =>
    createClient<Paths>({ baseUrl: addressOf(options.baseUrl, service), headers, fetch });
  return {
    monitoring: of<MonitoringPaths>("monitoring"),
    staffstuddash: of<StaffstuddashPaths>("staffstuddash"),
    dropout: of<DropoutPaths>("dropout"),
  };
}

function headersOf({ key, onBehalfOf }: Options): Record<string, string> {
  return {
    ...(key !== undefined && { Authorization: `Bearer ${key}` }),
    ...(onBehalfOf !== undefined && { "Veritas-On-Behalf-Of": onBehalfOf }),
  };
}

function addressOf(baseUrl: Options["baseUrl"], service: Service): string {
  return typeof baseUrl === "string" ? `${baseUrl.replace(/\/+$/, "")}/api/${service}` : baseUrl[service];
}
