// Frontend that installs the package; it runs against the services whose addresses are its argument.
import { createVeritas, dataOf, items, newKey, VeritasError } from "@veritas/client";
import type { Dropout, Service, Staffstuddash } from "@veritas/client";

declare const process: { argv: string[] };
const baseUrl = JSON.parse(process.argv[2] ?? "{}") as Record<Service, string>;
const seen: Request[] = [];
let refusals = 0;

const veritas = createVeritas({
  baseUrl,
  key: "KEY",
  fetch: async (request) => {
    seen.push(request.clone());
    if (refusals > 0) {
      refusals -= 1;
      return new Response(null, { status: 503, headers: { "Retry-After": "0" } });
    }
    return fetch(request);
  },
});

function check(name: string, isTrue: boolean): void {
  if (!isTrue) {
    throw new Error(`not as expected: ${name}`);
  }
  console.log(name);
}

const names = ["Ada", "Bo", "Cem", "Dag", "Eli"];
const { POST, GET } = veritas.staffstuddash;
for (const name of names) {
  const added: Staffstuddash["schemas"]["StudentOut"] = await dataOf(
    POST("/api/v1/students", { body: { id: name.toLowerCase(), name } }),
  );
  check(`added ${name}`, added.name === name);
}

const listed: string[] = [];
const firstOfList = seen.length;
for await (const student of items((after) =>
  GET("/api/v1/students", { params: { query: { limit: 2, after } } }),
)) {
  listed.push(student.name);
}
check("all pages", listed.join() === names.join() && seen.length - firstOfList === 3);
check("key", seen.every((request) => request.headers.get("Authorization") === "Bearer KEY"));

const header = { "Idempotency-Key": newKey() };
const named = { body: { name: "Fay" }, params: { header } };
refusals = 1;
const beforeRetry = seen.length;
const first = await dataOf(POST("/api/v1/students", named));
check("a named request is repeated", seen.length - beforeRetry === 2);
const second = await POST("/api/v1/students", named);
check("it is stored once", second.data?.id === first.id);
check("a replay says so", second.response.headers.get("Idempotent-Replay") === "true");

refusals = 1;
const unnamed = await POST("/api/v1/students", { body: { name: "Gus" } });
check("another one is not repeated", unnamed.response.status === 503);
refusals = 9;
const beforeGivingUp = seen.length;
const refused = await GET("/api/v1/students");
check("it gives up", refused.response.status === 503 && seen.length - beforeGivingUp === 3);
refusals = 0;

try {
  await dataOf(POST("/api/v1/students", { body: { id: "ada", name: "Other" } }));
  check("a refusal is thrown", false);
} catch (error) {
  check("a refusal is thrown", error instanceof VeritasError);
  const { kind, status, problem } = error as VeritasError;
  check("a typed problem", kind === "student-exists" && status === 409 && problem.detail !== "");
}

const risks = veritas.dropout.GET("/api/v1/predictions");
const found: Dropout["schemas"]["PredictionOut"][] = (await dataOf(risks)).items;
check("no predictions", found.length === 0);
check("ready", (await dataOf(veritas.monitoring.GET("/readyz"))).status === "ready");

// Were the types too loose to refuse a misspelt field, this expectation would be an error itself.
// @ts-expect-error -- the field is `name`
export const misspelt = () => POST("/api/v1/students", { body: { nme: "Ada" } });
// @ts-expect-error -- there is no such route
export const astray = () => GET("/api/v1/pupils");
