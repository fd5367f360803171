// What a frontend does with the types that are generated from the OpenAPI documents.
import createClient from "openapi-fetch";
import type { components as Staff, paths as StaffPaths } from "./generated/staffstuddash.js";
import type { paths as DropoutPaths } from "./generated/dropout.js";
import type { paths as MonitoringPaths } from "./generated/monitoring.js";

const headers = { Authorization: "Bearer KEY" };
const staffstuddash = createClient<StaffPaths>({ baseUrl: "http://127.0.0.1:8002", headers });
const dropout = createClient<DropoutPaths>({ baseUrl: "http://127.0.0.1:8003", headers });
const monitoring = createClient<MonitoringPaths>({ baseUrl: "http://127.0.0.1:8001", headers });

type Student = Staff["schemas"]["StudentOut"];

export async function addStudent(id: string, name: string): Promise<Student> {
  const { data, error, response } = await staffstuddash.POST("/api/v1/students", {
    body: { id, name },
  });
  if (error) {
    throw new Error(`${response.status} ${error.title}`);
  }
  return data;
}

export async function allStudents(): Promise<Student[]> {
  const students: Student[] = [];
  let after: string | null = null;
  do {
    const query: { limit: number; after?: string } = { limit: 100 };
    if (after !== null) {
      query.after = after;
    }
    const { data, error } = await staffstuddash.GET("/api/v1/students", { params: { query } });
    if (error) {
      throw new Error(error.title);
    }
    students.push(...data.items);
    after = data.next;
  } while (after !== null);
  return students;
}

export async function eventsOf(student_id: string): Promise<string[]> {
  const path = { student_id };
  const { data } = await dropout.GET("/api/v1/students/{student_id}/events", { params: { path } });
  return (data?.items ?? []).map((event) => event.id);
}

export async function isReady(): Promise<boolean> {
  const { data } = await monitoring.GET("/readyz");
  return data?.status === "ready";
}

// Were the types too loose to refuse a misspelt field, this expectation would be an error itself.
// @ts-expect-error -- the field is `name`
export const misspelt = () => staffstuddash.POST("/api/v1/students", { body: { nme: "Ada" } });
