// Refusals as `application/problem+json` (RFC 9457).
import type { components } from "./generated/staffstuddash.js";

export type Problem = components["schemas"]["Problem"];

/** Refusal of a request; `problem` says what is wrong, where, and what to do. */
export class VeritasError extends Error {
  readonly status: number;
  readonly problem: Problem;
  readonly response: Response;

  constructor(problem: Problem, response: Response) {
    super(`${response.status} ${problem.title}: ${problem.detail}`);
    this.name = "VeritasError";
    this.status = response.status;
    this.problem = problem;
    this.response = response;
  }

  /** Kind of the problem without its prefix: `student-exists`. */
  get kind(): string {
    return this.problem.type.replace("urn:veritas:problem:", "");
  }
}

export interface Result<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** Return the data of an answer; throws VeritasError if the request was refused. */
export async function dataOf<Data>(result: Promise<Result<Data>>): Promise<Exclude<Data, undefined>> {
  const { data, error, response } = await result;
  if (!response.ok) {
    throw new VeritasError(asProblem(error, response), response);
  }
  return data as Exclude<Data, undefined>;
}

// A proxy on the way may answer with a page of its own.
function asProblem(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "type" in error && "title" in error) {
    return error as Problem;
  }
  const title = response.statusText || "The answer is not one of Veritas";
  return { type: "about:blank", title, status: response.status, detail: response.url };
}
